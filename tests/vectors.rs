//! The worked policy examples of `fixtures/policy-vectors.json`, over HTTP: one gateway with the
//! ledger of the default, one learner, an LMS that shows what it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use scoregate::score::Decimal;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use support::*;

const VECTORS: &str = include_str!("fixtures/policy-vectors.json");

/// Those of keys that come with delivery.
const LATER: [&str; 1] = ["hold-1"];

/// The LMS behind LTIAAS: line items' maxima, and the result that it shows, by line item.
#[derive(Default)]
struct Lms {
    maxima: HashMap<String, String>,
    shown: HashMap<String, Value>,
}

/// The scores that are a body's, as they are spelled.
#[derive(serde::Deserialize)]
struct Sent {
    #[serde(rename = "scoreGiven")]
    given: Option<Box<RawValue>>,
    #[serde(rename = "scoreMaximum")]
    maximum: Option<Box<RawValue>>,
}

#[test]
fn every_worked_example_comes_out_as_written() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors: Vec<_> = file["vectors"].as_array().unwrap().iter().collect();
    let open = |vector: &&&Value| !LATER.contains(&vector["id"].as_str().unwrap());
    let vectors: Vec<_> = vectors.iter().filter(open).copied().collect();
    assert!(vectors.len() > 50, "{}", vectors.len());

    let lms = Arc::new(Mutex::new(Lms::default()));
    let upstream = start_lms(lms.clone());
    let mut settings = Settings::new(upstream.address);
    settings.platforms = r#"["https://lms.example.edu"]"#.to_owned();
    let configs = vectors.iter().map(|vector| text(&vector["config"]));
    settings.tables = configs.collect::<Vec<_>>().join("\n");
    settings.tables += "\n[ledger]\nurl = \"sqlite:scoregate.db\"\n";
    let gateway = Gateway::start(&settings);

    let faults: Vec<_> = vectors
        .iter()
        .flat_map(|vector| play(vector, &gateway, &upstream, &lms))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn start_lms(lms: Arc<Mutex<Lms>>) -> Upstream {
    Upstream::start(move |request, _| {
        if request.method() == "POST" {
            return reply(204, "", "");
        }
        let target = request.target();
        let path = target.split('?').next().unwrap();
        let encoded = path.strip_prefix("/api/lineitems/").unwrap();
        let lms = lms.lock().unwrap();
        match encoded.strip_suffix("/scores") {
            Some(item) => {
                let scores: Vec<_> = lms.shown.get(item).into_iter().collect();
                json_reply(200, json!({ "scores": scores }).to_string())
            }
            None => {
                let maximum = lms.maxima.get(encoded).map_or("100", String::as_str);
                json_reply(200, format!(r#"{{"label":"x","scoreMaximum":{maximum}}}"#))
            }
        }
    })
}

/// Posts the submissions of one vector in order, and says what does not come out as written.
fn play(vector: &Value, gateway: &Gateway, upstream: &Upstream, lms: &Mutex<Lms>) -> Vec<String> {
    let (id, item) = (text(&vector["id"]), encode(&text(&vector["line_item"])));
    if let Some(maximum) = vector["line_item_maximum"].as_str() {
        let maxima = &mut lms.lock().unwrap().maxima;
        maxima.insert(item.clone(), maximum.to_owned());
    }
    let submissions = vector["submissions"].as_array().unwrap();
    let expected = vector["expect"].as_array().unwrap();
    let mut cell = None;
    let mut faults = Vec::new();
    for (number, (given, expected)) in submissions.iter().zip(expected).enumerate() {
        show(&given["lms_shows_before"], &item, lms);
        let before = posts(upstream).len();
        let target = format!("/api/lineitems/{item}/scores");
        let explained = explain(vector, gateway, &body(given));
        let request = gateway.request("POST", &target).json(body(given));
        let answer = gateway.ask(&request);
        let sent: Vec<_> = posts(upstream).split_off(before);
        if let Some(body) = sent.last() {
            cell = Some(body.clone());
        }
        let mut fault = |text: String| faults.push(format!("{id}[{number}]: {text}"));
        match expected["refused"].as_str() {
            Some(code) if answer.status < 400 || answer.json()["details"]["message"] != code => {
                fault(format!("wanted {code}: {}", answer.everything()));
            }
            None if answer.status >= 300 => fault(answer.everything()),
            _ => {}
        }
        if expected["refused"].is_string() && !sent.is_empty() {
            fault("something was sent".to_owned());
        }
        if let Some(wanted) = expected["sent"]
            .as_bool()
            .filter(|it| *it == sent.is_empty())
        {
            fault(format!("sent: wanted {wanted}"));
        }
        let decision = answer.header("scoregate-decision");
        // `explain` reads nothing from the LMS, thus sees no edit.
        if !text(&vector["config"]).contains("override") {
            if Some(&*explained.decision) != decision {
                fault(format!(
                    "explained as {}, is {decision:?}",
                    explained.decision
                ));
            }
            let request = explained.request.as_ref();
            if request.map(|request| request.body.get()) != sent.last().map(String::as_str) {
                fault("another body was explained".to_owned());
            }
        }
        if expected["decision"]
            .as_str()
            .is_some_and(|it| Some(it) != decision)
        {
            fault(format!(
                "decision: {decision:?}, not {}",
                expected["decision"]
            ));
        }
        if answer.header("scoregate-receipt").is_none() {
            fault("there is no receipt".to_owned());
        }
        if let Some(text) = expected
            .get("cell")
            .and_then(|wanted| cell_fault(wanted, &cell))
        {
            fault(text);
        }
    }
    faults
}

/// What `explain` says before the submission is made.
#[derive(serde::Deserialize)]
struct Explained {
    decision: String,
    request: Option<ExplainedRequest>,
}

#[derive(serde::Deserialize)]
struct ExplainedRequest {
    body: Box<RawValue>,
}

fn explain(vector: &Value, gateway: &Gateway, score: &str) -> Explained {
    let (config, item) = (gateway.config_file(), text(&vector["line_item"]));
    let mut arguments = vec![
        "explain",
        "--json",
        "--caller",
        "quiz-app",
        "--line-item",
        &item,
    ];
    arguments.extend(["--config", config.to_str().unwrap(), "--line-item-maximum"]);
    arguments.push(vector["line_item_maximum"].as_str().unwrap_or("100"));
    let ran = Ran::with(&arguments, score);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn show(shown: &Value, item: &str, lms: &Mutex<Lms>) {
    let lms = &mut lms.lock().unwrap().shown;
    match shown {
        Value::Object(points) => {
            let result = json!({"userId": "learner-1",
                "resultScore": number(&points["scoreGiven"]), "resultMaximum": number(&points["scoreMaximum"])});
            lms.insert(item.to_owned(), result);
        }
        _ => drop(lms.remove(item)),
    }
}

fn number(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn body(given: &Value) -> String {
    let progress = given["gradingProgress"].as_str().unwrap_or("FullyGraded");
    let mut body = format!(
        r#"{{"userId":"learner-1","activityProgress":"Completed","gradingProgress":"{progress}""#
    );
    for name in ["scoreGiven", "scoreMaximum"] {
        if let Some(number) = given[name].as_str() {
            body += &format!(r#","{name}":{number}"#);
        }
    }
    if let Some(timestamp) = given["timestamp"].as_str() {
        body += &format!(r#","timestamp":"{timestamp}""#);
    }
    if let Some(at) = given["submittedAt"].as_str() {
        body += &format!(r#","submission":{{"submittedAt":"{at}"}}"#);
    }
    body + "}"
}

/// The bodies of all posts so far.
fn posts(upstream: &Upstream) -> Vec<String> {
    let requests = upstream.requests().into_iter();
    let posts = requests.filter(|request| request.method() == "POST");
    posts.map(|request| request.body()).collect()
}

fn cell_fault(wanted: &Value, cell: &Option<String>) -> Option<String> {
    let sent: Option<Sent> = cell
        .as_ref()
        .map(|body| serde_json::from_str(body).unwrap());
    let points = sent.and_then(|sent| Some((exact(&sent.given?), exact(&sent.maximum?))));
    let is_met = match wanted {
        Value::Null => points.is_none(),
        wanted => points.is_some_and(|points| meets(wanted, points)),
    };
    (!is_met).then(|| format!("cell: wanted {wanted}, is {cell:?}"))
}

fn exact(raw: &RawValue) -> Decimal {
    Decimal::from_json(raw.get()).unwrap()
}

fn meets(wanted: &Value, (given, maximum): (Decimal, Decimal)) -> bool {
    let decimal = |value: &Value| Decimal::from_json(value.as_str().unwrap()).unwrap();
    if let Some(percent) = wanted["percent"].as_str() {
        let (over, under) = percent.split_once('/').unwrap_or((percent, "1"));
        let float = |text: &str| text.parse::<f64>().unwrap();
        let wanted = float(over) / float(under);
        let is = 100.0 * float(&given.to_string()) / float(&maximum.to_string());
        return (wanted - is).abs() <= wanted.abs() * 1e-9;
    }
    given == decimal(&wanted["scoreGiven"]) && maximum == decimal(&wanted["scoreMaximum"])
}
