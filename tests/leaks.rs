//! What the upstream echoes and nobody may read: in no error, in no form, and in no log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

const USER: &str = "learner/4711 \"é\"";
const COMMENT: &str = "Jörg's essay\n<b>is</b> \"late\" & long";
const OTHER_LTIK: &str = "launch+token/with=marks.and.more";

/// As it stands in a JSON text, without the quotes around it.
fn json_text(text: &str) -> String {
    let written = serde_json::to_string(text).unwrap();
    written[1..written.len() - 1].to_owned()
}

/// Percent-encoded with small hex digits.
fn encode_small(text: &str) -> String {
    let encoded = encode(text);
    let mut parts = encoded.split('%');
    let mut small = parts.next().unwrap().to_owned();
    for part in parts {
        small.push_str(&format!("%{}{}", part[..2].to_lowercase(), &part[2..]));
    }
    small
}

/// A text as an upstream may echo it.
fn forms(text: &str) -> Vec<String> {
    let ascii: String = text
        .chars()
        .map(|letter| match letter {
            letter if letter.is_ascii() => json_text(&letter.to_string()),
            letter => format!("\\u{:04x}", u32::from(letter)),
        })
        .collect();
    let html = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let mut forms = vec![
        text.to_owned(),
        json_text(text),
        ascii,
        encode(text),
        encode_small(text),
        encode(text).replace("%20", "+"),
        json_text(&json_text(text)),
        html,
    ];
    forms.dedup();
    forms
}

/// What of a secret would be a leak wherever it stood: its longest plain stretch.
fn stretch(text: &str) -> String {
    let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    parts.max_by_key(|part| part.len()).unwrap().to_owned()
}

fn score() -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap();
    score_with(&[("userId", &text(USER)), ("comment", &text(COMMENT))])
}

fn secrets(gateway: &Gateway, upstream: &Upstream) -> Vec<(&'static str, String)> {
    vec![
        ("account key", API_KEY.to_owned()),
        ("caller key", gateway.key.clone()),
        ("ltik", OTHER_LTIK.to_owned()),
        ("user id", USER.to_owned()),
        ("comment", COMMENT.to_owned()),
        ("address", upstream.address.to_string()),
    ]
}

/// Ways in which an error may repeat a text.
fn errors_with(echo: &str) -> Vec<(&'static str, String)> {
    let escaped = json_text(echo);
    vec![
        ("text/html", format!("<p>Cannot POST: {echo}</p>")),
        ("application/json", format!("[\"{escaped}\"]")),
        (
            "application/json",
            format!(r#"{{"details":{{"message":"X","description":"about {escaped}."}}}}"#),
        ),
        (
            "application/json",
            format!(r#"{{"details":{{"message":"{escaped}","code":"{escaped}"}}}}"#),
        ),
        (
            "application/json",
            format!(
                r#"{{"error":"{escaped}","details":{{"message":"X","errors":[{{"a":{{"{escaped}":["{escaped}"]}}}}]}}}}"#
            ),
        ),
        (
            "application/json",
            format!(
                r#"{{"details":{{"message":"X"}},"bodyReceived":{{"b":"{escaped}"}},"externalUrl":"http://x/{escaped}"}}"#
            ),
        ),
        (
            "application/json",
            format!(
                r#"{{"details":{{"message":"X"}},"bodyReceived":"{{\"b\":\"{escaped}\"}}","bodySent":"{escaped}"}}"#
            ),
        ),
    ]
}

#[test]
fn no_error_repeats_a_secret_or_a_learner() {
    let echo = std::sync::Arc::new(std::sync::Mutex::new((String::new(), String::new())));
    let script = echo.clone();
    let upstream = Upstream::start(move |_, _| {
        let (media_type, body) = script.lock().unwrap().clone();
        reply(400, &media_type, body)
    });
    let mut settings = Settings::new(upstream.address);
    settings.log = "level = \"debug\"".to_owned();
    let gateway = Gateway::start(&settings);
    let authorization = format!("LTIK-AUTH-V2 {}:{OTHER_LTIK}", gateway.key);
    let mut leaks = Vec::new();
    for (what, secret) in secrets(&gateway, &upstream) {
        for form in forms(&secret) {
            for (media_type, body) in errors_with(&form) {
                *echo.lock().unwrap() = (media_type.to_owned(), body.clone());
                let request = gateway.submission(score()).authorization(&authorization);
                let response = gateway.ask(&request);
                assert_eq!(response.status, 400);
                envelope(&response);
                let shown = response.everything();
                // Long enough to be the secret's, wherever it stands and however it is escaped.
                if shown.contains(&stretch(&secret)) {
                    leaks.push(format!(
                        "{what} as {form:?} in {body}\n  -> {}",
                        response.text()
                    ));
                }
            }
        }
    }
    assert!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
}

#[test]
fn no_log_line_holds_a_secret_or_a_learner() {
    let upstream = Upstream::start(|request, number| match number {
        0 => reply(204, "", ""),
        1 => json_reply(400, format!("{}{}", request.message.head, request.body())),
        2 => Reply::ThenClose(request.message.head.clone().into_bytes()),
        3 => json_reply(
            401,
            r#"{"details":{"message":"X","description":"Invalid API key."}}"#,
        ),
        _ => Reply::Hang,
    });
    let mut settings = Settings::new(upstream.address);
    settings.log = "level = \"trace\"".to_owned();
    settings.upstream_lines = "answer_timeout = \"200ms\"".to_owned();
    let mut gateway = Gateway::start(&settings);
    let authorization = format!("LTIK-AUTH-V2 {}:{OTHER_LTIK}", gateway.key);
    for _ in 0..5 {
        gateway.ask(&gateway.submission(score()).authorization(&authorization));
    }
    // Refused before anything is sent, each for its own reason.
    let bad_key = format!("LTIK-AUTH-V2 {}x:{OTHER_LTIK}", gateway.key);
    gateway.ask(&gateway.submission(score()).authorization(&bad_key));
    gateway.ask(
        &gateway
            .submission(score().replace("Completed", "?"))
            .authorization(&authorization),
    );
    gateway.ask(
        &gateway
            .submission(score() + "x")
            .authorization(&authorization),
    );
    let results = format!(
        "/api/lineitems/{}/scores?userId={}",
        encode(ITEM),
        encode(USER)
    );
    gateway.ask(
        &gateway
            .request("GET", &results)
            .authorization(&authorization),
    );
    gateway.signal("TERM");
    assert!(gateway.ended().success());
    let log = gateway.log();
    assert!(log.lines().count() > 9, "nothing is logged: {log}");
    let wanted: Vec<_> = secrets(&gateway, &upstream);
    for (what, secret) in wanted.iter().filter(|(what, _)| *what != "address") {
        let found = log.lines().find(|line| line.contains(&stretch(secret)));
        assert_eq!(found, None, "{what}");
    }
    assert!(!log.contains("4711"), "{log}");
}
