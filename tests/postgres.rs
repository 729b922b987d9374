//! PostgreSQL by the ways that people name it: over TCP with a password, and over TLS with an authority
//! of one's own. What a URL does not ask for is refused, and no secret of it shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[allow(dead_code, unused_imports)]
mod support;

#[allow(dead_code)]
#[path = "support/certificate.rs"]
mod certificate;

#[allow(dead_code)]
#[path = "../src/ledger/tests/cluster.rs"]
mod cluster;

use std::net::SocketAddr;
use std::process::Command;

use certificate::Certificate;
use cluster::{Cluster, Network};
use serde_json::Value;
use support::*;

/// With all that a URL must escape.
const PASSWORD: &str = "canary/4711@%:?";
const ESCAPED: &str = "canary%2F4711%40%25%3A%3F";

fn settings(upstream: &Upstream, url: &str, more: &str) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.tables = format!("[ledger]\nurl = \"{url}\"\n{more}");
    settings.files = vec![("password".to_owned(), PASSWORD.to_owned())];
    settings
}

fn command(gateway: &Gateway, name: &str) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_scoregate"))
        .args(["ledger", name, "--json", "--config"])
        .arg(gateway.config_file())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{name}: {told}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Opens, writes, reads, and opens again.
fn serves(settings: &Settings) {
    let mut gateway = Gateway::start(settings);
    for entries in [1, 2] {
        let answer = gateway.submit(SCORE);
        assert_eq!(answer.status, 204, "{}", answer.everything());
        assert_eq!(command(&gateway, "list").as_array().unwrap().len(), entries);
        let verdict = command(&gateway, "verify");
        assert_eq!(verdict["whole"], true, "{verdict}");
        gateway.signal("TERM");
        assert!(gateway.ended().success());
        assert!(!gateway.log().contains("canary"), "{}", gateway.log());
        gateway = gateway.again();
    }
}

