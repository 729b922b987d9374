//! The sandbox over real sockets on port 0.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::recorder::Recorded;
use super::*;

const SCORES: &str = "/api/lineitems/https%3A%2F%2Flms.example.com%2Fli%2F1/scores";
const LTIK: &str = "LTIK-AUTH-V2 sandbox-api-key:ltik";
const SCORE: &str = r#"{"userId":"u","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":83.10,"scoreMaximum":100}"#;

struct Running {
    address: SocketAddr,
    handle: Handle,
}

async fn running() -> Running {
    let sandbox = Sandbox::bind(Options::default()).await.unwrap();
    let (address, handle) = (sandbox.address(), sandbox.handle());
    tokio::spawn(sandbox.serve(std::future::pending::<()>()));
    Running { address, handle }
}

fn request(method: &str, target: &str, authorization: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nhost: sandbox\r\nauthorization: {authorization}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that comes back until the connection ends.
    async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let _ = timeout(Duration::from_secs(20), read).await.unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn send(
        &self,
        method: &str,
        target: &str,
        authorization: &str,
        body: &str,
    ) -> (u16, String) {
        let text = self
            .raw(&request(method, target, authorization, body))
            .await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    async fn json(
        &self,
        method: &str,
        target: &str,
        authorization: &str,
        body: &str,
    ) -> (u16, Value) {
        let (status, body) = self.send(method, target, authorization, body).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    fn fail(&self, fault: Value) {
        self.handle
            .add_faults(vec![serde_json::from_value(fault).unwrap()]);
    }
}

#[tokio::test]
async fn stores_a_score_and_shows_it_with_its_own_digits() {
    let sandbox = running().await;
    assert_eq!(
        sandbox.send("POST", SCORES, LTIK, SCORE).await,
        (204, String::new())
    );
    let (status, text) = sandbox.send("GET", SCORES, LTIK, "").await;
    assert_eq!(status, 200);
    assert!(
        text.contains(r#""resultScore":83.10,"resultMaximum":100"#),
        "{text}"
    );
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        body["scores"][0]["id"],
        "https://lms.example.com/li/1/results/u"
    );
    assert_eq!(body["scores"][0]["scoreOf"], "https://lms.example.com/li/1");
}

#[tokio::test]
async fn refuses_an_unknown_route_in_html_and_a_bad_escape_in_json() {
    let sandbox = running().await;
    let (status, body) = sandbox
        .send("POST", &format!("/{SCORES}"), LTIK, SCORE)
        .await;
    assert_eq!(status, 404);
    assert!(
        body.contains(&format!("<pre>Cannot POST /{SCORES}</pre>")),
        "{body}"
    );
    let malformed = sandbox
        .send("POST", "/api/lineitems/%zz/scores", LTIK, SCORE)
        .await;
    let recorded = r#"{"status":400,"error":"Bad Request","details":{"message":"URIError: Failed to decode param"}}"#;
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!((malformed.0, read(&malformed.1)), (400, read(recorded)));
}

#[tokio::test]
async fn a_wrong_key_is_the_documented_401() {
    let sandbox = running().await;
    let (status, body) = sandbox
        .json("POST", SCORES, "LTIK-AUTH-V2 other:ltik", SCORE)
        .await;
    assert_eq!(status, 401);
    assert_eq!(
        body,
        json!({ "status": 401, "error": "Unauthorized", "details": {
            "message": "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER", "description": "Invalid API key." } })
    );
    assert!(!sandbox.handle.requests()[0].authorized);
    assert!(sandbox.handle.grades().is_empty());
}

#[tokio::test]
async fn records_what_came_byte_for_byte() {
    let sandbox = running().await;
    sandbox
        .send("POST", &format!("{SCORES}?x=1"), LTIK, SCORE)
        .await;
    let pages: Vec<Recorded> = {
        let (_, text) = sandbox.send("GET", "/_sandbox/requests", "", "").await;
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(pages, sandbox.handle.requests());
    assert_eq!(pages.len(), 1);
    assert_eq!(
        (pages[0].method.as_str(), pages[0].target.as_str()),
        ("POST", &*format!("{SCORES}?x=1"))
    );
    assert_eq!(pages[0].body, SCORE);
    assert_eq!(
        pages[0].headers[1],
        ("authorization".to_owned(), LTIK.to_owned())
    );
    assert_eq!((pages[0].status, pages[0].authorized), (Some(204), true));
    assert_eq!(
        sandbox.send("DELETE", "/_sandbox/requests", "", "").await.0,
        204
    );
    assert!(sandbox.handle.requests().is_empty());
}

#[tokio::test]
async fn every_operation_answers_with_its_documented_status() {
    let sandbox = running().await;
    let bearer = "Bearer sandbox-api-key";
    let item = r#"{"label":"Quiz","scoreMaximum":50}"#;
    let one =
        "/api/lineitems/https%3A%2F%2Flms.example.com%2Fapi%2Flti%2Fcourses%2F1%2Fline_items%2F1";
    let platform = r#"{"url":"https://x","clientId":"c","name":"n","authenticationEndpoint":"https://x/a","accesstokenEndpoint":"https://x/t","authConfig":{"method":"JWK_SET","key":"https://x/k"}}"#;
    for (method, target, authorization, body, expected) in [
        ("GET", "/api/idtoken", LTIK, "", 200),
        ("GET", "/api/idtoken?raw=true", LTIK, "", 200),
        ("GET", "/api/memberships", LTIK, "", 200),
        ("POST", "/api/lineitems", LTIK, item, 201),
        ("POST", "/api/lineitems", LTIK, "{}", 400),
        ("GET", "/api/lineitems", LTIK, "", 200),
        ("GET", one, LTIK, "", 200),
        ("PUT", one, LTIK, item, 201),
        ("DELETE", one, LTIK, "", 204),
        ("GET", one, LTIK, "", 404),
        ("POST", SCORES, LTIK, "{}", 400),
        (
            "POST",
            "/api/deeplinking",
            LTIK,
            r#"{"contentItems":[]}"#,
            200,
        ),
        (
            "POST",
            "/api/deeplinking/form",
            LTIK,
            r#"{"contentItems":[]}"#,
            200,
        ),
        ("POST", "/api/deeplinking", LTIK, "{}", 400),
        ("GET", "/api/registrations/r", bearer, "", 200),
        ("POST", "/api/registrations/r/complete", bearer, "{}", 200),
        ("POST", "/admin/platforms", bearer, platform, 200),
        ("GET", "/api/platforms", bearer, "", 200),
        ("PUT", "/admin/platforms/platform-1", bearer, platform, 200),
        (
            "POST",
            "/api/platforms/platform-1/activate",
            bearer,
            "",
            200,
        ),
        (
            "POST",
            "/admin/platforms/platform-1/deactivate",
            bearer,
            "",
            200,
        ),
        ("DELETE", "/admin/platforms/platform-1", bearer, "", 204),
        ("GET", "/admin/platforms/platform-1", bearer, "", 404),
    ] {
        let (status, text) = sandbox.send(method, target, authorization, body).await;
        assert_eq!(status, expected, "{method} {target}: {text}");
    }
}

#[tokio::test]
async fn pages_lie_under_the_line_item_and_lead_through_all_results() {
    let sandbox = running().await;
    for user in ["a", "b", "c"] {
        let score = SCORE.replace(r#""u""#, &format!("\"{user}\""));
        sandbox.send("POST", SCORES, LTIK, &score).await;
    }
    let mut target = format!("{SCORES}?limit=2");
    let mut seen = Vec::new();
    loop {
        let (_, page) = sandbox.json("GET", &target, LTIK, "").await;
        let scores = page["scores"].as_array().unwrap();
        seen.extend(
            scores
                .iter()
                .map(|score| score["userId"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(next.starts_with("https://lms.example.com/li/1/"), "{next}");
        target = format!("{SCORES}?userId=ignored&url=");
        crate::line_item::encode_component(next, &mut target);
    }
    assert_eq!(seen, ["a", "b", "c"]);
    let elsewhere = format!("{SCORES}?url=https%3A%2F%2Fevil.example%2Fresults");
    assert_eq!(sandbox.send("GET", &elsewhere, LTIK, "").await.0, 404);
    assert_eq!(
        sandbox
            .send("GET", &format!("{SCORES}?limit=0"), LTIK, "")
            .await
            .0,
        400
    );
    let (_, one) = sandbox
        .json("GET", &format!("{SCORES}?userId=b"), LTIK, "")
        .await;
    assert_eq!(one["scores"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_in_html() {
    let sandbox = running().await;
    let (status, body) = sandbox
        .send("POST", SCORES, LTIK, &" ".repeat(102_401))
        .await;
    assert_eq!(status, 413);
    assert!(body.contains("<pre>Payload Too Large</pre>"), "{body}");
    assert!(!sandbox.handle.requests()[0].complete);
}

#[tokio::test]
async fn faults_come_over_http_and_strike_once() {
    let sandbox = running().await;
    let faults = r#"[{"fault":{"kind":"status","status":502,"body":"<html>","content_type":"text/html","headers":[["retry-after","7"]]}}]"#;
    assert_eq!(
        sandbox.send("POST", "/_sandbox/faults", "", faults).await.0,
        201
    );
    assert_eq!(
        sandbox.send("POST", "/_sandbox/faults", "", "[{}]").await.0,
        400
    );
    let text = sandbox.raw(&request("POST", SCORES, LTIK, SCORE)).await;
    assert!(text.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{text}");
    assert!(
        text.contains("retry-after: 7\r\n") && text.ends_with("<html>"),
        "{text}"
    );
    assert!(sandbox.handle.grades().is_empty());
    assert_eq!(sandbox.send("POST", SCORES, LTIK, SCORE).await.0, 204);
}

#[tokio::test]
async fn raw_faults_write_what_no_library_would() {
    let sandbox = running().await;
    for (fault, starts, contains) in [
        (json!({"kind": "close"}), "", ""),
        (json!({"kind": "garbage"}), "\u{16}", "no HTTP"),
        (
            json!({"kind": "close_mid_body"}),
            "HTTP/1.1 200 OK",
            "content-length: 81\r\n",
        ),
        (
            json!({"kind": "both_framings"}),
            "HTTP/1.1 200 OK",
            "transfer-encoding: chunked\r\n\r\n2\r\n",
        ),
        (
            json!({"kind": "raw", "text": "HTTP/1.1 101 X\r\n\r\n"}),
            "HTTP/1.1 101 X",
            "",
        ),
        (
            json!({"kind": "redirect", "location": "https://evil/"}),
            "HTTP/1.1 302",
            "location: https://evil/",
        ),
        (
            json!({"kind": "envelope", "status": 403, "message": "M", "body_sent": true}),
            "HTTP/1.1 403",
            "\"bodySent\":{",
        ),
    ] {
        sandbox.fail(json!({ "fault": fault }));
        let text = sandbox.raw(&request("POST", SCORES, LTIK, SCORE)).await;
        assert!(
            text.starts_with(starts) && text.contains(contains),
            "{fault}: {text:?}"
        );
        assert_eq!(text.is_empty(), starts.is_empty(), "{fault}: {text:?}");
    }
    assert!(sandbox.handle.grades().is_empty());
}

/// Reads until `end` is there, from a connection that stays open.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(end) {
        let count = timeout(Duration::from_secs(20), stream.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(count, 0, "ended after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    text
}

#[tokio::test]
async fn faults_around_the_usual_answer_leave_the_score_stored() {
    let sandbox = running().await;
    for (fault, end, starts) in [
        (
            json!({"kind": "informational"}),
            "204 No Content",
            "HTTP/1.1 103 Early Hints",
        ),
        (
            json!({"kind": "stray_bytes"}),
            "stray",
            "HTTP/1.1 204 No Content",
        ),
        (
            json!({"kind": "slow", "interval_ms": 0}),
            "\r\n\r\n",
            "HTTP/1.1 204 No Content",
        ),
    ] {
        sandbox.fail(json!({ "fault": fault }));
        let mut stream = sandbox.connect().await;
        stream
            .write_all(request("POST", SCORES, LTIK, SCORE).as_bytes())
            .await
            .unwrap();
        let text = read_until(&mut stream, end).await;
        assert!(text.starts_with(starts), "{fault}: {text:?}");
    }
    assert_eq!(
        serde_json::to_value(sandbox.handle.grades()).unwrap()[0]["posts"],
        3
    );
}

#[tokio::test]
async fn a_lost_answer_may_leave_the_score_stored() {
    let sandbox = running().await;
    sandbox.fail(json!({ "apply": true, "fault": { "kind": "close" } }));
    assert_eq!(sandbox.raw(&request("POST", SCORES, LTIK, SCORE)).await, "");
    assert_eq!(sandbox.handle.grades().len(), 1);
    assert_eq!(sandbox.handle.requests()[0].status, None);
}

#[tokio::test]
async fn an_endless_body_goes_on_until_the_caller_leaves() {
    let sandbox = running().await;
    sandbox.fail(json!({ "fault": { "kind": "endless" } }));
    let mut stream = sandbox.connect().await;
    stream
        .write_all(request("GET", SCORES, LTIK, "").as_bytes())
        .await
        .unwrap();
    let mut megabyte = vec![0; 1024 * 1024];
    timeout(Duration::from_secs(20), stream.read_exact(&mut megabyte))
        .await
        .unwrap()
        .unwrap();
    assert!(megabyte.starts_with(b"HTTP/1.1 200 OK"));
}
