//! What is allowed, but risky.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};

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
        (
            "[[account]]",
            "[upstream]\nkey_set_timeout = '11s'\n[[account]]",
            "2: upstream.key_set_timeout: until an issuer's key set has loaded, a read of it is given up after 10 s",
        ),
        (
            "allow = ['scores:write']",
            "allow = ['scores:write']\nmax_in_flight = 4096",
            "11: caller[0].max_in_flight: lets one caller take every place there is (`server.max_in_flight`, 4096)",
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
            "['https://canvas.example.edu/**']",
            "['https://canvas.example.edu/a/../**']",
            "11: caller[0].line_items[0]: can match no line item's id, since every such id is refused: it holds a dot segment",
        ),
        (
            "['https://canvas.example.edu/**']",
            "['https://canvas.example.edu/*?a=1?b=*']",
            "11: caller[0].line_items[0]: can match no line item's id, since every such id is refused: it holds a second `?`",
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
    let policy = "[[policy]]\nname = 'p'\nmatch = { callers = ['quiz'], accounts = ['other'] }\nmaximum = { percent = 90 }\n";
    let warnings = Setting::new(&format!("{GOOD}{other}{policy}")).warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("policy[0].match: none of these callers"),
        "{warnings:?}"
    );
}

/// The warnings of these policies behind a good configuration, whose 11 lines come first.
pub(super) fn of_policies(policies: &str) -> Vec<String> {
    Setting::new(&format!("{GOOD}{policies}")).warnings()
}

/// They have one warning, which begins like this, or none.
fn told_at(policies: &str, expected: Option<&str>) {
    told_if(policies, expected, |warning, expected| {
        warning.starts_with(expected)
    });
}

/// They have one warning, which says this, or none.
fn told(policies: &str, expected: Option<&str>) {
    told_if(policies, expected, |warning, expected| {
        warning.contains(expected)
    });
}

fn told_if(policies: &str, expected: Option<&str>, is_it: fn(&str, &str) -> bool) {
    let warnings = of_policies(policies);
    let is_told = match (warnings.as_slice(), expected) {
        ([], None) => true,
        ([warning], Some(expected)) => is_it(warning, expected),
        _ => false,
    };
    assert!(is_told, "{policies}: {warnings:?}, and not {expected:?}");
}

const NO_CALLER: &str = "[[account]]
name = 'other'
url = 'https://other.ltiaas.com'
api_keys = [{ env = 'API_KEY' }]
platforms = ['https://moodle.example.edu']
[[caller]]
name = 'reader'
account = 'main'
keys = [{ digest = 'sha256:2222222222222222222222222222222222222222222222222222222222222222', not_after = '2090-01-01T00:00:00Z' }]
allow = ['scores:read']
line_items = ['https://canvas.example.edu/**']
";

#[test]
fn warns_of_a_policy_or_pattern_that_no_caller_can_meet() {
    for (matching, expected) in [
        ("callers = ['quiz']", None),
        ("accounts = ['main']", None),
        ("line_items = ['https://canvas.example.edu/*/7']", None),
        ("line_items = ['**']", None),
        (
            "accounts = ['other']",
            Some(
                "14: policy[0].match: no caller works with any of these accounts, so the policy matches nothing",
            ),
        ),
        (
            "callers = ['quiz'], accounts = ['other']",
            Some("14: policy[0].match: none of these callers works with any of these accounts"),
        ),
        (
            "callers = ['reader']",
            Some("14: policy[0].match: none of the callers that it matches may submit scores"),
        ),
        (
            "line_items = ['**', 'https://moodle.example.edu/**']",
            Some(
                "14: policy[0].match.line_items[1]: matches no line item that a caller of this policy may submit to",
            ),
        ),
    ] {
        let policy = format!(
            "[[policy]]\nname = 'p'\nmatch = {{ {matching} }}\nmaximum = {{ percent = 90 }}\n{NO_CALLER}"
        );
        told_at(&policy, expected);
    }
    // The caller's own patterns leave out what its account has.
    let narrow = GOOD.replace("edu/**", "edu/101/**");
    let policy = "[[policy]]\nname = 'p'\nmatch = { line_items = ['https://canvas.example.edu/102/*'] }\nkeep = 'first'\n";
    let warnings = Setting::new(&format!("{narrow}{policy}")).warnings();
    assert!(
        warnings[0].starts_with("14: policy[0].match.line_items[0]: matches no line item"),
        "{warnings:?}"
    );
}

