//! A new configuration takes the place of the one before, whole, or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use support::*;

fn two_workers(upstream: &Upstream) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
    settings
}

/// The same configuration for a caller with another key.
fn with_other_key(settings: &Settings) -> Settings {
    let other = two_workers(&Upstream::accepting());
    Settings {
        upstream: settings.upstream,
        ..other
    }
}

fn status(gateway: &Gateway, key: &str) -> u16 {
    gateway.ask(&submission(key)).status
}

#[test]
fn a_change_of_the_file_is_seen_however_it_is_made() {
    let upstream = Upstream::accepting();
    let first = two_workers(&upstream);
    let gateway = Gateway::start(&first);
    let folder = gateway.directory.path();
    let mut key = first.key.clone();
    let mut generation = 1;
    let mut seen = |settings: &Settings| {
        generation += 1;
        let applied = gateway.wait_for_generation(generation);
        assert_eq!(applied["last_error"], Value::Null);
        for _ in 0..4 {
            assert_eq!(status(&gateway, &settings.key), 204);
            assert_eq!(status(&gateway, &key), 401);
        }
        key = settings.key.clone();
    };

    let in_place = with_other_key(&first);
    fs::write(gateway.config_file(), in_place.write(folder)).unwrap();
    seen(&in_place);

    let by_rename = with_other_key(&first);
    gateway.reconfigure(&by_rename);
    seen(&by_rename);

    // As Kubernetes mounts it: the file is a link through a link to a folder, which is replaced.
    let (linked, swapped) = (with_other_key(&first), with_other_key(&first));
    for (version, settings) in [("1", &linked), ("2", &swapped)] {
        fs::create_dir(folder.join(version)).unwrap();
        let file = folder.join(version).join("scoregate.toml");
        fs::write(file, settings.write(folder)).unwrap();
    }
    symlink("1", folder.join("..data")).unwrap();
    symlink("..data/scoregate.toml", folder.join("link")).unwrap();
    fs::rename(folder.join("link"), gateway.config_file()).unwrap();
    seen(&linked);
    symlink("2", folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    seen(&swapped);
}

#[test]
fn what_cannot_be_applied_changes_nothing_and_says_so() {
    let upstream = Upstream::accepting();
    let settings = two_workers(&upstream);
    let gateway = Gateway::start(&settings);
    let good = fs::read_to_string(gateway.config_file()).unwrap();
    let before = gateway.applied();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let listen = "listen = \"127.0.0.1:0\"";
    let server = |line: &str| changed("[server]", &format!("[server]\n{line}"));
    let admin = good.rfind(listen).unwrap();
    let (head, tail) = good.split_at(admin);
    for (bad, named) in [
        (String::new(), "account"),
        (
            good[..good.find("[[account]]").unwrap()].to_owned(),
            "account",
        ),
        (good[..good.len() / 2].to_owned(), ""),
        (good.clone() + "\nnonsense", ""),
        (good.clone() + "\n[nonsense]\n", "nonsense"),
        (changed("\"quiz-app\"", "\"\""), "caller[0].name"),
        (changed("api-key-0", "no-such-file"), "api_keys"),
        (changed(listen, "listen = \"127.0.0.1:1\""), "server.listen"),
        (changed("workers = 2", "workers = 1"), "server.workers"),
        (
            tail.replacen(listen, "listen = \"127.0.0.1:2\"", 1),
            "admin.listen",
        ),
        (server("max_in_flight = 7"), "server.max_in_flight"),
        (server("max_connections = 7"), "server.max_connections"),
        (changed("[log]", "[log]\nformat = \"json\""), "log.format"),
    ] {
        let bad = match named {
            "admin.listen" => format!("{head}{bad}"),
            _ => bad,
        };
        gateway.reconfigure_with(&bad);
        gateway.signal("HUP");
        let shown = |applied: &Value| {
            let error = applied["last_error"].as_str();
            error.is_some_and(|error| error.contains(named))
        };
        let applied = gateway.wait_until_applied(shown);
        for member in ["hash", "config"] {
            assert_eq!(applied[member], before[member], "{named}");
        }
        assert_eq!(status(&gateway, &settings.key), 204, "{named}");
        let last = "scoregate_configuration_last_reload_successful";
        assert_eq!(Metrics::of(&gateway).sum(last, &[]), 0.0);
        // The next good one clears it, also where it is what is in force already.
        gateway.reconfigure_with(&good);
        gateway.signal("HUP");
        gateway.wait_until_applied(|applied| applied["last_error"].is_null());
    }
    assert!(gateway.log().contains("ERROR"), "{}", gateway.log());
}

#[test]
fn every_problem_is_told_once() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::before(&upstream);
    let good = fs::read_to_string(gateway.config_file()).unwrap();
    gateway.reconfigure_with(&format!("{good}\n[first]\n[second]\n"));
    gateway.signal("HUP");
    let applied = gateway.wait_until_applied(|applied| !applied["last_error"].is_null());
    gateway.wait_for_log("a new configuration was refused");
    let log = gateway.log();
    let line = log.lines().find(|line| line.contains("was refused"));
    for told in [applied["last_error"].as_str().unwrap(), line.unwrap()] {
        for problem in ["first", "second"] {
            assert_eq!(told.matches(problem).count(), 1, "{told}");
        }
    }
}

