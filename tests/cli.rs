//! The commands, as an operator calls them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use scoregate::gateway_key::{digest, written};
use serde_json::Value;
use support::{
    Client, Gateway, Ran, Request, SCORE, Settings, Upstream, assert_envelope, refusing_address,
};

fn scoregate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(arguments)
        .env_remove("LTIAAS_API_KEY")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn demo_shows_every_sample_and_ends_well() {
    let output = scoregate(&["demo", "--once"]);
    let shown = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{shown}{}",
        text(&output.stderr)
    );
    for part in [
        "204 No Content   scoregate-decision: forwarded",
        "scoregate-decision: adjusted   scoregate-rules: maximum",
        "\"scoreGiven\":8.5,\"scoreMaximum\":10}",
        "422 Unprocessable Entity",
        "Did you mean scoreGiven?",
        "401 Unauthorized",
        "502 Bad Gateway",
    ] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "a line of {widest:?} columns");
}

/// As `head -1` does, under `set -o pipefail`.
#[test]
fn what_check_finds_is_found_whoever_reads_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scoregate.toml");
    std::fs::write(&file, "[[policy]]\nunknown = 1\n".repeat(5_000)).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["check", "--config"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More follows than a pipe holds.
    let mut stdout = check.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    drop(stdout);
    let done = check.wait_with_output().unwrap();
    assert_eq!(
        (done.status.code(), text(&done.stderr).as_str()),
        (Some(1), "")
    );
}

/// As `head` does.
#[test]
fn demo_ends_quietly_where_nobody_reads_on() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["demo", "--once"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    demo.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    let done = demo.wait_with_output().unwrap();
    assert_eq!(
        (done.status.code(), text(&done.stderr).as_str()),
        (Some(0), "")
    );
}

#[test]
fn demo_stays_up_and_its_curl_line_works() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .arg("demo")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = String::new();
    let mut lines = BufReader::new(demo.stdout.take().unwrap());
    while !shown.contains("/config") {
        assert!(
            lines.read_line(&mut shown).unwrap() > 0,
            "ended early:\n{shown}"
        );
    }
    let after = |start: &str| {
        let (_, rest) = shown.split_once(start).unwrap();
        rest.split(['\'', ' ', '\n']).next().unwrap().to_owned()
    };
    let url = after("curl -i http://");
    let (address, target) = url.split_once('/').unwrap();
    let (_, authorization) = shown.split_once("Authorization: ").unwrap();
    let (authorization, _) = authorization.split_once('\'').unwrap();
    let request = Request::new("POST", &format!("/{target}"))
        .authorization(authorization)
        .json(SCORE);
    let answer = Client::connect(address.parse().unwrap())
        .send(request.bytes())
        .response();
    assert_eq!(answer.status, 204);
    demo.kill().unwrap();
    demo.wait().unwrap();
}