#[test]
fn warns_of_a_policy_whose_keys_are_all_set_again() {
    let first = "[[policy]]\nname = 'first'\nmatch = { line_items = ['https://canvas.example.edu/101/**'] }\nmaximum = { percent = 100 }\nround = { digits = 2 }\n";
    for (later, expected) in [
        ("maximum = { percent = 90 }", None),
        (
            "maximum = { percent = 90 }\nround = { digits = 1 }",
            Some("`later`"),
        ),
        (
            "match = { line_items = ['https://canvas.example.edu/**'] }\nmaximum = { percent = 90 }\nround = { digits = 1 }",
            Some("`later`"),
        ),
        (
            "maximum = { percent = 90 }\n[[policy]]\nname = 'last'\nround = { digits = 1 }",
            Some("`later` and `last`"),
        ),
        // Some of its scores stay as it says.
        (
            "match = { line_items = ['https://canvas.example.edu/*/7'] }\nmaximum = { percent = 90 }\nround = { digits = 1 }",
            None,
        ),
        (
            "match = { when = 'score.percent > 50.0' }\nmaximum = { percent = 90 }\nround = { digits = 1 }",
            None,
        ),
        (
            "mode = 'report'\nmaximum = { percent = 90 }\nround = { digits = 1 }",
            None,
        ),
    ] {
        let expected = expected.map(|by| {
            format!(
                "12: policy[0]: does nothing: each of its keys is set again by {by} further down"
            )
        });
        told_at(
            &format!("{first}[[policy]]\nname = 'later'\n{later}\n"),
            expected.as_deref(),
        );
    }
    // One that comes later wins.
    let turned = format!(
        "[[policy]]\nname = 'wide'\nmaximum = {{ percent = 90 }}\nround = {{ digits = 1 }}\n{first}"
    );
    assert_eq!(of_policies(&turned), Vec::<String>::new());
}

/// A learner with an earlier `due` can be late.
#[test]
fn a_due_after_closes_counts_for_those_without_an_earlier_extension() {
    for (due, expected) in [
        (
            "2026-04-30T00:00:00Z",
            "so that nobody without an extension is ever late",
        ),
        ("2026-05-01T00:00:00Z", "so that nothing is ever late"),
        ("2026-05-03T00:00:00Z", "so that nothing is ever late"),
    ] {
        let warnings = of_policies(&format!(
            "[[policy]]\nname = 'p'\nlate = {{ kind = 'flat', percent = 10 }}\ncloses = '2026-05-01T00:00:00Z'\n\
             due = '2026-05-02T00:00:00Z'\nextensions = [{{ users = ['7'], due = '{due}' }}]\n"
        ));
        assert!(warnings[0].contains(expected), "{due}: {warnings:?}");
        assert_eq!(warnings.len(), 2, "{due}: {warnings:?}");
        assert!(
            warnings[1].contains("policy[0].extensions[0].due: "),
            "{due}: {warnings:?}"
        );
    }
}

#[test]
fn warns_of_an_extension_that_extends_nothing_or_takes_time_away() {
    let after = "extensions[1].due: is after `closes`, which no extension moves: what these learners submit after it is refused (given: `2026-05-09T00:00:00Z`)";
    let at = "extensions[1].due: is no later than `due`, so that it extends nothing (given: `";
    let before = "extensions[1].due: is before `due`, so that these learners are late sooner than all others (given: `";
    let late = "late = { kind = 'flat', percent = 10 }";
    let extensions = |due: &str| {
        format!(
            "extensions = [{{ users = ['7'], due = '2026-05-02T00:00:00Z' }}, {{ users = ['8'], due = '{due}' }}]"
        )
    };
    let (due, closes) = (
        "due = '2026-05-01T00:00:00Z'",
        "closes = '2026-05-08T00:00:00Z'",
    );
    for (day, expected) in [
        ("2026-05-08", None),
        ("2026-05-09", Some(after)),
        ("2026-05-01", Some(at)),
        ("2026-04-01", Some(before)),
    ] {
        let extensions = extensions(&format!("{day}T00:00:00Z"));
        let keys = format!("{late}\n{due}\n{closes}\n{extensions}\n");
        let expected = expected.map(|expected| format!("17: policy[0].{expected}"));
        told_at(
            &format!("[[policy]]\nname = 'p'\n{keys}"),
            expected.as_deref(),
        );
    }
    // Where the bounds are another policy's.
    let warnings = of_policies(&format!(
        "[[policy]]\nname = 'all'\n{late}\n{due}\n{closes}\n[[policy]]\nname = 'p'\n{}\n",
        extensions("2026-05-09T00:00:00Z")
    ));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with(
            "19: policy[1].extensions[1].due: is after `closes` of policy `all`, which no extension moves"
        ),
        "{warnings:?}"
    );
}