#[test]
fn a_request_ends_under_the_configuration_it_began_with() {
    let (release, held) = mpsc::channel();
    let held = std::sync::Mutex::new(held);
    let upstream = Upstream::start(move |_, number| {
        if number == 0 {
            let _ = held.lock().unwrap().recv_timeout(DEADLINE);
        }
        reply(204, "", "")
    });
    let first = two_workers(&upstream);
    let gateway = Gateway::start(&first);
    let mut client = gateway.connect();
    client.send(submission(&first.key).bytes());
    upstream.wait_for(1);
    let second = with_other_key(&first);
    gateway.reconfigure(&second);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["generation"] != 1);
    release.send(()).unwrap();
    assert_eq!(client.response().status, 204);
    // The next one on the same connection begins under the new one.
    let next = client.send(submission(&first.key).bytes()).response();
    assert_eq!(next.status, 401);
    let next = client.send(submission(&second.key).bytes()).response();
    assert_eq!(next.status, 204);
}

/// Longer than `HURRIED` lets a request and its answer take.
const LATE: Duration = Duration::from_millis(2_500);

const HURRIED: &str = "request_deadline = \"1s\"\nbody_timeout = \"200ms\"";

/// An answer to `/api/idtoken` is late, as is the second half of one to `/api/lineitems`.
fn late_upstream() -> Upstream {
    let late = |first: &[u8], second: &'static [u8]| {
        let second = move || {
            // The lateness itself.
            thread::sleep(LATE);
            second.to_vec()
        };
        Reply::Staged(first.to_vec(), Box::new(second))
    };
    Upstream::start(move |request, _| match request.target() {
        "/api/lineitems" => late(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n[1", b",2]"),
        "/api/idtoken" => late(b"", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        _ => reply(204, "", ""),
    })
}

#[test]
fn the_next_request_on_a_kept_connection_has_the_new_limits() {
    let upstream = late_upstream();
    let mut settings = Settings::new(upstream.address);
    settings.server = HURRIED.to_owned();
    let gateway = Gateway::start(&settings);
    let mut client = gateway.connect();
    let answer = client.send(gateway.submission(SCORE).bytes()).response();
    assert_eq!(answer.status, 204);
    settings.server = String::new();
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["generation"] != 1);
    for (target, expected) in [("/api/idtoken", "{}"), ("/api/lineitems", "[1,2]")] {
        let request = gateway.request("GET", target);
        let answer = client.send(request.bytes()).response();
        assert_eq!((answer.status, answer.text().as_str()), (200, expected));
    }
}

