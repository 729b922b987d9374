//! Request targets: what is the scores route, what is refused, and that nothing slips between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use support::*;

const LMS: &str = "https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1";

struct Bench {
    upstream: Upstream,
    gateway: Gateway,
}

impl Bench {
    fn new() -> Self {
        let upstream = Upstream::accepting();
        let gateway = Gateway::before(&upstream);
        Self { upstream, gateway }
    }

    fn submit(&self, target: &str) -> Response {
        let request = self.gateway.request("POST", target);
        self.gateway.ask(&request.json(SCORE))
    }
}

#[test]
fn every_loose_spelling_of_the_scores_route_becomes_the_canonical_one() {
    let bench = Bench::new();
    let raw = "https%3A//lms.example.com/course/1/lineitems/1";
    for target in [
        format!("/api/lineitems/{LMS}/scores"),
        format!("//api/lineitems/{LMS}/scores"),
        format!("///api//lineitems/{LMS}/scores"),
        format!("/api/lineitems//{LMS}/scores"),
        format!("/api/lineitems/{LMS}//scores"),
        format!("/api/lineitems/{LMS}/scores/"),
        format!("/API/LineItems/{LMS}/SCORES"),
        format!("/api/lineitems/{LMS}/scores?x=1"),
        format!("/api/lineitems/{LMS}/scores?"),
        format!("/api/lineitems/{raw}/scores"),
        format!("//api/lineitems/{raw}/scores"),
        "/api/lineitems/https://lms.example.com/course/1/lineitems/1/scores".to_owned(),
        format!("/api/lineitems/{}/scores", LMS.to_lowercase()),
    ] {
        let response = bench.submit(&target);
        assert_eq!(response.status, 204, "{target}: {}", response.everything());
        let sent = bench.upstream.last();
        assert_eq!((sent.method(), sent.target()), ("POST", SCORES), "{target}");
    }
}

