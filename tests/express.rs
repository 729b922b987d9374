//! Against real Express: whatever spelling of the scores route a caller finds, what reaches the
//! handler behind the gateway has been judged and carries the account's key.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/spellings.rs"]
mod spellings;
#[allow(dead_code, unused_imports)]
mod support;
#[allow(dead_code)]
#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;

use oracle::{Hit, Oracle};
use serde_json::{Value, json};
use spellings::{Spelling, spellings};
use support::*;

const COUNT: usize = 10_000;
const SERVICE_KEY: &str = "svc-0123456789";
const CAP: &str = r#"
[[policy]]
name = "institution"
maximum = { percent = 100, over = "cap" }
"#;

/// What one spelling got. `None`: the connection ended without an answer.
type Answers = Vec<Option<Response>>;

#[test]
fn no_spelling_of_the_scores_route_slips_past_the_policy() {
    let oracle = Oracle::start();
    let spellings = spellings(COUNT);
    let direct = ask_all(&oracle.servers, &spellings, |_| "Bearer direct".to_owned());
    assert_eq!(direct.len(), 6);
    assert_spellings_reach_express(&oracle.take(), &spellings);

    let gateways: Vec<_> = oracle
        .servers
        .iter()
        .map(|server| before(*server))
        .collect();
    let addresses: Vec<_> = gateways.iter().map(|gateway| gateway.address).collect();
    let answers = ask_all(&addresses, &spellings, |index| {
        format!("SERVICE-AUTH-V1 {}:{SERVICE_KEY}", gateways[index].key)
    });
    let hits = oracle.take();
    let mut faults: Vec<String> = hits
        .iter()
        .filter_map(|hit| fault(hit, &spellings))
        .collect();
    for (server, answers) in answers.iter().enumerate() {
        for (spelling, answer) in spellings.iter().zip(answers) {
            let wrong = unanswered(spelling, answer.as_ref());
            faults.extend(wrong.map(|wrong| format!("{server} {}: {wrong}", spelling.shown())));
        }
        let accepted = accepted(answers);
        let handled = hits.iter().filter(|hit| hit.server == server);
        let handled: BTreeSet<usize> = handled.filter_map(number).collect();
        assert!(handled.contains(&0), "the plain spelling passes {server}");
        assert!(handled.len() > 500, "only {} pass {server}", handled.len());
        assert_eq!(accepted, handled, "a 204 and a handled score are one");
    }
    let shown: Vec<_> = faults.iter().take(40).collect();
    assert!(faults.is_empty(), "{} faults: {shown:#?}", faults.len());
}

fn before(server: SocketAddr) -> Gateway {
    let mut settings = Settings::new(server);
    settings.tables = CAP.to_owned();
    settings.log = "access = false".to_owned();
    Gateway::start(&settings)
}

/// The generator is worth something: its spellings reach the handler in many ways.
fn assert_spellings_reach_express(hits: &[Hit], spellings: &[Spelling]) {
    let handled: BTreeSet<usize> = hits.iter().filter_map(number).collect();
    assert!(handled.len() > 500, "only {} hits", handled.len());
    let bent = |number: &&usize| spellings[**number].target != spellings[0].target;
    let targets: BTreeSet<_> = handled.iter().filter(bent).collect();
    assert!(targets.len() > 500, "only {} bent hits", targets.len());
    for server in 0..6 {
        let seen = hits.iter().any(|hit| hit.server == server);
        assert!(seen, "nothing reaches server {server}");
    }
}

/// Sends every spelling to every address, one thread each.
fn ask_all(
    addresses: &[SocketAddr],
    spellings: &[Spelling],
    authorization: impl Fn(usize) -> String,
) -> Vec<Answers> {
    thread::scope(|scope| {
        let ask = |(index, address): (usize, &SocketAddr)| {
            let (address, authorization) = (*address, authorization(index));
            scope.spawn(move || ask_each(address, spellings, &authorization))
        };
        let threads: Vec<_> = addresses.iter().enumerate().map(ask).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect()
    })
}