#[test]
fn a_request_that_has_begun_keeps_its_limits() {
    let upstream = late_upstream();
    let mut settings = Settings::new(upstream.address);
    let gateway = Gateway::start(&settings);
    let mut clients = [gateway.connect(), gateway.connect()];
    for (client, target) in clients.iter_mut().zip(["/api/idtoken", "/api/lineitems"]) {
        client.send(gateway.request("GET", target).bytes());
    }
    upstream.wait_for(2);
    settings.server = HURRIED.to_owned();
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["generation"] != 1);
    for (client, expected) in clients.iter_mut().zip(["{}", "[1,2]"]) {
        let answer = client.response();
        assert_eq!((answer.status, answer.text().as_str()), (200, expected));
    }
}

#[test]
fn connections_on_both_sides_are_kept() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    let gateway = Gateway::start(&settings);
    let mut client = gateway.connect();
    let mut submit = || client.send(gateway.submission(SCORE).bytes()).response();
    assert_eq!(submit().status, 204);
    for generation in 2..6 {
        settings.tables = format!(
            "[[policy]]\nname = \"cap-{generation}\"\nmaximum = {{ percent = 90, over = \"cap\" }}"
        );
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        gateway.wait_until_applied(|applied| {
            applied["config"]["policy"][0]["name"] == format!("cap-{generation}")
        });
        assert_eq!(submit().status, 204);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_account_that_moves_is_found_at_its_new_place() {
    let (old, new) = (Upstream::accepting(), Upstream::accepting());
    let mut settings = two_workers(&old);
    let gateway = Gateway::start(&settings);
    assert_eq!(gateway.submit(SCORE).status, 204);
    settings.upstream = new.address;
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    gateway.wait_until_applied(|applied| applied["generation"] != 1);
    for _ in 0..4 {
        assert_eq!(gateway.submit(SCORE).status, 204);
    }
    assert_eq!((old.requests().len(), new.requests().len()), (1, 4));
    // What was kept towards the old place is closed.
    old.wait_for_closed(1);
}

#[test]
fn secrets_are_read_again_on_sighup_and_when_their_file_changes() {
    let upstream = Upstream::accepting();
    let settings = Settings::new(upstream.address);
    let gateway = Gateway::start(&settings);
    let file = gateway.directory.path().join("api-key-0");
    let sent = || {
        assert_eq!(gateway.submit(SCORE).status, 204);
        upstream.last().header("authorization").unwrap().to_owned()
    };
    assert_eq!(sent(), format!("LTIK-AUTH-V2 {API_KEY}:{LTIK}"));
    let mut before = gateway.applied()["generation"].clone();
    for (key, signal) in [("the-second-key", true), ("the-third-key", false)] {
        fs::write(&file, key).unwrap();
        if signal {
            gateway.signal("HUP");
        }
        let applied = gateway.wait_until_applied(|applied| applied["generation"] != before);
        before = applied["generation"].clone();
        assert_eq!(sent(), format!("LTIK-AUTH-V2 {key}:{LTIK}"));
    }
    let page = gateway.applied().to_string();
    assert!(!page.contains("the-third-key"));
}

#[test]
fn the_level_of_the_log_follows() {
    let upstream = Upstream::accepting();
    let mut settings = Settings::new(upstream.address);
    settings.log = "level = \"error\"".to_owned();
    let gateway = Gateway::start(&settings);
    settings.log = "level = \"info\"".to_owned();
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    gateway.wait_for_log("a new configuration is in force");
}

const KEY_REJECTED: &str = r#"{"details":{"message":"X","description":"Invalid API key."}}"#;

#[test]
fn a_rejected_account_key_is_told_once_and_once_more_after_a_reload() {
    let upstream = Upstream::start(|_, _| json_reply(401, KEY_REJECTED));
    let mut settings = two_workers(&upstream);
    let gateway = Gateway::start(&settings);
    for generation in 2..4 {
        for _ in 0..20 {
            assert_eq!(gateway.submit(SCORE).status, 502);
        }
        settings.tables +=
            &format!("[[policy]]\nname = \"p{generation}\"\nmaximum = {{ percent = 100 }}\n");
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        // Told behind everything that was told before.
        gateway.wait_for_log(&format!("generation={generation}"));
        let log = gateway.log();
        let told = log.matches("LTIAAS rejects the account's API key").count();
        assert_eq!(told, generation - 1, "{log}");
    }
    let rejections = "scoregate_upstream_key_rejections_total";
    assert_eq!(Metrics::of(&gateway).sum(rejections, &[]), 40.0);
}

const SECRET: &str = "a-secret-of-32-bytes-or-more-for-hmac";

fn issuer(audience: &str) -> String {
    format!(
        r#"
[[issuer]]
name = "id"
account = "main"
issuer = "https://id.example"
audiences = ["{audience}"]
algorithms = ["HS256"]
secret = {{ file = "$DIR/secret" }}
allow = ["scores:write"]
"#
    )
}

#[test]
fn the_tokens_of_an_issuer_that_is_removed_or_changed_are_refused_at_once() {
    let upstream = Upstream::accepting();
    let mut settings = two_workers(&upstream);
    settings.files = vec![("secret".to_owned(), SECRET.to_owned())];
    settings.tables = issuer("scoregate");
    let gateway = Gateway::start(&settings);
    let claims = json!({"iss": "https://id.example", "aud": "scoregate", "sub": "tool", "exp": get_current_timestamp() + 600});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = encode(&Header::default(), &claims, &key).unwrap();
    for (tables, expected) in [
        (issuer("scoregate"), 204),
        (String::new(), 401),
        (issuer("scoregate"), 204),
        (issuer("another"), 401),
    ] {
        let before = gateway.applied()["generation"].clone();
        settings.tables = tables;
        gateway.reconfigure(&settings);
        gateway.signal("HUP");
        gateway.wait_until_applied(|applied| applied["generation"] != before);
        for _ in 0..6 {
            assert_eq!(status(&gateway, &token), expected);
        }
    }
}

/// Sets a flag when it is dropped, also where the test fails: who looks at it would go on for ever.
struct Sets<'a>(&'a AtomicBool);