/// Does not start, and says why.
fn refuses(settings: &Settings, why: &str) {
    let Err(shown) = Gateway::try_start(settings) else {
        panic!("it started: {}", settings.tables);
    };
    assert!(shown.contains(why), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn is_reached_by_tcp_with_a_password() {
    let upstream = Upstream::accepting();
    let (address, cluster) = cluster_with_password();
    let database = || cluster.database().rsplit('/').next().unwrap().to_owned();
    let in_url = format!("postgres://postgres:{ESCAPED}@{address}/{}", database());
    serves(&settings(&upstream, &in_url, ""));
    let alone = format!("postgresql://postgres@{address}/{}", database());
    let password = "password = { file = \"password\" }\n";
    serves(&settings(&upstream, &alone, password));
    refuses(&settings(&upstream, &alone, ""), "password");
    let wrong = format!("postgres://postgres:canary@{address}/{}", database());
    refuses(
        &settings(&upstream, &wrong, ""),
        "password authentication failed",
    );
    // Neither does the role show.
    let nobody = format!("postgres://canary@{address}/{}", database());
    refuses(
        &settings(&upstream, &nobody, password),
        &format!("{address}: 28000: no pg_hba.conf entry"),
    );
    let gone = Network::free_address();
    let gone = format!("postgres://canary@{gone}/x");
    let (_, at) = gone.split_once('@').unwrap();
    refuses(
        &settings(&upstream, &gone, password),
        &at.replace("/x", ": error connecting to server"),
    );
    let asked = format!("{in_url}?sslmode=require");
    refuses(
        &settings(&upstream, &asked, ""),
        "server does not support TLS",
    );
}

fn cluster_with_password() -> (SocketAddr, Cluster) {
    let address = Network::free_address();
    let cluster = Cluster::start_on(Some(Network {
        address,
        password: PASSWORD.to_owned(),
        tls: None,
    }));
    (address, cluster)
}

/// By the role's own way in, which asks for a password.
fn start_with_password(
    cluster: &Cluster,
    address: SocketAddr,
    upstream: &Upstream,
) -> (Gateway, Settings) {
    let name = cluster.database().rsplit('/').next().unwrap().to_owned();
    let url = format!("postgres://postgres@{address}/{name}");
    let settings = settings(upstream, &url, "password = { file = \"$DIR/password\" }\n");
    (Gateway::start(&settings), settings)
}

fn change_password(cluster: &Cluster, password: &str) {
    cluster.psql(
        "postgres",
        &format!("ALTER ROLE postgres PASSWORD '{password}'"),
    );
}

/// As a restart of the server, or a network that was gone, would.
fn end_connections(cluster: &Cluster) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scoregate'";
    cluster.psql("postgres", end);
}

fn reload_with_password(gateway: &Gateway, settings: &mut Settings, password: &str) {
    let before = gateway.applied()["generation"].as_u64().unwrap();
    settings.files[0].1 = password.to_owned();
    gateway.reconfigure(settings);
    gateway.signal("HUP");
    let applied =
        gateway.wait_until_applied(|applied| applied["generation"].as_u64() > Some(before));
    assert!(applied["last_error"].is_null(), "{applied}");
}

fn wait_for_ledger(gateway: &Gateway, is_there: bool) {
    let value = f64::from(u8::from(is_there));
    Metrics::wait_for(gateway, "scoregate_ledger_available", &[], value);
}

fn pages(gateway: &Gateway) -> u16 {
    let page = Request::new("GET", "/ledger").bytes();
    Client::connect(gateway.admin).send(page).response().status
}

#[test]
fn a_new_password_is_taken_by_a_reload_in_whatever_order_it_is_changed() {
    let upstream = Upstream::accepting();
    let (address, cluster) = cluster_with_password();
    let (gateway, mut settings) = start_with_password(&cluster, address, &upstream);
    assert_eq!(gateway.submit(SCORE).status, 204);

    // The gateway first: the connection that is open goes on.
    reload_with_password(&gateway, &mut settings, "canary-second");
    assert_eq!(gateway.submit(SCORE).status, 204);
    change_password(&cluster, "canary-second");
    end_connections(&cluster);
    gateway.wait_for_log("the ledger can be used again");
    wait_for_ledger(&gateway, true);
    assert_eq!(gateway.submit(SCORE).status, 204);
    assert_eq!(pages(&gateway), 200);

    // PostgreSQL first, and the connection with it: the ledger waits for the new one.
    change_password(&cluster, "canary-third");
    end_connections(&cluster);
    wait_for_ledger(&gateway, false);
    gateway.wait_for_log("password authentication failed");
    reload_with_password(&gateway, &mut settings, "canary-third");
    wait_for_ledger(&gateway, true);
    assert_eq!(gateway.submit(SCORE).status, 204);
    assert_eq!(pages(&gateway), 200);
    assert_eq!(command(&gateway, "list").as_array().unwrap().len(), 4);
    assert!(!gateway.log().contains("canary"), "{}", gateway.log());
}

/// The policies' number is asked of the ledger, which can't be reached for want of the password that comes with
/// them.
#[test]
fn a_new_password_and_new_policies_are_taken_by_one_reload() {
    let upstream = Upstream::accepting();
    let (address, cluster) = cluster_with_password();
    let (gateway, mut settings) = start_with_password(&cluster, address, &upstream);
    assert_eq!(gateway.submit(SCORE).status, 204);
    change_password(&cluster, "canary-second");
    end_connections(&cluster);
    wait_for_ledger(&gateway, false);
    gateway.wait_for_log("password authentication failed");
    settings.files[0].1 = "canary-second".to_owned();
    settings.tables += "[[policy]]\nname = \"half\"\nmaximum = { percent = 50 }\n";
    gateway.reconfigure(&settings);
    gateway.signal("HUP");
    // Where the ledger is not back yet it is loaded again once it is.
    wait_for_ledger(&gateway, true);
    let applied = gateway.wait_for_generation(2);
    assert!(applied["last_error"].is_null(), "{applied}");
    let answer = gateway.submit(SCORE);
    assert_eq!(answer.header("scoregate-decision"), Some("adjusted"));
    assert!(!gateway.log().contains("canary"), "{}", gateway.log());
}

#[test]
fn is_reached_by_tls_with_an_authority_of_ones_own() {
    let upstream = Upstream::accepting();
    let address = Network::free_address();
    let certificate = Certificate::naming([address.ip().to_string()]);
    let cluster = Cluster::start_on(Some(Network {
        address,
        password: PASSWORD.to_owned(),
        tls: Some((certificate.certificate, certificate.key)),
    }));
    let with = |url: &str, more: &str| {
        let mut settings = settings(&upstream, url, more);
        let authority = certificate.authority.clone();
        settings.files.push(("ca.pem".to_owned(), authority));
        settings
    };
    // The server takes this role by TLS alone.
    let strict = |query: &str| {
        let name = cluster.database().rsplit('/').next().unwrap().to_owned();
        format!("postgres://strict:{ESCAPED}@{address}/{name}{query}")
    };
    let ca_file = "ca_file = \"ca.pem\"\n";
    for query in ["?sslmode=require", "?sslmode=verify-full"] {
        serves(&with(&strict(query), ca_file));
    }
    // An authority that nobody named is no authority, and a certificate for another name no proof.
    refuses(&with(&strict("?sslmode=require"), ""), "UnknownIssuer");
    let ip = address.ip().to_string();
    let other = strict("?sslmode=require").replace(&ip, "db.example.edu");
    let other = format!("{other}&hostaddr={ip}");
    refuses(&with(&other, ca_file), "not valid for name");
    refuses(
        &with(&strict("?sslmode=disable"), ca_file),
        "no pg_hba.conf entry",
    );
    // On this machine TLS is spoken only where it is asked for: packages give PostgreSQL a
    // certificate that nobody trusts.
    let near = strict("").replace("strict", "postgres");
    serves(&with(&near, ""));
    let mut damaged = with(&strict("?sslmode=require"), ca_file);
    damaged
        .files
        .push(("ca.pem".to_owned(), "canary".to_owned()));
    refuses(&damaged, "ledger.ca_file");
}