#[test]
fn no_spelling_slips_past_the_scores_route() {
    let bench = Bench::new();
    // Each is judged as a score, or refused; none goes out as anything else.
    for target in [
        format!("/api/lineitems/{LMS}/%73cores"),
        format!("/%61pi/lineitems/{LMS}/scores"),
        format!("/api%2Flineitems/{LMS}/scores"),
        format!("/api/lineitems/{LMS}%2Fscores"),
        format!("/api/lineitems/{LMS}/scores%2F"),
        format!("/api/lineitems/{LMS}/scores%20"),
        format!("/api/lineitems/{LMS}/scores%00"),
        format!("/api/lineitems/{LMS}/scores%3F"),
        format!("/api/lineitems/{LMS}/scores%09"),
        format!("/api/lineitems/{LMS}/scores;v=1"),
        format!("/api/lineitems/{LMS}/scores.json"),
        format!("/api/lineitems/{LMS}/scores//"),
        format!("/api/lineitems/{LMS}\\scores"),
        format!("/api\\lineitems/{LMS}/scores"),
        format!("/api/lineitems/{LMS}%5Cscores"),
        format!("/api/./lineitems/{LMS}/scores"),
        format!("/x/../api/lineitems/{LMS}/scores"),
        format!("/api/lineitems/{LMS}/scores/."),
        format!("/api/lineitems/{LMS}/scores/.."),
        format!("/api/lineitems/{LMS}/./scores"),
        format!("/api/lineitems/{LMS}/x/../scores"),
        format!("/api/lineitems/{LMS}/%2e%2e/scores"),
        format!("/api/lineitems/{}/scores", LMS.replace('%', "%25")),
        "/api/lineitems/./scores".to_owned(),
        "/api/lineitems/../scores".to_owned(),
        "/api/lineitems/%2e%2e/scores".to_owned(),
        "/api/lineitems//scores".to_owned(),
        "/api/lineitems/%/scores".to_owned(),
        "/api/lineitems/%zz/scores".to_owned(),
        "/api/lineitems/https%3A%2F%2Flms.example.com%2F%ff/scores".to_owned(),
        format!("/api/lineitems/{LMS}%00/scores"),
        format!("/api/lineitems/{LMS}%23x/scores"),
        format!("/api/lineitems/{LMS}/scores/scores"),
        format!("/api/lineitems/{LMS}/scores/complete"),
    ] {
        // A body that no score may have: whatever forwards it has not judged it.
        let request = bench.gateway.request("POST", &target);
        let response = bench
            .gateway
            .ask(&request.json(r#"{"label":"x","scoreGiven":-1}"#));
        assert!(
            (400..500).contains(&response.status),
            "{target}: {}",
            response.everything()
        );
        envelope(&response);
    }
    assert!(bench.upstream.requests().is_empty());
}

#[test]
fn the_text_of_an_id_is_kept() {
    let bench = Bench::new();
    for id in [
        "https://lms.example.com/a",
        "https://LMS.Example.COM:443/a",
        "https://lms.example.com/a%2Fb",
        "https://lms.example.com/a//b",
        "https://lms.example.com/a+b",
        "https://lms.example.com/a b",
        "https://lms.example.com/é~x",
        "https://lms.example.com/a?b=c&d=e%26",
        "https://lms.example.com/a/",
        "https://lms.example.com/scores",
        "https://lms.example.com/a/scores",
        "https://moodle.example/mod/lti/services.php/2/lineitems/26/lineitem?type_id=1",
        "https://lms.example.com/a;v=1",
        "https://lms.example.com/a:b@c",
    ] {
        let target = format!("/api/lineitems/{}/scores", encode(id));
        let response = bench.submit(&target);
        assert_eq!(response.status, 204, "{id}: {}", response.everything());
        let sent = bench.upstream.last().target().to_owned();
        assert_eq!(
            sent.replace("%27", "'")
                .replace("%28", "(")
                .replace("%29", ")"),
            target,
            "{id}"
        );
        // Slashes raw, as the Python SDK sends them; those before `scores` are merged.
        if id.ends_with('/') {
            continue;
        }
        let raw = format!("/api/lineitems/{}/scores", encode(id).replace("%2F", "/"));
        let response = bench.submit(&raw);
        assert_eq!(response.status, 204, "{raw}: {}", response.everything());
        assert_eq!(bench.upstream.last().target(), sent, "{raw}");
    }
}

/// URLs are read without white space at their ends, and without tabs and line breaks anywhere.
#[test]
fn no_white_space_makes_another_item_of_an_id() {
    let bench = Bench::new();
    let item = "https://lms.example.com/course/1/lineitems/1";
    for id in [
        format!("{item} "),
        format!("{item}   "),
        format!("{item}?a=b "),
        format!(" {item}"),
        format!("{item}\t"),
        format!("{item}\n"),
        item.replace("course", "cou\trse"),
        item.replace("https:", "https\n:"),
    ] {
        let id = encode(&id);
        let response = bench.submit(&format!("/api/lineitems/{id}/scores"));
        assert_envelope(&response, 400, "MALFORMED_PATH");
        let request = bench
            .gateway
            .request("GET", &format!("/api/lineitems/{id}"));
        assert_envelope(&bench.gateway.ask(&request), 400, "MALFORMED_PATH");
    }
    let below = format!("{item}/results?page=2");
    for url in [
        encode(&format!("{below} ")),
        encode(&encode(&format!("{below} "))),
        encode(&format!(" {below}")),
        encode(&format!("{below}\n")),
        encode(&encode(&below.replace("page", "pa\tge"))),
        format!("{}+", encode(&below)),
    ] {
        let target = format!("{SCORES}?url={url}");
        let response = bench.gateway.ask(&bench.gateway.request("GET", &target));
        assert_envelope(&response, 400, "MALFORMED_PATH");
    }
    assert!(bench.upstream.requests().is_empty());
}

#[test]
fn ids_of_registrations_and_platforms_are_one_segment() {
    let bench = Bench::new();
    let bearer = format!("Bearer {}", bench.gateway.key);
    for id in [
        "%2F",
        "a%2Fb",
        "a%5Cb",
        "a%3Fb",
        "a%23b",
        "%2e%2e",
        "..",
        ".",
        "%2E",
        "a%2F..%2Fb",
        "a%",
        "%ff",
    ] {
        for target in [
            format!("/api/registrations/{id}"),
            format!("/admin/platforms/{id}"),
            format!("/api/platforms/{id}/activate"),
        ] {
            let method = if target.ends_with("activate") {
                "POST"
            } else {
                "GET"
            };
            let response = bench
                .gateway
                .ask(&Request::new(method, &target).authorization(&bearer));
            assert!(
                matches!(response.status, 400 | 404),
                "{target}: {}",
                response.everything()
            );
            envelope(&response);
        }
    }
    assert!(bench.upstream.requests().is_empty());
    let odd = Request::new("GET", "/admin/platforms/a%20b%26c").authorization(&bearer);
    assert_eq!(bench.gateway.ask(&odd).status, 204);
    assert_eq!(bench.upstream.only().target(), "/admin/platforms/a%20b%26c");
}

#[test]
fn another_method_on_a_known_path_is_405_and_all_else_404() {
    let bench = Bench::new();
    for (method, target, allow) in [
        ("PUT", "/api/idtoken", "GET"),
        ("PATCH", SCORES, "GET, POST"),
        ("DELETE", SCORES, "GET, POST"),
        ("DELETE", "/api/lineitems", "GET, POST"),
        ("GET", "/api/deeplinking", "POST"),
        ("GET", "/api/platforms/1/activate", "POST"),
    ] {
        let response = bench.gateway.ask(&bench.gateway.request(method, target));
        assert_envelope(&response, 405, "METHOD_NOT_ALLOWED");
        let mut allowed: Vec<_> = response.header("allow").unwrap().split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), allow, "{method} {target}");
    }
    for target in [
        "/",
        "/api",
        "/api/",
        "/api/nothing",
        "/api/idtoken/x",
        "/admin",
        "/admin/x",
        "/metrics",
        "/config",
        "/readyz",
        "/api/lineitems.json",
        "/api/platforms/1/x",
    ] {
        assert_envelope(
            &bench.gateway.ask(&bench.gateway.request("GET", target)),
            404,
            "ROUTE_NOT_FOUND",
        );
        // Known or not: nobody learns more than that without a key.
        let stranger = bench.gateway.ask(&Request::new("GET", target));
        assert!(matches!(stranger.status, 401 | 404));
        envelope(&stranger);
    }
    // HEAD is another method, and its answer has no body.
    let mut client = bench.gateway.connect();
    let head = client
        .send(bench.gateway.request("HEAD", "/api/idtoken").bytes())
        .try_head()
        .unwrap();
    assert_eq!((head.status, head.header("allow")), (405, Some("GET")));
    let next = bench.gateway.submission(SCORE).bytes();
    assert_eq!(client.send(next).response().status, 204);
}

#[test]
fn any_host_is_served() {
    let bench = Bench::new();
    for host in [
        "localhost",
        "your.ltiaas.com",
        "127.0.0.1:8080",
        "[::1]:80",
        "EVIL.example",
        "a_b.example",
        "xn--bcher-kva.example",
        "h:",
    ] {
        let request = bench
            .gateway
            .submission(SCORE)
            .without("host")
            .header("host", host);
        let response = bench.gateway.ask(&request);
        assert_eq!(response.status, 204, "{host}: {}", response.everything());
        let address = bench.upstream.address.to_string();
        assert_eq!(bench.upstream.last().header("host"), Some(address.as_str()));
    }
}