#[test]
fn warns_of_a_list_that_takes_the_place_of_another() {
    let extension = |user: &str| format!("{{ users = ['{user}'], due = '2027-01-01T00:00:00Z' }}");
    let rule = |percent: &str| format!("{{ when = 'score.percent > {percent}', message = 'No.' }}");
    let course = |number: u8, keys: &str| {
        format!(
            "[[policy]]\nname = 'course-{number}'\nmatch = {{ line_items = ['https://canvas.example.edu/{number}/**'] }}\n{keys}\n"
        )
    };
    let lists = |key: &str, list: &[&str]| format!("{key} = [{}]", list.join(", "));
    let late = "[[policy]]\nname = 'late'\nlate = { kind = 'flat', percent = 10 }\ndue = '2026-01-01T00:00:00Z'\n";
    let later = "{ users = ['8', '7'], due = '2027-02-01T00:00:00Z' }";
    let reworded = "{ when = 'score.percent > 1.0', message = 'Never.' }";
    for (key, one, other, same) in [
        ("extensions", extension("7"), extension("8"), later),
        ("require", rule("1.0"), rule("2.0"), reworded),
    ] {
        let first = course(1, &lists(key, &[&one]));
        let told = format!(
            "{key}: takes the place of the whole list of policy `course-1` for what both match; repeat here what of it is to hold too"
        );
        for (second, is_told) in [
            (lists(key, &[&other]), true),
            (lists(key, &[&other, &one]), false),
            (lists(key, &[same]), false),
            (lists(key, &[]), false),
            (format!("mode = 'report'\n{}", lists(key, &[&other])), false),
            ("keep = 'highest'".to_owned(), false),
        ] {
            let second = format!(
                "[[policy]]\nname = 'second'\nmatch = {{ when = 'has(score.comment)' }}\n{second}\n"
            );
            let warnings = of_policies(&format!("{late}{first}{second}"));
            assert_eq!(
                warnings.len(),
                usize::from(is_told),
                "{second}: {warnings:?}"
            );
            assert!(warnings.iter().all(|it| it.contains(&told)), "{warnings:?}");
        }
        // Perhaps none is for both.
        let with = |name: &str, when: &str, list: &str| {
            format!(
                "[[policy]]\nname = '{name}'\nmatch = {{ when = '{when}' }}\n{key} = [{list}]\n"
            )
        };
        let first = with("one", "score.userId.startsWith(\"a\")", &one);
        for (when, told) in [
            (
                "score.userId.startsWith(\"b\")",
                "may take the place of the whole list of policy `one`",
            ),
            (
                "score.userId.startsWith(\"a\")",
                "takes the place of the whole list of policy `one`",
            ),
        ] {
            let warnings = of_policies(&format!("{late}{first}{}", with("two", when, &other)));
            assert!(warnings.last().unwrap().contains(told), "{warnings:?}");
        }
        // No score is for both.
        let first = course(1, &lists(key, &[&one]));
        let apart = course(2, &lists(key, &[&other]));
        let warnings = of_policies(&format!("{late}{first}{apart}"));
        assert_eq!(warnings, Vec::<String>::new());
    }
}

