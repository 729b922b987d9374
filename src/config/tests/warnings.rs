//! What is allowed, but risky.

use super::{ACCOUNT, Setting};

/// A configuration without a warning.
const GOOD: &str = "[[account]]
name = 'main'
url = 'https://your.ltiaas.com'
api_keys = [{ env = 'API_KEY' }]
platforms = ['https://canvas.example.edu']
[[caller]]
name = 'quiz'
account = 'main'
keys = [{ digest = 'sha256:DIGEST', not_after = '2090-01-01T00:00:00Z' }]
allow = ['scores:write']
line_items = ['https://canvas.example.edu/**']
";

#[test]
fn each_risk_has_its_warning_and_nothing_else_has_one() {
    assert_eq!(Setting::new(GOOD).warnings(), Vec::<String>::new());
    for (from, to, expected) in [
        (
            "['https://canvas.example.edu']",
            "['*']",
            "5: account[0].platforms[0]: lets line items live on any host",
        ),
        (
            "['https://canvas.example.edu']",
            "['https://canvas.example.edu', 'https://canvas.instructure.com/']",
            "5: account[0].platforms[1]: is shared by many schools",
        ),
        (
            "https://your.ltiaas.com'",
            "http://your.ltiaas.com'\ninsecure_http = true",
            "3: account[0].url: is plain HTTP to another machine",
        ),
        (
            "keys = [{ digest = 'sha256:DIGEST', not_after = '2090-01-01T00:00:00Z' }]",
            "keys = ['sha256:DIGEST']",
            "9: caller[0].keys[0]: never expires",
        ),
        (
            "2090",
            "2001",
            "9: caller[0].keys[0].not_after: this key has expired (given: `2001-01-01T00:00:00Z`)",
        ),
        (
            "[[account]]",
            "[log]\nid_key = { env = 'API_KEY' }\n[[account]]",
            "2: log.id_key: the key has fewer than 16 bytes",
        ),
        ("['scores:write']", "[]", "10: caller[0].allow: is empty"),
        (
            "allow = ['scores:write']",
            "",
            "6: caller[0].allow: is empty",
        ),
        (
            "line_items = ['https://canvas.example.edu/**']",
            "",
            "6: caller[0].line_items: without it, every line item",
        ),
        (
            "['https://canvas.example.edu/**']",
            "['https://canvas.example.org/**']",
            "11: caller[0].line_items[0]: matches no line item on the account's `platforms`",
        ),
        (
            "[[caller]]",
            "[server]\nlisten = '0.0.0.0:80'\n[[caller]]",
            "7: server.listen: callers can reach this address over plain HTTP",
        ),
        (
            "[[caller]]",
            "[admin]\ntoken = { env = 'API_KEY' }\n[[caller]]",
            "7: admin.token: the token has fewer than 16 characters",
        ),
        (
            "[[caller]]",
            "[[policy]]\nname = 'p'\n[[caller]]",
            "6: policy[0]: this policy sets no rule",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let warnings = Setting::new(&text).warnings();
        assert_eq!(warnings.len(), 1, "{text}\n{warnings:?}");
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
    }
}

#[test]
fn warns_of_a_configuration_that_lets_nobody_in() {
    let warnings = Setting::new(ACCOUNT).warnings();
    assert!(
        warnings[0]
            .ends_with("there is no `[[caller]]` and no `[[issuer]]`, so every request is refused")
    );
}

#[test]
fn warns_of_a_policy_that_no_caller_reaches() {
    let other = GOOD
        .split("[[caller]]")
        .next()
        .unwrap()
        .replace("'main'", "'other'");
    let policy = "[[policy]]\nname = 'p'\nmatch = { callers = ['quiz'], accounts = ['other'] }\nmaximum = { percent = 1 }\n";
    let warnings = Setting::new(&format!("{GOOD}{other}{policy}")).warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("policy[0].match: none of these callers"),
        "{warnings:?}"
    );
}
