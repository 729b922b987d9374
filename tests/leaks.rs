//! What the upstream echoes and nobody may read: in no error, in no form, and in no log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
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

const LAUNCH: &str = "Launch0Canary0Token+with/marks=and.more";
const SECOND_KEY: &str = "7b1c9e02-second-4d0e-9a77-account00key";
const CONFIGURED_SERVICE_KEY: &str = "svc-Configured0Service0Key0118";
const OWN_SERVICE_KEY: &str = "svc-Callers0Own0Service0Key0472";
const ISSUER_SECRET: &str = "Issuer0Shared0Secret0of0more0than032bytes";
const ID_KEY: &str = "Log0Id0Key0of0sixteen0bytes0or0more";
const ADMIN_TOKEN: &str = "Admin0Token0that0nobody0guesses";
const LEARNER: &str = "Learner0Id0Canary/4711 \"é\"";
const SCORER: &str = "Scoring0User0Canary0815";
const REMARK: &str = "Comment0Canary0Jörg's essay\n<b>is</b> late";
const OTHER_MEMBER: &str = "Extension0Canary0Value0000000042";

/// A line item whose service key is configured, and one of another course.
const SERVED: &str = "https://lms.example.com/course/2/lineitems/2";

/// Line items of which a policy asks something before it judges.
const LOOKED_UP: [&str; 2] = [
    "https://lms.example.com/course/3/lineitems/3",
    "https://lms.example.com/course/4/lineitems/4",
];

/// What the whole of a configuration and its callers hold in secret.
struct Cast {
    gateway: Gateway,
    token: String,
    canaries: Vec<Canary>,
    /// Every error that a caller was shown, and every page of the operators'.
    shown: Vec<(String, String)>,
}

fn token(claims: &serde_json::Value, secret: &str) -> String {
    use jsonwebtoken::{EncodingKey, Header, encode};
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::default(), claims, &key).unwrap()
}

fn claims() -> serde_json::Value {
    serde_json::json!({
        "iss": "https://id.example", "aud": "scoregate", "sub": "tool",
        "exp": jsonwebtoken::get_current_timestamp() + 600,
        "note": "Claim0Canary0000000000000017",
    })
}

fn canary_score() -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap();
    score_with(&[
        ("userId", &text(LEARNER)),
        ("scoringUserId", &text(SCORER)),
        ("comment", &text(REMARK)),
        ("https://tool.example/extension", &text(OTHER_MEMBER)),
    ])
}

impl Cast {
    fn start(upstream: &Upstream, provider: &Upstream, format: &str) -> Self {
        let mut settings = Settings::new(upstream.address);
        settings.api_keys.push(SECOND_KEY.to_owned());
        settings.log =
            format!("level = \"trace\"\nformat = \"{format}\"\nid_key = {{ file = \"id-key\" }}");
        settings.admin = "token = { file = \"admin\" }".to_owned();
        settings.server = "body_timeout = \"200ms\"".to_owned();
        settings.upstream_lines = "answer_timeout = \"200ms\"".to_owned();
        settings.account = format!(
            "service_keys = [{{ line_items = [\"{SERVED}\"], key = {{ file = \"service\" }} }}]"
        );
        for (name, content) in [
            ("id-key", ID_KEY),
            ("admin", ADMIN_TOKEN),
            ("service", CONFIGURED_SERVICE_KEY),
            ("secret", ISSUER_SECRET),
        ] {
            settings.files.push((name.to_owned(), content.to_owned()));
        }
        let provider = provider.address;
        let [edited, scaled] = LOOKED_UP;
        settings.tables = format!(
            r#"
[[issuer]]
name = "idp"
account = "main"
issuer = "https://id.example"
audiences = ["scoregate"]
algorithms = ["HS256"]
secret = {{ file = "secret" }}
allow = ["scores:write"]
[[issuer]]
name = "broken"
account = "main"
issuer = "https://broken.example"
audiences = ["scoregate"]
algorithms = ["ES256"]
jwks = {{ url = "http://{provider}/keys" }}
allow = ["scores:write"]
required = false
[[policy]]
name = "institution"
maximum = {{ percent = 100, over = "cap" }}
extensions = [{{ users = [{LEARNER:?}], due = "2090-01-01T00:00:00Z" }}]
[[policy]]
name = "strict"
match = {{ line_items = ["{SERVED}"] }}
maximum = {{ percent = 100, over = "refuse" }}
[[policy]]
name = "edited"
match = {{ line_items = ["{edited}"] }}
override = "protect"
[[policy]]
name = "scaled"
match = {{ line_items = ["{scaled}"] }}
rescale = {{ to = "line_item" }}
"#
        );
        let token = token(&claims(), ISSUER_SECRET);
        let mut cast = Self {
            gateway: Gateway::start(&settings),
            token,
            canaries: Vec::new(),
            shown: Vec::new(),
        };
        cast.canaries = cast.everything_private(&settings.digest);
        cast
    }