#[test]
fn a_new_key_is_printed_once_with_the_digest_the_configuration_wants() {
    let output = scoregate(&["key", "new"]);
    let shown = text(&output.stdout);
    let value = |name: &str| {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let key = value("key:");
    assert_eq!(value("digest:"), written(&digest(&key)));
    assert_ne!(shown, text(&scoregate(&["key", "new"]).stdout));
}

#[test]
fn a_configuration_comes_by_a_pipe_where_it_is_read_once_and_nowhere_else() {
    let by_pipe = |command| Ran::with(&[command, "--config", "/dev/stdin"], "[nonsense]\n");
    let checked = by_pipe("check");
    assert_eq!(checked.code, Some(1));
    assert!(checked.stdout.contains("nonsense"), "{}", checked.stdout);
    // What serves reads its configuration again and again.
    let ran = by_pipe("run");
    assert_eq!(ran.code, Some(1));
    let said = "/dev/stdin: the file can't be read: it is no regular file";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn schema_is_a_json_schema_that_knows_every_section() {
    let schema: Value = serde_json::from_slice(&scoregate(&["schema"]).stdout).unwrap();
    for section in [
        "server", "admin", "log", "scores", "upstream", "account", "caller", "issuer", "policy",
    ] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn check_reports_all_problems_with_line_value_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scoregate.toml");
    std::fs::write(
        &file,
        "[server]\nlisten = \"here\"\nhead_timeout = \"soon\"\n[[account]]\nname = \"main\"\n\
         url = \"ftp://x\"\napi_keys = [\"literal-secret\"]\nplatforms = []\nnickname = 1\n",
    )
    .unwrap();
    let output = scoregate(&["check", "--config", file.to_str().unwrap()]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for (line, key) in [
        (2, "server.listen"),
        (3, "server.head_timeout"),
        (6, "account[0].url"),
        (7, "account[0].api_keys[0]"),
        (8, "account[0].platforms"),
        (9, "account[0].nickname"),
    ] {
        let place = format!("scoregate.toml:{line}: {key}");
        assert!(shown.contains(&place), "no `{place}` in:\n{shown}");
    }
    assert!(!shown.contains("literal-secret"), "{shown}");
}

#[test]
fn check_is_good_with_warnings_and_two_is_wrong_usage() {
    let good = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["check", "--config", "config/scoregate.toml"])
        .env("LTIAAS_API_KEY", "key")
        .output()
        .unwrap();
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stdout));
    assert!(text(&good.stdout).contains("warning:"));
    for arguments in [&["check"][..], &["run"], &["nonsense"], &["key"], &[]] {
        assert_eq!(scoregate(arguments).status.code(), Some(2), "{arguments:?}");
    }
    for command in ["demo", "run", "sandbox", "check", "schema", "key"] {
        let help = scoregate(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
    }
}

#[test]
fn run_says_what_is_wrong_with_its_configuration() {
    let missing = scoregate(&["run", "--config", "/nowhere/scoregate.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        text(&missing.stderr).contains("/nowhere/scoregate.toml"),
        "{}",
        text(&missing.stderr)
    );
    let mut settings = Settings::new(([127, 0, 0, 1], 9).into());
    settings.tables = "[ledger]\nurl = \"mysql:x.db\"\n".to_owned();
    let Err(shown) = Gateway::try_start(&settings) else {
        panic!("started with a ledger that there is not");
    };
    assert!(shown.contains("ledger.url"), "{shown}");
}

#[test]
fn sandbox_stands_in_for_ltiaas() {
    let mut sandbox = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["sandbox", "--listen", "127.0.0.1:0", "--api-key", "k"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(sandbox.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let address = line
        .trim()
        .rsplit("http://")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let ask = |request: &Request| Client::connect(address).send(request.bytes()).response();
    let idtoken = Request::new("GET", "/api/idtoken");
    assert_eq!(ask(&idtoken.authorization("LTIK-AUTH-V2 k:l")).status, 200);
    let wrong = ask(&Request::new("GET", "/api/idtoken").authorization("LTIK-AUTH-V2 x:l"));
    assert_eq!(
        wrong.json()["details"]["message"],
        "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER"
    );
    let seen = ask(&Request::new("GET", "/_sandbox/requests")).json();
    assert_eq!(seen.as_array().unwrap().len(), 2);
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
}

#[test]
fn the_admin_listener_shows_what_is_applied_to_those_who_have_its_token() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.files = vec![("admin-token".into(), "an-admin-token-of-length\n".into())];
    settings.admin = "token = { file = \"admin-token\" }".to_owned();
    let gateway = Gateway::start(&settings);
    let page = |path: &str, authorization: Option<&str>| {
        let request = Request::new("GET", path);
        let request = match authorization {
            Some(value) => request.authorization(value),
            None => request,
        };
        Client::connect(gateway.admin)
            .send(request.bytes())
            .response()
    };
    assert_eq!(page("/healthz", None).status, 200);
    assert_eq!(page("/readyz", None).status, 200);
    for wrong in [
        None,
        Some(""),
        Some("Bearer wrong"),
        Some("Bearer AN-ADMIN-TOKEN-OF-LENGTH"),
        Some("Basic an-admin-token-of-length"),
        Some("an-admin-token-of-length"),
    ] {
        let answer = page("/config", wrong);
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").is_some());
        assert_eq!(page("/anything", wrong).status, 401);
    }
    // A scheme is in any case.
    for good in [
        "bearer an-admin-token-of-length",
        "BEARER an-admin-token-of-length",
    ] {
        assert_eq!(page("/config", Some(good)).status, 200, "{good}");
    }
    let good = Some("Bearer an-admin-token-of-length");
    let answer = page("/config", good);
    let shown = answer.json();
    assert_eq!(
        (answer.status, &shown["generation"], &shown["last_error"]),
        (200, &1.into(), &Value::Null)
    );
    assert!(shown["hash"].is_string() && shown["applied_at"].is_string());
    assert_eq!(shown["config"]["account"][0]["api_keys"][0], "***");
    for secret in [
        support::API_KEY,
        "an-admin-token-of-length",
        &settings.digest[7..],
    ] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    assert_eq!(page("/nothing", good).status, 404);
    // Never on the public port.
    for path in ["/healthz", "/readyz", "/config", "/metrics"] {
        assert_envelope(
            &gateway.ask(&gateway.request("GET", path)),
            404,
            "ROUTE_NOT_FOUND",
        );
    }
}

#[test]
fn every_example_is_good() {
    for example in std::fs::read_dir("config/examples").unwrap() {
        let path = example.unwrap().path();
        let folder = folder_with_files();
        let copy = folder.path().join("scoregate.toml");
        std::fs::copy(&path, &copy).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_scoregate"));
        for variable in variables(&path) {
            command.env(variable, "a-value-that-is-long-enough-for-a-secret");
        }
        let output = command
            .args(["check", "--config"])
            .arg(&copy)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
}

/// A folder with the files that examples name.
fn folder_with_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["scoregate.example".to_owned()]).unwrap();
    for name in ["tls", "secrets"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let write = |name: &str, content: &str| {
        std::fs::write(folder.path().join(name), content).unwrap();
    };
    write("tls/cert.pem", &made.cert.pem());
    write("tls/callers.pem", &made.cert.pem());
    write("tls/key.pem", &made.signing_key.serialize_pem());
    for name in [
        "admin-token",
        "ledger-password",
        "log-id-key",
        "ltiaas-api-key",
        "ltiaas-api-key-next",
    ] {
        let content = format!("the-content-of-{name}-in-a-test");
        write(&format!("secrets/{name}"), &content);
    }
    folder
}

/// The environment variables that a configuration names.
fn variables(path: &Path) -> Vec<String> {
    let mut text = String::new();
    std::fs::File::open(path)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let parts = text.split("env = \"").skip(1);
    parts
        .map(|part| part.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_sandbox_that_can_not_listen_says_where_and_what_to_do() {
    let (_held, taken) = refusing_address();
    let output = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["sandbox", "--listen", &taken.to_string()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "scoregate: can't listen on `{taken}`: something listens there; choose another address with `--listen IP:PORT`\n"
        )
    );
}