impl Drop for Sets<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nothing else changes, and nobody sends a signal.
#[test]
fn a_file_that_a_refused_configuration_names_is_seen_when_it_is_mended() {
    let upstream = Upstream::accepting();
    let settings = Settings::new(upstream.address);
    let gateway = Gateway::start(&settings);
    let folder = gateway.directory.path();
    let good = fs::read_to_string(gateway.config_file()).unwrap();
    fs::write(folder.join("secret"), "too short").unwrap();
    let with_issuer = good.clone() + &issuer("scoregate").replace("$DIR/", "");
    for (text, refused, file, content) in [
        // Not there yet, and there with a fault.
        (
            good.replacen("api-key-0", "new-key", 1),
            "new-key",
            "new-key",
            "another-key",
        ),
        (with_issuer, "secret", "secret", SECRET),
    ] {
        let before = gateway.applied()["generation"].clone();
        gateway.reconfigure_with(&text);
        gateway.wait_until_applied(|applied| {
            let error = applied["last_error"].as_str();
            error.is_some_and(|error| error.contains(refused))
        });
        fs::write(folder.join(file), content).unwrap();
        let applied = gateway.wait_until_applied(|applied| applied["generation"] != before);
        assert_eq!(applied["last_error"], Value::Null);
    }
}

/// Works while a file changes ten times a second, for the first time, the second, and so on.
fn while_changing(change: impl Fn(usize) + Sync, work: impl FnOnce()) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut time = 0;
            while !ended.load(Ordering::Relaxed) {
                time += 1;
                change(time);
                thread::sleep(Duration::from_millis(100));
            }
        });
        let _ended = Sets(&ended);
        work();
    });
}