    fn everything_private(&self, digest: &str) -> Vec<Canary> {
        let signature = self.token.rsplit('.').next().unwrap();
        let payload = self.token.split('.').nth(1).unwrap();
        [
            ("account key", API_KEY),
            ("second account key", SECOND_KEY),
            ("configured service key", CONFIGURED_SERVICE_KEY),
            ("caller's service key", OWN_SERVICE_KEY),
            ("caller's key", &self.gateway.key),
            (
                "caller's key's digest",
                digest.trim_start_matches("sha256:"),
            ),
            ("ltik", LAUNCH),
            ("token", &self.token),
            ("token's claims", payload),
            ("token's signature", signature),
            ("a claim", "Claim0Canary0000000000000017"),
            ("issuer's secret", ISSUER_SECRET),
            ("log's id key", ID_KEY),
            ("admin token", ADMIN_TOKEN),
            ("learner", LEARNER),
            ("scoring user", SCORER),
            ("comment", REMARK),
        ]
        .into_iter()
        .map(|(what, text)| Canary::new(what, text))
        .collect()
    }

    /// Sends bytes as they are, and keeps what comes back of an error.
    fn send(&mut self, story: &str, bytes: impl AsRef<[u8]>) {
        let answer = self.gateway.connect().send(bytes).try_response();
        if let Ok(answer) = answer
            && answer.status >= 400
        {
            self.shown.push((story.to_owned(), answer.everything()));
        }
    }

    fn ask(&mut self, story: &str, request: &Request) {
        self.send(story, request.bytes());
    }

    fn with_ltik(&self) -> Request {
        let authorization = format!("LTIK-AUTH-V2 {}:{LAUNCH}", self.gateway.key);
        let request = Request::new("POST", SCORES).json(canary_score());
        request.authorization(&authorization)
    }

    fn with_service_key(&self) -> Request {
        let value = format!("SERVICE-AUTH-V1 {}:{OWN_SERVICE_KEY}", self.gateway.key);
        self.with_ltik().authorization(&value)
    }

    fn with_configured_key(&self, body: &str) -> Request {
        self.for_line_item(SERVED, body)
    }

    fn for_line_item(&self, line_item: &str, body: &str) -> Request {
        let target = format!("/api/lineitems/{}/scores", encode(line_item));
        let request = Request::new("POST", &target).json(body);
        request.authorization(&format!("Bearer {}", self.gateway.key))
    }

    fn with_token(&self, token: &str) -> Request {
        let value = format!("LTIK-AUTH-V2 {token}:{LAUNCH}");
        self.with_ltik().authorization(&value)
    }

