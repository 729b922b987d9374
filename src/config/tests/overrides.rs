//! Overrides from the environment.

use super::{ACCOUNT, Setting};

#[test]
fn an_override_wins_over_the_file() {
    let loaded = Setting::new(&format!("[server]\nworkers = 1\n{ACCOUNT}"))
        .with_variable("SCOREGATE__SERVER__LISTEN", "127.0.0.1:1234")
        .with_variable("SCOREGATE__SERVER__WORKERS", "7")
        .with_variable("SCOREGATE__LOG__ACCESS", "false")
        .with_variable("SCOREGATE__ACCOUNT__0__URL", "https://other.ltiaas.com")
        .with_variable(
            "SCOREGATE__ACCOUNT__0__PLATFORMS",
            "['https://a.example', 'https://b.example']",
        )
        .loaded();
    assert_eq!(loaded.config.server.listen.port(), 1234);
    assert_eq!(loaded.config.server.workers, 7);
    assert!(!loaded.config.log.access);
    assert_eq!(loaded.config.accounts[0].origin.host(), "other.ltiaas.com");
    assert_eq!(loaded.config.accounts[0].platforms.len(), 2);
}

#[test]
fn overrides_alone_can_add_an_account() {
    let loaded = Setting::new("")
        .with_variable("SCOREGATE__ACCOUNT__0__NAME", "42")
        .with_variable("SCOREGATE__ACCOUNT__0__URL", "https://your.ltiaas.com")
        .with_variable("SCOREGATE__ACCOUNT__0__API_KEYS__0__ENV", "API_KEY")
        .with_variable("SCOREGATE__ACCOUNT__0__PLATFORMS__0", "https://a.example")
        .loaded();
    assert_eq!(loaded.config.accounts[0].name, "42");
}

#[test]
fn a_faulty_override_is_named_by_its_variable() {
    for (variable, value, expected) in [
        (
            "SCOREGATE__SERVER__LISTEN",
            "here",
            "SCOREGATE__SERVER__LISTEN: server.listen: must be an IP address",
        ),
        (
            "SCOREGATE__SERVER__WORKERS",
            "many",
            "SCOREGATE__SERVER__WORKERS: server.workers: must be a whole number, 0 or more, not a text (given: `many`)",
        ),
        (
            "SCOREGATE__SERVER__LISTN",
            "x",
            "SCOREGATE__SERVER__LISTN: server.listn: is an unknown key; did you mean `listen`?",
        ),
        (
            "SCOREGATE__NOTHING",
            "x",
            "SCOREGATE__NOTHING: nothing: is an unknown key",
        ),
        (
            "SCOREGATE__",
            "x",
            "SCOREGATE__: its name must be the levels of a key",
        ),
        (
            "SCOREGATE__SERVER____LISTEN",
            "x",
            "SCOREGATE__SERVER____LISTEN: its name must be",
        ),
        (
            "SCOREGATE__ACCOUNT__NAME",
            "x",
            "SCOREGATE__ACCOUNT__NAME: `account` is a list",
        ),
        (
            "SCOREGATE__ACCOUNT__2__NAME",
            "x",
            "SCOREGATE__ACCOUNT__2__NAME: the list `account` ends before this index; the next one that can be added is 1",
        ),
        (
            "SCOREGATE__ACCOUNT__0__NAME__X",
            "x",
            "SCOREGATE__ACCOUNT__0__NAME__X: `account[0].name` is no table",
        ),
    ] {
        let problems = Setting::new(ACCOUNT)
            .with_variable(variable, value)
            .problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(expected), "{problems:?}");
    }
}

#[test]
fn the_hash_is_of_the_file_and_the_overrides() {
    let hash = |setting: Setting| setting.loaded().hash;
    let plain = hash(Setting::new(ACCOUNT));
    assert_eq!(plain.len(), 64);
    assert_eq!(
        plain,
        hash(Setting::new(ACCOUNT).with_variable("OTHER", "x"))
    );
    assert_ne!(plain, hash(Setting::new(&format!("{ACCOUNT}\n"))));
    let overridden = Setting::new(ACCOUNT).with_variable("SCOREGATE__SERVER__WORKERS", "1");
    assert_ne!(plain, hash(overridden));
}

#[test]
fn a_variable_that_names_a_key_with_single_underscores_is_warned_of() {
    let setting = |file: &str| Setting::new(&format!("{ACCOUNT}{file}"));
    for (variable, meant) in [
        ("SCOREGATE_SERVER_LISTEN", Some("SCOREGATE__SERVER__LISTEN")),
        (
            "SCOREGATE_SERVER__LISTEN",
            Some("SCOREGATE__SERVER__LISTEN"),
        ),
        (
            "SCOREGATE_SERVER_MAX_IN_FLIGHT",
            Some("SCOREGATE__SERVER__MAX_IN_FLIGHT"),
        ),
        (
            "SCOREGATE_SERVER_TLS_CERT_FILE",
            Some("SCOREGATE__SERVER__TLS__CERT_FILE"),
        ),
        (
            "SCOREGATE_ACCOUNT_0_API_KEYS_0_ENV",
            Some("SCOREGATE__ACCOUNT__0__API_KEYS__0__ENV"),
        ),
        (
            "SCOREGATE_ACCOUNT_0_PLATFORMS_1",
            Some("SCOREGATE__ACCOUNT__0__PLATFORMS__1"),
        ),
        // What Kubernetes sets for a service of this name, and what is nobody's.
        ("SCOREGATE_SERVICE_HOST", None),
        ("SCOREGATE_PORT_8080_TCP_ADDR", None),
        ("SCOREGATE_SERVER_PORT", None),
        ("SCOREGATE_LOG", None),
        ("SCOREGATE_", None),
    ] {
        let warnings = setting("").with_variable(variable, "x").warnings();
        let ours: Vec<_> = warnings
            .iter()
            .filter(|it| it.starts_with("SCOREGATE"))
            .collect();
        let expected = meant.map(|meant| {
            format!(
                "{variable}: is not read: the levels of a key are parted by `__`, as in `{meant}`"
            )
        });
        assert_eq!(ours, expected.iter().collect::<Vec<_>>());
    }
    // One that holds a secret of the configuration is read.
    let file = "[admin]\ntoken = { env = 'SCOREGATE_ADMIN_TOKEN' }\n";
    let token = ("SCOREGATE_ADMIN_TOKEN", "a-token-of-some-length");
    let warnings = setting(file).with_variable(token.0, token.1).warnings();
    assert!(
        !warnings.iter().any(|it| it.starts_with("SCOREGATE")),
        "{warnings:?}"
    );
}