#[test]
fn warns_of_rules_that_look_back_on_what_may_not_be_there() {
    let forward = "ledger.on_failure: under policy `p`, which looks back (`keep`, `attempts`), what comes while the ledger fails is judged as if nothing had come before: it may take the place of a higher grade, and is no attempt";
    let soon = "ledger.retention: is under 30 days, and policy `p` looks back (`keep`, `attempts`): attempts and grades that are forgotten no longer count";
    let looks_back = "keep = 'highest'\nattempts = { max = 3 }";
    for (ledger, keys, expected) in [
        ("on_failure = 'forward'", looks_back, Some(forward)),
        ("on_failure = 'forward'", "pass = { percent = 60 }", None),
        (
            "on_failure = 'forward'",
            "mode = 'report'\nkeep = 'highest'",
            None,
        ),
        ("on_failure = 'refuse'", looks_back, None),
        ("retention = '29d'", looks_back, Some(soon)),
        ("retention = '30d'", looks_back, None),
        ("retention = '1d'", "stale = 'forward'", None),
    ] {
        let expected = expected.map(|expected| format!("14: {expected}"));
        told_at(
            &format!(
                "[ledger]\nurl = 'sqlite:scoregate.db'\n{ledger}\n[[policy]]\nname = 'p'\n{keys}\n"
            ),
            expected.as_deref(),
        );
    }
}

/// Policies are not compared with each other then.
#[test]
fn warns_of_one_policys_contradictions_among_however_many() {
    for others in [0, 2_000] {
        let others: String = (0..others)
            .map(|number| format!("[[policy]]\nname = 'p{number}'\nround = {{ digits = 2 }}\n"))
            .collect();
        let policies = format!(
            "{others}[[policy]]\nname = 'exam'\npass = {{ percent = 60 }}\nmaximum = {{ percent = 50, over = 'cap' }}\n"
        );
        let warnings = Setting::new(&format!("{GOOD}{policies}")).warnings();
        let is_told = |warning: &String| warning.contains("so that no score passes");
        assert!(warnings.iter().any(is_told), "{warnings:?}");
    }
}

/// What no score, or every score, comes to by the order in which the rules act.
#[test]
fn warns_of_limits_that_leave_nothing_to_pass() {
    let cap = "maximum.percent: is below `pass`, so that no score passes (given: `50`)";
    let floor = "minimum.percent: is no less than `pass`, so that every score passes (given: `60`)";
    for (keys, expected) in [
        ("maximum = { percent = 50 }", Some(cap)),
        ("maximum = { percent = 50, over = 'refuse' }", Some(cap)),
        ("maximum = { percent = 50, over = 'allow' }", None),
        ("maximum = { percent = 60 }", None),
        (
            "order = ['pass', 'maximum']\nmaximum = { percent = 50 }",
            None,
        ),
        ("minimum = { percent = 60 }", Some(floor)),
        ("minimum = { percent = 59 }", None),
        (
            "maximum = { percent = 100 }\nminimum = { percent = 60 }",
            Some(floor),
        ),
        (
            "order = ['pass', 'minimum']\nminimum = { percent = 60 }",
            None,
        ),
        (
            "order = ['minimum', 'late', 'pass']\nminimum = { percent = 60 }\ndue = '2027-01-01T00:00:00Z'\nlate = { kind = 'flat', percent = 10 }",
            None,
        ),
        (
            "order = ['minimum', 'round', 'pass']\nminimum = { percent = 60 }\nround = { digits = 0, mode = 'down' }",
            None,
        ),
    ] {
        told(
            &format!("[[policy]]\nname = 'p'\npass = {{ percent = 60 }}\n{keys}\n"),
            expected,
        );
    }
}

#[test]
fn warns_of_times_that_are_compared_as_texts() {
    let text = "score.timestamp > \"2026-03-01T12:00:00Z\"";
    for (place, policy) in [
        (
            "match.when",
            format!("match = {{ when = '{text}' }}\nround = {{ digits = 1 }}"),
        ),
        (
            "require[0].when",
            format!("require = [{{ when = '{text}', message = 'No.' }}]"),
        ),
    ] {
        let warnings = of_policies(&format!("[[policy]]\nname = 'p'\n{policy}\n"));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let told = format!("policy[0].{place}: compares a time as a text, letter by letter");
        assert!(warnings[0].contains(&told), "{warnings:?}");
        assert!(!warnings[0].contains(text), "{warnings:?}");
    }
}