    /// The operators' pages, with the token and without.
    fn read_pages(&mut self) {
        let (gateway, shown) = (&self.gateway, &mut self.shown);
        let learner = format!("/ledger?limit=1&user={}", encode(LEARNER));
        for path in [
            "/healthz", "/readyz", "/metrics", "/config", "/ledger", &learner, "/nothing",
        ] {
            for value in [format!("Bearer {ADMIN_TOKEN}"), "Bearer wrong".to_owned()] {
                let request = Request::new("GET", path).authorization(&value);
                let page = Client::connect(gateway.admin)
                    .send(request.bytes())
                    .response();
                shown.push((format!("{path} with {}", &value[..8]), page.everything()));
            }
        }
    }

    /// What the gateway wrote beside its configuration.
    fn read_files(&mut self) {
        let ours = ["scoregate.toml", "id-key", "admin", "service", "secret"];
        for entry in std::fs::read_dir(self.gateway.directory.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            // The account's keys stand in files that the settings name after their places.
            let is_secret = name.starts_with("api-key") || name.starts_with("api_key");
            if ours.contains(&name.as_str()) || is_secret {
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.shown.push((format!("the file {name}"), text));
        }
    }

    /// Fails where anything private stands in anything shown.
    fn search(&self) {
        let mut leaks = Vec::new();
        for canary in &self.canaries {
            for (place, text) in &self.shown {
                // The record knows whose an entry is, until it is erased.
                let is_record = place.starts_with("the file scoregate.db");
                if is_record && canary.what == "learner" {
                    continue;
                }
                if let Some(form) = canary.found_in(text) {
                    leaks.push(format!("{} as {form:?} in {place}:\n{text}", canary.what));
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
}

/// Echoes all it was sent, in every way an upstream can.
fn echoing() -> Upstream {
    Upstream::start(|request, _| {
        let sent = format!("{}\r\n\r\n{}", request.message.head, request.body());
        let quoted = serde_json::to_string(&sent).unwrap();
        let story = request.header("x-request-id").unwrap_or_default();
        match story {
            "echo-html" => reply(500, "text/html", format!("<pre>{sent}</pre>")),
            "echo-json" => json_reply(400, format!("[{quoted}]")),
            "echo-envelope" => json_reply(
                422,
                format!(
                    r#"{{"details":{{"message":{quoted},"description":{quoted},"bodySent":{quoted}}},"more":{quoted}}}"#
                ),
            ),
            "echo-base64" => {
                json_reply(400, format!(r#"{{"details":{{"message":"X","description":"{}"}}}}"#, STANDARD.encode(request.body())))
            }
            "echo-hex" => reply(500, "text/plain", hex(sent.as_bytes(), "")),
            "echo-then-close" => Reply::ThenClose(sent.into_bytes()),
            "echo-status" => Reply::ThenClose(
                format!("HTTP/1.1 500 {LAUNCH}\r\nx-{OWN_SERVICE_KEY}: {LEARNER}\r\ncontent-length: 0\r\n\r\n")
                    .into_bytes(),
            ),
            "echo-redirect" => Reply::Bytes(
                format!("HTTP/1.1 302 Found\r\nlocation: https://x/?ltik={LAUNCH}\r\ncontent-length: 0\r\n\r\n")
                    .into_bytes(),
            ),
            "echo-chunks" => Reply::ThenClose(
                format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{sent}").into_bytes(),
            ),
            "rejected-key" => json_reply(
                401,
                format!(r#"{{"details":{{"message":"X","description":"Invalid API key: {API_KEY}, {SECOND_KEY}"}}}}"#),
            ),
            "rejected-ltik" => {
                let sent = request.header("authorization").unwrap_or_default();
                json_reply(
                    401,
                    format!(r#"{{"details":{{"message":"X","description":"Expired: {sent}"}}}}"#),
                )
            }
            "quoted-read" => json_reply(200, quoted),
            "quoted-in-read" => {
                json_reply(200, format!(r#"{{"scores":[{quoted}],"scoreMaximum":{quoted}}}"#))
            }
            "hang" => Reply::Hang,
            _ => reply(204, "", ""),
        }
    })
}

const UPSTREAM_STORIES: [&str; 13] = [
    "good",
    "echo-html",
    "echo-json",
    "echo-envelope",
    "echo-base64",
    "echo-hex",
    "echo-then-close",
    "echo-status",
    "echo-redirect",
    "echo-chunks",
    "rejected-key",
    "rejected-ltik",
    "hang",
];

fn tell_upstream_stories(cast: &mut Cast) {
    for story in UPSTREAM_STORIES {
        let token = cast.token.clone();
        for request in [
            cast.with_ltik(),
            cast.with_service_key(),
            cast.with_configured_key(&canary_score()),
            cast.with_token(&token),
        ] {
            cast.ask(story, &request.header("x-request-id", story));
        }
    }
}

/// What a policy asks for is answered with what was sent, in place of what should be there.
fn tell_lookups(cast: &mut Cast) {
    for line_item in LOOKED_UP {
        for story in ["quoted-read", "quoted-in-read"] {
            let learner = format!("LTIK-AUTH-V2 {}:{LAUNCH}", cast.gateway.key);
            let request = cast.for_line_item(line_item, &canary_score());
            let request = request.authorization(&learner);
            cast.ask(story, &request.header("x-request-id", story));
        }
    }
}

/// Refused before anything is sent, each for its own reason.
fn tell_refusals(cast: &mut Cast) {
    let (key, good) = (cast.gateway.key.clone(), canary_score());
    let above = good.replace("83", "183");
    let requests = [
        (
            "adjusted",
            cast.with_ltik()
                .without("content-length")
                .body(above.clone()),
        ),
        ("refused by policy", cast.with_configured_key(&above)),
        ("malformed", cast.with_configured_key(&format!("{good}x"))),
        ("cut", cast.with_configured_key(&good[..good.len() - 9])),
        (
            "twice",
            cast.with_configured_key(&good.replacen(
                '{',
                &format!("{{\"comment\":\"{OTHER_MEMBER}\","),
                1,
            )),
        ),
        (
            "unknown member",
            cast.with_configured_key(&good.replace("scoreGiven", OTHER_MEMBER)),
        ),
        (
            "wrong enum",
            cast.with_configured_key(
                &good.replace("Completed", LEARNER.split('/').next().unwrap()),
            ),
        ),
        (
            "wrong number",
            cast.with_configured_key(&good.replace("83", &format!("\"{SCORER}\""))),
        ),
        (
            "wrong key",
            cast.with_ltik()
                .authorization(&format!("LTIK-AUTH-V2 {key}x:{LAUNCH}")),
        ),
        (
            "no scheme",
            cast.with_ltik().authorization(&format!("{key}:{LAUNCH}")),
        ),
        (
            "other scheme",
            cast.with_ltik()
                .authorization(&format!("Basic {key}:{LAUNCH}")),
        ),
        (
            "spaced",
            cast.with_ltik()
                .authorization(&format!("LTIK-AUTH-V2 {key}:{LAUNCH} {OWN_SERVICE_KEY}")),
        ),
        (
            "doubled",
            cast.with_ltik()
                .header("authorization", &format!("Bearer {key}")),
        ),
        (
            "two launches",
            cast.with_configured_key(&good)
                .header("scoregate-ltik", LAUNCH)
                .header("scoregate-service-key", OWN_SERVICE_KEY),
        ),
        (
            "media type",
            cast.with_ltik().header("content-type", OTHER_MEMBER),
        ),
        (
            "ltik in the query",
            Request::new("GET", &format!("/api/idtoken?ltik={}", encode(LAUNCH)))
                .authorization(&format!("Bearer {key}")),
        ),
        (
            "results of a learner",
            Request::new("GET", &format!("{SCORES}?userId={}", encode(LEARNER)))
                .authorization(&format!("LTIK-AUTH-V2 {key}:{LAUNCH}"))
                .header("x-request-id", "echo-html"),
        ),
        (
            "a learner in the path",
            Request::new("GET", &format!("/api/{}/x", encode(LEARNER))),
        ),
        (
            "an item elsewhere",
            Request::new(
                "POST",
                &format!(
                    "/api/lineitems/{}/scores",
                    encode(&format!("https://evil.example/{SCORER}"))
                ),
            )
            .json(good.clone())
            .authorization(&format!("Bearer {key}")),
        ),
        (
            "odd host",
            cast.with_ltik()
                .without("host")
                .header("host", &format!("{SCORER}@x")),
        ),
        (
            "wrong method",
            Request::new("PATCH", SCORES).authorization(&format!("Bearer {key}")),
        ),
    ];
    for (story, request) in requests {
        cast.ask(story, &request);
    }
}

fn tell_token_stories(cast: &mut Cast) {
    let set = |name: &str, value: serde_json::Value| {
        let mut claims = claims();
        claims[name] = value;
        token(&claims, ISSUER_SECRET)
    };
    let whole = cast.token.clone();
    let forged = token(&claims(), "another0secret0of0more0than032bytes0");
    for (story, token) in [
        ("expired", set("exp", 1.into())),
        ("another audience", set("aud", SCORER.into())),
        (
            "another issuer",
            set("iss", format!("https://{SCORER}").into()),
        ),
        ("odd subject", set("sub", format!("{SCORER}\n").into())),
        ("odd scope", set("scope", serde_json::json!({"x": SCORER}))),
        ("forged", forged),
        ("cut", whole[..whole.len() - 5].to_owned()),
        ("garbage", format!("{SCORER}.{SCORER}.{SCORER}")),
        (
            "keys never loaded",
            set("iss", "https://broken.example".into()),
        ),
    ] {
        let request = cast.with_token(&token);
        cast.ask(story, &request);
    }
}

/// What is no request, or only half of one.
fn tell_odd_input(cast: &mut Cast) {
    let request = cast.with_ltik().bytes();
    let text = String::from_utf8(request.clone()).unwrap();
    let stories = [
        ("half a head", request[..request.len() / 3].to_vec()),
        ("half a body", request[..request.len() - 20].to_vec()),
        ("no version", text.replacen(" HTTP/1.1", "", 1).into_bytes()),
        (
            "odd version",
            text.replacen("HTTP/1.1", LAUNCH, 1).into_bytes(),
        ),
        (
            "odd header name",
            text.replacen("Host:", &format!("{SCORER} :"), 1)
                .into_bytes(),
        ),
        (
            "a NUL",
            text.replacen("gateway.test", &format!("{SCORER}\0"), 1)
                .into_bytes(),
        ),
        (
            "folded",
            text.replacen("Host:", &format!("X: a\r\n {SCORER}\r\nHost:"), 1)
                .into_bytes(),
        ),
        (
            "absolute target",
            text.replacen("POST /", &format!("POST http://{SCORER}/"), 1)
                .into_bytes(),
        ),
        (
            "huge header",
            text.replacen("Host:", &format!("X: {}\r\nHost:", SCORER.repeat(6_000)), 1)
                .into_bytes(),
        ),
        (
            "TLS to a plain port",
            [&[0x16, 3, 1, 2, 0][..], &request].concat(),
        ),
        (
            "two framings",
            text.replacen("Host:", "Transfer-Encoding: chunked\r\nHost:", 1)
                .into_bytes(),
        ),
    ];
    for (story, bytes) in stories {
        let mut client = cast.gateway.connect();
        client.send(bytes);
        client.finish();
        if let Ok(answer) = client.try_response() {
            cast.shown.push((story.to_owned(), answer.everything()));
        }
    }
}

/// Secrets that someone pasted where their places belong, and a learner in keys with a fault; then the
/// configuration mended.
fn tell_reload_stories(cast: &mut Cast) {
    let good = std::fs::read_to_string(cast.gateway.config_file()).unwrap();
    // One sign of equality is no CEL.
    let condition = format!("score.userId = {LEARNER:?}");
    let pasted = good
        .replace("api_keys = [", &format!("api_keys = [\"{SECOND_KEY}\", "))
        .replace(
            "token = { file = \"admin\" }",
            &format!("token = \"{ADMIN_TOKEN}\""),
        )
        .replace(
            "id_key = { file = \"id-key\" }",
            &format!("id_key = {{ env = \"{ID_KEY}\" }}"),
        )
        .replace(
            "keys = [\"sha256:",
            &format!("keys = [\"{}\", \"sha256:", cast.gateway.key),
        )
        .replace(
            &format!("users = [{LEARNER:?}]"),
            &format!("users = {LEARNER:?}"),
        )
        .replace(
            "over = \"refuse\" }",
            &format!(
                "over = \"refuse\" }}\nrequire = [{{ when = {condition:?}, message = \"no\" }}]"
            ),
        );
    assert_ne!(pasted, good);
    for (text, event) in [
        (&pasted, "a new configuration was refused"),
        (
            &good.replace("\"cap\"", "\"allow\""),
            "a new configuration is in force",
        ),
    ] {
        cast.gateway.reconfigure_with(text);
        cast.gateway.signal("HUP");
        cast.gateway.wait_for_log(event);
        cast.read_pages();
    }
}

#[test]
fn a_canary_is_found_in_every_form_and_at_every_place() {
    let text = "learner4711abc+/\"é\"";
    let canary = Canary::new("it", text);
    for before in ["", "x", "xy", "xyz"] {
        let around = format!("{before}{text}zzz");
        let bytes = around.as_bytes();
        for form in [
            around.clone(),
            STANDARD.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
            hex(bytes, ""),
            hex(bytes, "").to_uppercase(),
            hex(bytes, "%").to_uppercase(),
            encode(&around),
            serde_json::to_string(&around).unwrap(),
            format!("{around:?}"),
            around
                .encode_utf16()
                .map(|unit| format!("\\u{unit:04X}"))
                .collect(),
        ] {
            assert!(canary.found_in(&form).is_some(), "{form}");
        }
    }
    let hash = digest(&SHA256, text.as_bytes());
    assert!(canary.found_in(&hex(hash.as_ref(), "")).is_some());
    assert_eq!(
        canary.found_in("learner4712abd+, and whatever else is logged"),
        None
    );
}

#[test]
fn nothing_private_stands_in_any_output_at_the_lowest_level() {
    for format in ["text", "json"] {
        let upstream = echoing();
        let provider = Upstream::start(|_, number| match number % 3 {
            0 => json_reply(200, format!(r#"{{"keys":"{SCORER}"}}"#)),
            1 => reply(500, "text/html", SCORER),
            _ => Reply::ThenClose(SCORER.as_bytes().to_vec()),
        });
        let mut cast = Cast::start(&upstream, &provider, format);
        tell_upstream_stories(&mut cast);
        tell_lookups(&mut cast);
        tell_refusals(&mut cast);
        tell_token_stories(&mut cast);
        tell_odd_input(&mut cast);
        tell_reload_stories(&mut cast);
        provider.wait_for(3);
        cast.read_pages();
        cast.gateway.signal("TERM");
        assert!(cast.gateway.ended().success());
        let log = cast.gateway.log();
        assert!(!log.contains("a defect"), "{log}");
        for line in [
            "could not be read",
            "rejects the account's API key",
            "was refused",
        ] {
            assert!(log.contains(line), "no `{line}` in {log}");
        }
        for line in log.lines() {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
        assert!(cast.shown.len() > 60, "{} outputs", cast.shown.len());
        cast.read_files();
        cast.shown.push(("the log".to_owned(), log));
        cast.search();
    }
}