fn ask_each(address: SocketAddr, spellings: &[Spelling], authorization: &str) -> Answers {
    let mut kept = None;
    let mut answers = Vec::new();
    for (number, spelling) in spellings.iter().enumerate() {
        let bytes = request(spelling, number, authorization);
        let reused = kept.take();
        let was_reused = reused.is_some();
        let mut client = reused.unwrap_or_else(|| Client::connect(address));
        let mut answer = exchange(&mut client, spelling, &bytes);
        if answer.is_none() && was_reused {
            // The connection may have ended before this request.
            client = Client::connect(address);
            answer = exchange(&mut client, spelling, &bytes);
        }
        if answer.as_ref().is_some_and(stays_open) {
            kept = Some(client);
        }
        answers.push(answer);
    }
    answers
}

fn exchange(client: &mut Client, spelling: &Spelling, bytes: &[u8]) -> Option<Response> {
    client.send(bytes);
    match spelling.method.as_str() {
        "HEAD" => client.try_head().ok(),
        _ => client.try_response().ok(),
    }
}

fn stays_open(answer: &Response) -> bool {
    let closes = answer.header("connection");
    !closes.is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

fn request(spelling: &Spelling, number: usize, authorization: &str) -> Vec<u8> {
    let body = json!({
        "userId": number.to_string(),
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "scoreGiven": 105,
        "scoreMaximum": 100,
    })
    .to_string();
    let head = format!(
        " HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{body}",
        spelling.header,
        body.len()
    );
    let start = format!("{} ", spelling.method);
    [start.as_bytes(), &spelling.target, head.as_bytes()].concat()
}

/// The number of the spelling that a hit was.
fn number(hit: &Hit) -> Option<usize> {
    hit.body["userId"].as_str()?.parse().ok()
}

/// What is wrong with a score that reached a handler behind a gateway.
fn fault(hit: &Hit, spellings: &[Spelling]) -> Option<String> {
    let spelling = number(hit).and_then(|number| spellings.get(number));
    let Some(spelling) = spelling else {
        return Some(format!("an unknown user: {hit:?}"));
    };
    let expected = format!("SERVICE-AUTH-V1 {API_KEY}:{SERVICE_KEY}");
    let judged = hit.body["scoreGiven"] == json!(100) && hit.body["scoreMaximum"] == json!(100);
    let ours = hit.authorization.as_deref() == Some(&expected);
    let fine = judged && ours && is_on_platform(&hit.id);
    (!fine).then(|| format!("{}: {hit:?}", spelling.shown()))
}

/// As far as a line item may reach: a path on one of the account's platforms.
fn is_on_platform(id: &str) -> bool {
    let folded = id.to_lowercase().replace(":443/", "/");
    let platforms = ["https://lms.example.com/", "https://moodle.example/"];
    let at_home = platforms
        .iter()
        .any(|platform| folded.starts_with(platform));
    let plain = !id.contains(['#', '\\', '\0']) && id.matches('?').count() < 2;
    let path = folded.split('?').next().unwrap_or_default();
    let path = path.replace("%2e", ".").replace("%2f", "/");
    at_home && plain && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The numbers of the spellings that were answered 204.
fn accepted(answers: &Answers) -> BTreeSet<usize> {
    let numbered = answers.iter().enumerate();
    let accepted = numbered.filter(|(_, answer)| {
        let status = answer.as_ref().map(|answer| answer.status);
        status == Some(204)
    });
    accepted.map(|(number, _)| number).collect()
}

/// What is wrong with an answer of the gateway.
fn unanswered(spelling: &Spelling, answer: Option<&Response>) -> Option<String> {
    let Some(answer) = answer else {
        return Some("no answer".to_owned());
    };
    let bodiless = answer.message.body.is_empty();
    let fine = match answer.status {
        204 => bodiless,
        400..=499 if bodiless => true,
        400..=499 | 501..=599 => is_envelope(answer),
        _ => false,
    };
    let shown = || format!("{} ({})", answer.everything(), spelling.method);
    (!fine).then(shown)
}

fn is_envelope(answer: &Response) -> bool {
    let body: Value = serde_json::from_slice(&answer.message.body).unwrap_or_default();
    let details = &body["details"];
    let texts = [&body["error"], &details["message"], &details["description"]];
    let texts = texts.iter().all(|member| member.is_string());
    texts && body["status"].as_u64() == Some(u64::from(answer.status))
}