/// What contradicts itself may hold for no score as it stands.
#[test]
fn a_contradiction_that_another_policy_settles_is_no_warning() {
    let course = "[[policy]]\nname = 'course'\nmatch = { line_items = ['https://canvas.example.edu/1/**'] }\n";
    let all = "[[policy]]\nname = 'all'\n";
    let some = "[[policy]]\nname = 'some'\nmatch = { when = 'score.userId == \"u1\"' }\n";
    let shares = "pass = { percent = 60 }\nmaximum = { percent = 50 }\n";
    let floor = "pass = { percent = 60 }\nminimum = { percent = 60 }\n";
    let late = "due = '2026-05-01T00:00:00Z'\nlate = { kind = 'flat', percent = 10 }\n";
    let extension = "closes = '2026-05-08T00:00:00Z'\nextensions = [{ users = ['u1'], due = '2026-05-09T00:00:00Z' }]\n";
    let closes = "closes = '2026-05-10T00:00:00Z'\n";
    for settled in [
        format!("{all}order = ['pass', 'maximum']\n{course}{shares}"),
        format!("{all}order = ['minimum', 'late', 'pass']\n{late}{course}{floor}"),
        format!("{all}{late}{course}{extension}{some}{closes}"),
        format!("{all}{late}{course}{extension}[[policy]]\nname = 'last'\n{closes}"),
        format!("{course}{shares}{some}maximum = {{ percent = 90 }}\n"),
    ] {
        assert_eq!(of_policies(&settled), Vec::<String>::new(), "{settled}");
    }
    for open in [
        format!("{all}order = ['maximum', 'pass']\n{course}{shares}"),
        format!("{all}{late}{course}{floor}"),
        format!("{all}{late}{course}{extension}{some}keep = 'highest'\n"),
        format!("{course}{shares}{some}mode = 'report'\nmaximum = {{ percent = 90 }}\n"),
    ] {
        let warnings = of_policies(&open);
        assert_eq!(warnings.len(), 1, "{open}: {warnings:?}");
        assert!(!warnings[0].contains("of policy"), "{open}: {warnings:?}");
    }
    // What refuses every submission is a mistake whatever the others say.
    let closed = format!(
        "{course}opens = '2026-05-08T00:00:00Z'\ncloses = '2026-05-01T00:00:00Z'\n{some}{closes}"
    );
    let problems = Setting::new(&format!("{GOOD}{closed}")).problems();
    assert!(
        problems[0].contains("so that every submission is refused"),
        "{problems:?}"
    );
}

#[test]
fn warns_of_times_that_leave_nothing_on_time_or_cost_nothing() {
    let never = "opens: is after `due`, so that nothing is ever on time";
    let some = "opens: is after `due`, so that nobody without an extension is ever on time";
    let row = "grace: is no shorter than the first row's `up_to` in `late`, so that this row never counts";
    let falls =
        "late.steps[1].percent: is less than in the row above, so that who is later loses less";
    let flat = "late = { kind = 'flat', percent = 10 }\ndue = '2026-05-01T00:00:00Z'";
    let steps = |second: &str| {
        format!(
            "due = '2026-05-01T00:00:00Z'\nlate = {{ kind = 'steps', steps = [{{ up_to = '1h', percent = 10 }}, {{ up_to = '2h', percent = {second} }}] }}"
        )
    };
    let extension = "extensions = [{ users = ['7'], due = '2026-05-09T00:00:00Z' }]";
    for (keys, expected) in [
        (
            format!("{flat}\nopens = '2026-05-02T00:00:00Z'"),
            Some(never),
        ),
        (
            format!("{flat}\nopens = '2026-05-02T00:00:00Z'\n{extension}"),
            Some(some),
        ),
        (
            format!("{flat}\nopens = '2026-05-02T00:00:00Z'\ngrace = '1d'"),
            None,
        ),
        (format!("{flat}\nopens = '2026-05-01T00:00:00Z'"), None),
        (steps("20"), None),
        (steps("10"), None),
        (steps("9.5"), Some(falls)),
        (format!("{}\ngrace = '59m'", steps("20")), None),
        (format!("{}\ngrace = '1h'", steps("20")), Some(row)),
    ] {
        told(&format!("[[policy]]\nname = 'p'\n{keys}\n"), expected);
    }
}