/// Such as a log, by mistake: it never holds still, which must neither keep the mended configuration from being
/// loaded nor have the refused one loaded without end.
#[test]
fn a_file_that_a_refused_configuration_names_may_change_all_the_time() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&Settings::new(upstream.address));
    let folder = gateway.directory.path().to_owned();
    let good = fs::read_to_string(gateway.config_file()).unwrap();
    let grow = |lines: usize| fs::write(folder.join("growing"), "line\n".repeat(lines)).unwrap();
    while_changing(grow, || {
        gateway.reconfigure_with(&good.replacen("api-key-0", "growing", 1));
        gateway.wait_until_applied(|applied| applied["last_error"].is_string());
        gateway.reconfigure_with(&format!("{good}\n# mended\n"));
        let applied = gateway.wait_until_applied(|applied| applied["last_error"].is_null());
        assert_eq!(applied["generation"], 2);
    });
}

/// Nobody sends a signal.
#[test]
fn a_file_in_force_that_never_holds_still_keeps_no_change_from_being_loaded() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&Settings::new(upstream.address));
    let folder = gateway.directory.path().to_owned();
    let good = fs::read_to_string(gateway.config_file()).unwrap();
    let replace = |number: usize| {
        fs::write(folder.join("next-key"), format!("key-{number}")).unwrap();
        fs::rename(folder.join("next-key"), folder.join("api-key-0")).unwrap();
    };
    while_changing(replace, || {
        for name in ["first", "second"] {
            let policy = format!("[[policy]]\nname = \"{name}\"\nmaximum = {{ percent = 100 }}\n");
            gateway.reconfigure_with(&format!("{good}{policy}"));
            gateway.wait_until_applied(|applied| applied["config"]["policy"][0]["name"] == name);
        }
    });
}

/// Whoever opens a pipe waits for whoever writes, and here nobody does.
#[test]
fn a_pipe_in_a_files_place_holds_up_nothing() {
    let upstream = Upstream::accepting();
    let gateway = Gateway::start(&Settings::new(upstream.address));
    let folder = gateway.directory.path();
    for name in ["api-key-0", "scoregate.toml"] {
        let file = folder.join(name);
        let content = fs::read(&file).unwrap();
        let pipe = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        fs::rename(pipe, &file).unwrap();
        gateway.wait_until_applied(|applied| {
            let error = applied["last_error"].as_str();
            error.is_some_and(|error| error.contains("it is no regular file"))
        });
        assert_eq!(gateway.submit(SCORE).status, 204);
        fs::write(folder.join("mended"), content).unwrap();
        fs::rename(folder.join("mended"), &file).unwrap();
        gateway.wait_until_applied(|applied| applied["last_error"].is_null());
    }
}

/// Callers that submit on kept connections until they are told to stop.
struct Load {
    stop: AtomicBool,
    served: AtomicUsize,
}

impl Load {
    fn run(&self, gateway: &Gateway, key: &str) {
        let request = submission(key).bytes();
        while !self.stop.load(Ordering::Relaxed) {
            // Some on a connection of their own.
            let mut client = gateway.connect();
            for _ in 0..50 {
                let response = client.send(&request).response();
                assert_eq!(response.status, 204, "{}", response.everything());
                self.served.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Reloads under load, each of them a change, once `warm` requests have been served. Answers with how
/// large the process was after each, in KiB.
fn reload_under_load(ledger: &str, warm: usize, times: usize) -> Vec<u64> {
    let provider = Upstream::start(|_, _| json_reply(200, r#"{"keys":[]}"#));
    let upstream = Upstream::accepting();
    let mut settings = two_workers(&upstream);
    settings.log = "access = false".to_owned();
    let issuer = issuer("scoregate").replace("HS256", "ES256").replace(
        "secret = { file = \"$DIR/secret\" }",
        &format!("jwks = {{ url = \"http://{}/keys\" }}", provider.address),
    );
    settings.tables = format!("[ledger]\nurl = \"{ledger}\"\n{issuer}");
    let gateway = Gateway::start(&settings);
    let text = fs::read_to_string(gateway.config_file()).unwrap();
    let load = Load {
        stop: AtomicBool::new(false),
        served: AtomicUsize::new(0),
    };
    let sizes = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| load.run(&gateway, &settings.key));
        }
        let _ends = Sets(&load.stop);
        until_within(Duration::from_secs(60), "it is warm", || {
            load.served.load(Ordering::Relaxed) >= warm
        });
        let sizes = (0..times).map(|number| {
            let policy = format!("name = \"p{number}\"\nmaximum = {{ percent = 100 }}");
            gateway.reconfigure_with(&format!("{text}[[policy]]\n{policy}\n"));
            gateway.signal("HUP");
            gateway.wait_until_applied(|applied| {
                applied["config"]["policy"][0]["name"] == format!("p{number}")
            });
            gateway.size("VmRSS")
        });
        sizes.collect::<Vec<_>>()
    });
    assert!(load.served.load(Ordering::Relaxed) > 1_000);
    // One key set, kept through all of it.
    assert_eq!(provider.requests().len(), 1);
    assert!(!gateway.log().contains("ERROR"), "{}", gateway.log());
    sizes
}

/// How much larger the process was at the end than by then, in KiB, its moods aside.
fn growth_since(sizes: &[u64], then: usize) -> u64 {
    let then = sizes[then..then + 10].iter().max().unwrap();
    let end = sizes[sizes.len() - 10..].iter().min().unwrap();
    end.saturating_sub(*then)
}

#[test]
fn a_thousand_reloads_under_load_fail_no_request_and_leak_nothing() {
    let sizes = reload_under_load("none", 0, 1_000);
    // Caches and pools have filled up by the hundredth.
    let growth = growth_since(&sizes, 100);
    assert!(growth < 2 * 1024, "{growth} KiB more: {sizes:?}");
}

/// SQLite keeps 2 MiB of pages, which the first 2,000 entries fill whether or not there is a reload.
#[test]
fn reloads_beside_the_record_leak_nothing() {
    let sizes = reload_under_load("sqlite:scoregate.db", 4_000, 200);
    let growth = growth_since(&sizes, 20);
    assert!(growth < 2 * 1024, "{growth} KiB more: {sizes:?}");
}

/// Sets how many file descriptors a gateway may have from now on.
fn limit_files(gateway: &Gateway, most: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let process = Pid::from_raw(gateway.id() as i32);
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(1_024),
    };
    prlimit(process, Resource::Nofile, limit).unwrap();
}

#[test]
fn a_file_that_can_not_be_opened_for_want_of_descriptors_has_not_changed() {
    let upstream = Upstream::accepting();
    let settings = Settings::new(upstream.address);
    let gateway = Gateway::start(&settings);
    limit_files(&gateway, 1);
    // Long enough for several looks.
    thread::sleep(Duration::from_secs(4));
    limit_files(&gateway, 1_024);
    assert!(!gateway.log().contains("refused"), "{}", gateway.log());
    assert_eq!(gateway.applied()["generation"], 1);
    gateway.reconfigure_with(&format!("{}\n", settings.write(gateway.directory.path())));
    gateway.wait_for_generation(2);
}

/// Nobody sends a signal where files are replaced by a machine.
#[test]
fn policies_that_came_while_the_ledger_was_away_are_loaded_once_it_is_back() {
    let upstream = Upstream::accepting();
    let mut settings = two_workers(&upstream);
    let gateway = Gateway::start(&settings);
    let folder = gateway.directory.path();
    let (file, away) = (folder.join("scoregate.db"), folder.join("away.db"));
    fs::rename(&file, &away).unwrap();
    gateway.wait_for_log("the ledger can't be used");
    settings.tables = "[[policy]]\nname = \"half\"\nmaximum = { percent = 50 }\n".to_owned();
    gateway.reconfigure(&settings);
    gateway.wait_until_applied(|applied| {
        let told = applied["last_error"].as_str().unwrap_or_default();
        told.contains("the ledger has no number for these policies")
    });
    fs::rename(&away, &file).unwrap();
    let applied = gateway.wait_for_generation(2);
    assert_eq!(applied["last_error"], Value::Null);
    let answer = gateway.submit(SCORE);
    assert_eq!(answer.header("scoregate-decision"), Some("adjusted"));
}