#[test]
fn warns_of_a_pattern_where_names_are_taken() {
    let issuer = "[[issuer]]
name = 'idp'
account = 'main'
issuer = 'https://idp.example.edu'
audiences = ['scoregate']
algorithms = ['ES256']
jwks = { url = 'https://idp.example.edu/keys' }
allow = ['scores:write']
line_items = ['https://canvas.example.edu/**']
";
    let policy = |name: &str| {
        format!(
            "{issuer}[[policy]]\nname = 'p'\nmatch = {{ callers = ['{name}'] }}\nkeep = 'first'\n"
        )
    };
    assert_eq!(of_policies(&policy("idp/quiz")), Vec::<String>::new());
    let warnings = of_policies(&policy("idp/quiz-*"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("23: policy[0].match.callers[0]: `*` stands for itself here"),
        "{warnings:?}"
    );
    let text = format!("{GOOD}{}", policy("quiz-*"));
    let problems = Setting::new(&text).problems();
    assert!(
        problems[0].starts_with(
            "23: policy[0].match.callers[0]: is no caller; `*` stands for itself here"
        ),
        "{problems:?}"
    );
}

/// RFC 3339 has no later second; it means never.
#[test]
fn the_last_second_there_is_may_be_written() {
    for last in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"] {
        let text = GOOD.replace("2090-01-01T00:00:00Z", last);
        let policy =
            format!("[[policy]]\nname = 'p'\nopens = '2026-02-01T00:00:00Z'\ncloses = '{last}'\n");
        let setting = Setting::new(&format!("{text}{policy}"));
        assert_eq!(setting.warnings(), Vec::<String>::new(), "{last}");
    }
}

#[test]
fn warns_of_a_contradiction_of_two_policies() {
    // In a policy for others, so that no key is without the one it needs.
    let late = "[[policy]]\nname = 'late'\nmode = 'report'\nmatch = { when = 'has(score.comment)' }\nlate = { kind = 'flat', percent = 10 }\ndue = '2026-04-01T00:00:00Z'\n";
    let all = "[[policy]]\nname = 'all'\ncloses = '2026-05-01T00:00:00Z'\nminimum = { percent = 50 }\ngrace = '2h'\n";
    let of_course = |keys: &str| {
        format!(
            "[[policy]]\nname = 'course'\nmatch = {{ line_items = ['https://canvas.example.edu/101/**'] }}\n{keys}\n"
        )
    };
    for (keys, expected) in [
        ("due = '2026-04-30T00:00:00Z'", None),
        (
            "due = '2026-05-02T00:00:00Z'",
            Some(
                "20: policy[1].due: is after `closes` of policy `all`, so that nothing is ever late; both hold for what policy `course` matches, so change one",
            ),
        ),
        (
            "opens = '2026-05-02T00:00:00Z'",
            Some(
                "20: policy[1].opens: is after `closes` of policy `all`, so that every submission is refused",
            ),
        ),
        (
            "maximum = { percent = 40 }",
            Some(
                "20: policy[1].maximum.percent: is below `minimum` of policy `all`, which no score can satisfy",
            ),
        ),
        // The one that is reported stands in the wider policy.
        (
            "late = { kind = 'per_interval', percent = 1, interval = '1h' }\ndue = '2026-04-01T00:00:00Z'",
            Some("16: policy[0].grace: is longer than the interval of `late` of policy `course`"),
        ),
        (
            "due = '2026-05-02T00:00:00Z'\ncloses = '2026-05-03T00:00:00Z'",
            None,
        ),
    ] {
        told_at(&format!("{all}{}{late}", of_course(keys)), expected);
    }
    // Where a third may say otherwise, nothing is sure.
    let due = of_course("due = '2026-05-02T00:00:00Z'");
    let third = "[[policy]]\nname = 'third'\nmatch = { when = 'has(score.comment)' }\ncloses = '2026-06-01T00:00:00Z'\n";
    assert_eq!(
        of_policies(&format!("{all}{due}{late}{third}")),
        Vec::<String>::new()
    );
    // One that only reports contradicts what is enforced, and not the other way round.
    let reporting = due.replace("'course'", "'course'\nmode = 'report'");
    let with_late = format!("{all}late = {{ kind = 'flat', percent = 10 }}\n");
    let warnings = of_policies(&format!("{with_late}{reporting}"));
    assert!(
        warnings[0].contains("policy[1].due: is after `closes` of policy `all`"),
        "{warnings:?}"
    );
    let reporting = all.replace("'all'", "'all'\nmode = 'report'");
    assert_eq!(
        of_policies(&format!("{reporting}{due}{late}")),
        Vec::<String>::new()
    );
}

/// A certificate by an authority, its key, and the authority's own certificate.
fn certificates(begin: i32, end: i32) -> [String; 3] {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    let name = (DnType::CommonName, "an authority for tests");
    authority.distinguished_name.push(name.0, name.1);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut leaf = CertificateParams::new(vec!["here".to_owned()]).unwrap();
    leaf.not_before = date_time_ymd(begin, 1, 1);
    leaf.not_after = date_time_ymd(end, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = leaf.signed_by(&key, &authority).unwrap().pem();
    [certificate, key.serialize_pem(), authority.as_ref().pem()]
}

#[test]
fn warns_of_certificates_that_nobody_will_take() {
    let text = format!(
        "{GOOD}[server.tls]\ncert_file = 'cert.pem'\nkey_file = 'key.pem'\nclient_ca_file = 'ca.pem'\n[upstream]\nca_file = 'ca.pem'\n"
    );
    let good = certificates(2020, 2090);
    let warnings = |[certificate, key, authority]: [&str; 3]| {
        let setting = Setting::new(&text)
            .with_file("cert.pem", certificate.as_bytes())
            .with_file("key.pem", key.as_bytes())
            .with_file("ca.pem", authority.as_bytes());
        setting.warnings()
    };
    let [certificate, key, authority] = good.each_ref().map(String::as_str);
    assert_eq!(
        warnings([certificate, key, authority]),
        Vec::<String>::new()
    );
    let no_authority =
        "holds a certificate that is no authority's, and so vouches for nobody (given: `ca.pem`)";
    assert_eq!(
        warnings([certificate, key, certificate]),
        [
            format!("15: server.tls.client_ca_file: {no_authority}"),
            format!("17: upstream.ca_file: {no_authority}"),
        ]
    );
    for (begin, end, expected) in [
        (
            2020,
            2021,
            "13: server.tls.cert_file: holds a certificate that has expired (2021-01-01T00:00:00Z)",
        ),
        (
            2080,
            2090,
            "13: server.tls.cert_file: holds a certificate that is not good before 2080-01-01T00:00:00Z",
        ),
    ] {
        let [certificate, key, _] = certificates(begin, end);
        let warnings = warnings([&certificate, &key, authority]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
    }
}

#[test]
fn warns_of_a_share_that_was_meant_as_a_fraction() {
    for (keys, expected) in [
        (
            "maximum = { percent = 0.6 }",
            Some("maximum.percent: is 0.6 % of the maximum; for 60 % write 60"),
        ),
        (
            "minimum = { percent = 0.125 }",
            Some("minimum.percent: is 0.125 % of the maximum; for 12.5 % write 12.5"),
        ),
        (
            "pass = { percent = 1 }",
            Some("pass.percent: is 1 % of the maximum; for 100 % write 100"),
        ),
        ("pass = { percent = 1.01 }", None),
        ("minimum = { percent = 0 }", None),
        ("maximum = { percent = 60 }", None),
        (
            "late = { kind = 'ceiling', percent = 0.8 }",
            Some("late.percent: is 0.8 % of the maximum; for 80 % write 80"),
        ),
        (
            "late = { kind = 'per_interval', percent = 0.5, interval = '1h', floor_percent = 0.5 }",
            Some("late.floor_percent: is 0.5 % of the maximum; for 50 % write 50"),
        ),
        (
            "late = { kind = 'per_interval', percent = 0.5, interval = '1h', floor_percent = 0 }",
            None,
        ),
        (
            "late = { kind = 'flat', percent = 0.1, of = 'earned' }",
            Some("late.percent: takes off 0.1 %; for 10 % write 10"),
        ),
        ("late = { kind = 'flat', percent = 1 }", None),
        ("late = { kind = 'flat', points = 0.5 }", None),
        (
            "late = { kind = 'newly_earned', percent = 0.25 }",
            Some("late.percent: takes off 0.25 %; for 25 % write 25"),
        ),
        (
            "late = { kind = 'steps', steps = [{ up_to = '1h', percent = 0 }, { up_to = '2h', percent = 0.2 }] }",
            Some("late.steps[1].percent: takes off 0.2 %; for 20 % write 20"),
        ),
    ] {
        let keys = match keys.starts_with("late") {
            true => format!("{keys}\ndue = '2027-01-01T00:00:00Z'"),
            false => keys.to_owned(),
        };
        let expected = expected.map(|expected| format!("14: policy[0].{expected}"));
        told_at(
            &format!("[[policy]]\nname = 'p'\n{keys}\n"),
            expected.as_deref(),
        );
    }
}

#[test]
fn warns_of_a_tolerance_that_holds_back_what_a_learner_would_miss() {
    for (tolerance, expected) in [
        ("0", None),
        ("0.001", None),
        ("0.0999", None),
        ("0.1", Some("10 %")),
        ("0.125", Some("12.5 %")),
        ("0.5", Some("50 %")),
        ("0.999", Some("99.9 %")),
    ] {
        let policy =
            format!("[[policy]]\nname = 'p'\nunchanged = 'skip'\ntolerance = {tolerance}\n");
        let expected = expected.map(|share| {
            format!("15: policy[0].tolerance: holds back scores that differ by less than {share} of the maximum (given: `{tolerance}`)")
        });
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(of_policies(&policy), expected);
    }
}

#[test]
fn warns_of_a_key_that_does_nothing_without_another() {
    let late = "late = { kind = 'flat', percent = 10 }";
    let never = "policy[0].late: nothing is ever late: no policy for the same scores";
    let nothing = "policy[0].tolerance: does nothing: no policy for the same scores";
    let course = "match = { line_items = ['https://canvas.example.edu/101/**'] }";
    let other = "match = { line_items = ['https://canvas.example.edu/102/**'] }";
    let other_keep = &format!("{other}\nkeep = 'first'");
    let due = "due = '2027-01-01T00:00:00Z'";
    let extension = "extensions = [{ users = ['7'], due = '2027-01-01T00:00:00Z' }]";
    for (keys, second, expected) in [
        (late, "", Some(never)),
        (&format!("{late}\n{due}"), "", None),
        (&format!("{late}\n{extension}"), "", None),
        (late, due, None),
        (late, &format!("mode = 'report'\n{due}"), None),
        (
            &format!("{course}\n{late}"),
            &format!("{course}\n{due}"),
            None,
        ),
        (&format!("{course}\n{late}"), other_keep, Some(never)),
        (
            due,
            "",
            Some("policy[0].due: costs nothing: no policy for the same scores sets `late`"),
        ),
        (
            extension,
            "",
            Some("policy[0].extensions: does nothing: no policy for the same scores sets `late`"),
        ),
        (
            "grace = '1h'",
            "",
            Some("policy[0].grace: does nothing: no policy for the same scores sets `late`"),
        ),
        (
            &format!("{course}\n{due}"),
            &format!("{other}\n{late}\n{extension}"),
            Some("policy[0].due: costs nothing"),
        ),
        (
            "order = ['round', 'maximum']",
            "",
            Some(
                "policy[0].order: orders nothing: no policy for the same scores sets a rule that it is about",
            ),
        ),
        (
            "order = ['round', 'maximum']",
            "round = { digits = 0 }",
            None,
        ),
        ("order = ['keep', 'late']", "keep = 'first'", None),
        ("tolerance = 0.01", "", Some(nothing)),
        ("tolerance = 0.01\nunchanged = 'forward'", "", Some(nothing)),
        ("tolerance = 0.01\nunchanged = 'skip'", "", None),
        ("tolerance = 0.01", "unchanged = 'skip'", None),
    ] {
        let second = match second {
            "" => String::new(),
            keys => format!("[[policy]]\nname = 'second'\n{keys}\n"),
        };
        told(
            &format!("[[policy]]\nname = 'p'\n{keys}\n{second}"),
            expected,
        );
    }
}

#[test]
fn a_caller_whose_last_key_ends_soon_is_told_of() {
    let in_days = |days: i64| {
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        end.to_string()
    };
    let second = "2".repeat(64);
    let warnings = |first: &str, second: &str| {
        let text = GOOD.replace("2090-01-01T00:00:00Z' }", &format!("{first}' }}{second}"));
        Setting::new(&text).loaded().warnings
    };
    let also = |end: &str| format!(", {{ digest = 'sha256:{second}', not_after = '{end}' }}");
    let told = warnings(&in_days(29), &also(&in_days(1)));
    assert_eq!(told.len(), 1, "{told:?}");
    let told = told[0].to_string();
    assert!(
        told.contains("caller[0].keys: the last of them ends at "),
        "{told}"
    );
    // Nothing is to be done: it has another.
    assert!(warnings(&in_days(29), &also(&in_days(31))).is_empty());
}
