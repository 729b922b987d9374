//! Faulty configurations: each with the line, the key and the sentence it leads to.

use secrecy::ExposeSecret;

use super::{ACCOUNT, DIGEST, Setting};
use crate::config::load;

const CALLER: &str = "[[caller]]
name = 'quiz'
account = 'main'
keys = ['sha256:DIGEST']
allow = ['scores:write']
";

const ISSUER: &str = "[[issuer]]
name = 'idp'
account = 'main'
issuer = 'https://idp.example.edu'
audiences = ['scoregate']
algorithms = ['ES256']
jwks = { url = 'https://idp.example.edu/jwks' }
allow = ['scores:write']
";

/// Each text has one fault, which leads to one problem with this beginning.
fn expect(table: &[(&str, &str)]) {
    for (text, expected) in table {
        let problems = Setting::new(text).problems();
        assert_eq!(problems.len(), 1, "{text}\n{problems:#?}");
        assert!(problems[0].starts_with(expected), "{text}\n{problems:#?}");
    }
}

/// The same, below an account without fault (5 lines) and whatever stands first.
fn expect_after(first: &str, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let whole = format!("{ACCOUNT}{first}{text}");
        let line = whole.lines().count() - text.lines().count();
        let (offset, rest) = expected.split_once(':').unwrap();
        let expected = format!("{}:{rest}", line + offset.parse::<usize>().unwrap());
        expect(&[(&whole, &expected)]);
    }
}

/// A good text with one replacement.
fn expect_changed(good: &str, table: &[(&str, &str, &str)]) {
    Setting::new(good).loaded();
    for (from, to, expected) in table {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        expect(&[(&changed, expected)]);
    }
}

#[test]
fn sections_of_the_gateway_itself() {
    expect_after(
        "",
        &[
            (
                "[server]\nlisten = 'localhost:80'\n",
                "2: server.listen: must be an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\" (given: `localhost:80`)",
            ),
            (
                "[server]\nlisten = 8080\n",
                "2: server.listen: must be a text in quotes, not a number (given: `8080`)",
            ),
            (
                "[server]\nlisten = '127.0.0.1:9901'\n",
                "2: server.listen: `server.listen` and `admin.listen` are one address",
            ),
            (
                "[server]\nworkers = -1\n",
                "2: server.workers: must be a whole number, 0 or more (given: `-1`)",
            ),
            (
                "[server]\nworkers = 1.5\n",
                "2: server.workers: must be a whole number, 0 or more, not a fraction (given: `1.5`)",
            ),
            (
                "[server]\nworkers = 2000\n",
                "2: server.workers: must be from 0 to 1024",
            ),
            (
                "[server]\nmax_in_flight = 0\n",
                "2: server.max_in_flight: must be from 1 to 1000000 (given: `0`)",
            ),
            (
                "[server]\nhead_timeout = 5\n",
                "2: server.head_timeout: must be a duration in quotes, such as \"2s\", not a number (given: `5`)",
            ),
            (
                "[server]\nhead_timeout = '5'\n",
                "2: server.head_timeout: must be a whole number and `ms`, `s`, `m`, `h` or `d`, from \"1ms\" to \"1h\" (given: `5`)",
            ),
            (
                "[server]\nhead_timeout = '0s'\n",
                "2: server.head_timeout: must be from \"1ms\" to \"1h\" (given: `0s`)",
            ),
            (
                "[server]\nrequest_deadline = '2h'\n",
                "2: server.request_deadline: must be from \"1ms\" to \"1h\"",
            ),
            (
                "[server]\nlog_level = 'x'\n",
                "2: server.log_level: is an unknown key",
            ),
            (
                "[server]\nlisten_on = 'x'\n",
                "2: server.listen_on: is an unknown key; did you mean `listen`?",
            ),
            (
                "[server]\ncolour = 'x'\n",
                "2: server.colour: is an unknown key; known here: `body_timeout`, ",
            ),
            (
                "[sever]\n",
                "1: sever: is an unknown key; did you mean `server`?",
            ),
            ("server = 5\n", "1: account[0].server: is an unknown key"),
            (
                "[admin]\nlisten = '0.0.0.0:9901'\n",
                "1: admin.token: is required, because",
            ),
            (
                "[log]\nformat = 'xml'\n",
                "2: log.format: must be one of `text`, `json` (given: `xml`)",
            ),
            (
                "[log]\naccess = 'yes'\n",
                "2: log.access: must be `true` or `false`, not a text (given: `yes`)",
            ),
            (
                "[log]\nid_key = { env = 'NOT_SET' }\n",
                "2: log.id_key.env: the environment variable `NOT_SET` is not set",
            ),
            (
                "[scores]\nunknown_members = 'keep'\n",
                "2: scores.unknown_members: must be one of `refuse`, `drop`",
            ),
            (
                "[ledger]\nurl = 'mysql:x.db'\n",
                "2: ledger.url: must be \"sqlite:PATH\", \"postgres://USER@HOST:PORT/DATABASE\" or \"none\"",
            ),
            (
                "[ledger]\nurl = 'sqlite:'\n",
                "2: ledger.url: must name a file, such as",
            ),
            (
                "[ledger]\nurl = 'postgres://user:canary@host:x/db'\n",
                "2: ledger.url: can't be read as postgres://USER[:PASSWORD]@HOST:PORT/DATABASE",
            ),
            (
                "[ledger]\nretention = '1h'\n",
                "2: ledger.retention: must be from \"1d\" to",
            ),
            (
                "[ledger]\nretention = '5y'\n",
                "2: ledger.retention: must be a whole number and `ms`, `s`, `m`, `h` or `d`, from \"1d\" to \"36500d\" (given: `5y`)",
            ),
            (
                "[ledger]\ndurability = 'often'\n",
                "2: ledger.durability: must be one of `batched`, `always`",
            ),
            (
                "[delivery]\nmode = 'store'\n",
                "2: delivery.mode: must be \"relay\": this version",
            ),
            (
                "[upstream]\nca_file = 'none.pem'\n",
                "2: upstream.ca_file: there is no such file (given: `none.pem`)",
            ),
        ],
    );
}

#[test]
fn accounts() {
    let problems = Setting::new("").problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("account: needs at least one `[[account]]`"),
        "{problems:?}"
    );
    expect_changed(
        ACCOUNT,
        &[
            ("name = 'main'", "", "1: account[0].name: is required"),
            (
                "'main'",
                "'a/b'",
                "2: account[0].name: must be 1 to 64 letters",
            ),
            (
                "'main'",
                "''",
                "2: account[0].name: must be 1 to 64 letters",
            ),
            (
                "url = 'https://your.ltiaas.com'",
                "",
                "1: account[0].url: is required",
            ),
            (
                "https://your.ltiaas.com",
                "ftp://x",
                "3: account[0].url: must be an https:// URL without path or query, such as \"https://your.ltiaas.com\" (given: `ftp://x`)",
            ),
            (
                "https://your.ltiaas.com",
                "https://x/api",
                "3: account[0].url: must be an https:// URL",
            ),
            (
                "https://your.ltiaas.com",
                "https://x?a",
                "3: account[0].url: must be an https:// URL",
            ),
            (
                "https://your.ltiaas.com",
                "https://x#a",
                "3: account[0].url: must be an https:// URL",
            ),
            (
                "https://your.ltiaas.com",
                "your.ltiaas.com",
                "3: account[0].url: must be an https:// URL",
            ),
            (
                "https://your.ltiaas.com",
                "http://your.ltiaas.com",
                "3: account[0].url: must be https://: over http:// the API key",
            ),
            (
                "https://your.ltiaas.com",
                "https://me:pass@x",
                "3: account[0].url: must be an https:// URL without path or query, such as \"https://your.ltiaas.com\" (given: `https://***@x`)",
            ),
            (
                "[{ env = 'API_KEY' }]",
                "[]",
                "4: account[0].api_keys: needs at least one key",
            ),
            (
                "[{ env = 'API_KEY' }]",
                "{ env = 'API_KEY' }",
                "4: account[0].api_keys: must be a list in `[ ]`, not a table",
            ),
            (
                "env = 'API_KEY'",
                "",
                "4: account[0].api_keys[0]: needs `env` or `file`",
            ),
            (
                "env = 'API_KEY'",
                "env = 'API_KEY', file = 'x'",
                "4: account[0].api_keys[0]: takes `env` or `file`, not both",
            ),
            (
                "'API_KEY'",
                "'NO_SUCH_KEY'",
                "4: account[0].api_keys[0].env: the environment variable `NO_SUCH_KEY` is not set",
            ),
            (
                "'API_KEY'",
                "'11111111-2222-4333-8444-555555555555'",
                "4: account[0].api_keys[0].env: is no name of an environment variable",
            ),
            (
                "env = 'API_KEY'",
                "file = 'no-such'",
                "4: account[0].api_keys[0].file: the file `no-such` can't be read: there is no such file",
            ),
            (
                "platforms = ['https://canvas.example.edu']",
                "",
                "1: account[0].platforms: needs the origins",
            ),
            (
                "['https://canvas.example.edu']",
                "[]",
                "5: account[0].platforms: needs the origins",
            ),
            (
                "'https://canvas.example.edu'",
                "'http://x', 'https://b.example'",
                "5: account[0].platforms[0]: must be an https origin",
            ),
            (
                "'https://canvas.example.edu'",
                "\n'https://x',\n'b'",
                "7: account[0].platforms[1]: must be an https origin",
            ),
        ],
    );
    expect_after(
        "",
        &[
            (
                "service_keys = [{ key = { env = 'API_KEY' } }]\n",
                "1: account[0].service_keys[0].line_items: needs at least one pattern",
            ),
            (
                "service_keys = [{ line_items = ['https://canvas.example.edu/**'] }]\n",
                "1: account[0].service_keys[0].key: is required",
            ),
            (
                "service_keys = [{ line_items = ['x'], key = { env = 'API_KEY' } }]\n",
                "1: account[0].service_keys[0].line_items[0]: is no pattern of line items: it must start with",
            ),
        ],
    );
    expect(&[(
        &format!("{ACCOUNT}{ACCOUNT}"),
        "7: account[1].name: is the name of an entry above already (given: `main`)",
    )]);
}

#[test]
fn callers() {
    let good = format!("{ACCOUNT}{CALLER}");
    expect_changed(
        &good,
        &[
            ("name = 'quiz'\n", "", "6: caller[0].name: is required"),
            ("account = 'main'", "", "6: caller[0].account: is required"),
            (
                "account = 'main'\n",
                "account = 'main'\nmax_in_flight = 0\n",
                "9: caller[0].max_in_flight: must be from 1 to 1000000 (given: `0`)",
            ),
            (
                "account = 'main'",
                "account = 'mian'",
                "8: caller[0].account: is no account; there is `main` (given: `mian`)",
            ),
            (
                "keys = ['sha256:DIGEST']",
                "",
                "6: caller[0].keys: needs at least one digest",
            ),
            (
                "sha256:DIGEST",
                "sha256:1234",
                "9: caller[0].keys[0]: must be `sha256:` and 64 hex digits in lower case",
            ),
            (
                "'sha256:DIGEST'",
                "{ digest = 'sha256:x' }",
                "9: caller[0].keys[0].digest: must be `sha256:`",
            ),
            (
                "'sha256:DIGEST'",
                "{ not_after = '2030-01-01T00:00:00Z' }",
                "9: caller[0].keys[0].digest: is required",
            ),
            (
                "'sha256:DIGEST'",
                "{ digest = 'sha256:DIGEST', not_after = 'soon' }",
                "9: caller[0].keys[0].not_after: must be an instant such as \"2027-01-31T00:00:00Z\" (given: `soon`)",
            ),
            (
                "'sha256:DIGEST'",
                "{ digest = 'sha256:DIGEST', note_after = 'soon' }",
                "9: caller[0].keys[0].note_after: is an unknown key; did you mean `not_after`?",
            ),
            (
                "sha256:DIGEST",
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "9: caller[0].keys[0]: is the digest of an empty text",
            ),
            (
                "'sha256:DIGEST'",
                "5",
                "9: caller[0].keys[0]: must be a digest, \"sha256:…\" or",
            ),
            (
                "scores:write",
                "scores:wriet",
                "10: caller[0].allow[0]: must be one of `scores:write`, `scores:read`",
            ),
            (
                "allow = ",
                "line_items = ['https://x/%zz']\nallow = ",
                "10: caller[0].line_items[0]: is no pattern of line items: it holds a malformed percent escape",
            ),
        ],
    );
    let twice = format!("{good}{}", CALLER.replace("quiz", "lab"));
    expect(&[(
        &twice,
        "14: caller[1].keys[0]: is a key of `caller[0]` already",
    )]);
    let again = "keys = ['sha256:DIGEST', { digest = 'sha256:DIGEST', not_after = '2090-01-01T00:00:00Z' }]";
    expect(&[(
        &good.replace("keys = ['sha256:DIGEST']", again),
        "9: caller[0].keys[1]: is the key of `keys[0]` already",
    )]);
    let namesake = format!(
        "{good}{}",
        CALLER.replace("DIGEST", &DIGEST[7..].replace('1', "2"))
    );
    expect(&[(
        &namesake,
        "12: caller[1].name: is the name of an entry above already",
    )]);
}

#[test]
fn issuers() {
    let good = format!("{ACCOUNT}{ISSUER}");
    expect_changed(
        &good,
        &[
            (
                "issuer = 'https://idp.example.edu'",
                "",
                "6: issuer[0].issuer: is required",
            ),
            (
                "audiences = ['scoregate']",
                "",
                "6: issuer[0].audiences: needs at least one audience",
            ),
            (
                "'scoregate'",
                "''",
                "10: issuer[0].audiences[0]: must not be empty",
            ),
            (
                "algorithms = ['ES256']",
                "",
                "6: issuer[0].algorithms: needs at least one algorithm",
            ),
            (
                "'ES256'",
                "'none'",
                "11: issuer[0].algorithms[0]: must be one of `ES256`",
            ),
            (
                "'ES256'",
                "'ES256', 'HS256'",
                "11: issuer[0].algorithms[1]: is for a shared `secret`",
            ),
            (
                "jwks = { url = 'https://idp.example.edu/jwks' }",
                "",
                "6: issuer[0].jwks: is required, or `secret`",
            ),
            (
                "url = 'https://idp.example.edu/jwks'",
                "",
                "12: issuer[0].jwks: needs `url` or `file`",
            ),
            (
                "'https://idp.example.edu/jwks' }",
                "'https://idp.example.edu/jwks', file = 'x' }",
                "12: issuer[0].jwks: takes `url` or `file`, not both",
            ),
            (
                "'https://idp.example.edu/jwks'",
                "'http://idp.example.edu/jwks'",
                "12: issuer[0].jwks.url: must be an https:// URL",
            ),
            (
                "url = 'https://idp.example.edu/jwks'",
                "file = 'none.json'",
                "12: issuer[0].jwks.file: there is no such file (given: `none.json`)",
            ),
            (
                "{ url = 'https://idp.example.edu/jwks' }",
                "'https://idp.example.edu/jwks'",
                "12: issuer[0].jwks: must be a table, ",
            ),
            (
                "jwks = { url = 'https://idp.example.edu/jwks' }",
                "secret = { env = 'LONG' }",
                "11: issuer[0].algorithms[0]: is for a key set",
            ),
            (
                "allow = ",
                "refresh = '10ms'\nallow = ",
                "13: issuer[0].refresh: must be from \"1s\" to \"1d\"",
            ),
            (
                "allow = ",
                "caller_claim = ''\nallow = ",
                "13: issuer[0].caller_claim: must not be empty",
            ),
            (
                "allow = ",
                "secret = { env = 'LONG' }\nallow = ",
                "13: issuer[0].secret: stands in the place of `jwks`",
            ),
        ],
    );
    let short = good.replace("['ES256']", "['HS256']").replace(
        "jwks = { url = 'https://idp.example.edu/jwks' }",
        "secret = { env = 'API_KEY' }",
    );
    expect(&[(
        &short,
        "12: issuer[0].secret: the secret must have 32 bytes or more",
    )]);
    let twice = format!("{good}{}", ISSUER.replace("'idp'", "'other'"));
    expect(&[(
        &twice,
        "17: issuer[1].issuer: has an audience in common with `issuer[0]`",
    )]);
}

#[test]
fn policies() {
    expect_after(
        &format!("{CALLER}{ISSUER}"),
        &[
            (
                "[[policy]]\nmaximum = { percent = 100 }\n",
                "1: policy[0].name: is required",
            ),
            (
                "[[policy]]\nname = 'a;b'\nmaximum = { percent = 100 }\n",
                "2: policy[0].name: must be 1 to 64",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { over = 'cap' }\n",
                "3: policy[0].maximum.percent: is required",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = -0.5 }\n",
                "3: policy[0].maximum.percent: must be 0 or more (given: `-0.5`)",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = '100' }\n",
                "3: policy[0].maximum.percent: must be a number, without quotes (given: `100`)",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = inf }\n",
                "3: policy[0].maximum.percent: must be a plain number",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 100, over = 'clip' }\n",
                "3: policy[0].maximum.over: must be one of `cap`, `refuse`, `allow`",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nhold_until = '2099-01-01T00:00:00Z'\n",
                "4: policy[0].hold_until: is an unknown key",
            ),
            (
                "[[policy]]\nname = 'p'\nopens = '2026-02-01T00:00:00Z'\ncloses = '2026-01-01T00:00:00Z'\n",
                "3: policy[0].opens: is after `closes`",
            ),
            (
                "[[policy]]\nname = 'p'\ndue = 'tomorrow'\n",
                "3: policy[0].due: must be an instant such as",
            ),
            (
                "[[policy]]\nname = 'p'\ndue = '2026-03-01T12:00:00'\n",
                "3: policy[0].due: lacks its offset: end it with `Z` (UTC) or one such as `+01:00` (given: `2026-03-01T12:00:00`)",
            ),
            (
                "[[policy]]\nname = 'p'\ncloses = 2026-03-01T12:00:00\n",
                "3: policy[0].closes: lacks its offset: end it with `Z` (UTC) or one such as `+01:00`",
            ),
            (
                "[[policy]]\nname = 'p'\nkeep = 'latest'\nunchanged = true\n",
                "4: policy[0].unchanged: must be one of `forward`, `skip`, in quotes (given: `true`)",
            ),
            (
                "[[policy]]\nname = 'p'\nround = { digits = 1.5 }\n",
                "3: policy[0].round.digits: must be a whole number, 0 or more, not a fraction (given: `1.5`)",
            ),
            (
                "[[policy]]\nname = 'p'\ndue = '2026-03-01T12:00:00Z'\ngrace = '90'\n",
                "4: policy[0].grace: must be a whole number and `s`, `m`, `h` or `d`, such as \"15m\" (given: `90`)",
            ),
            (
                "[[policy]]\nname = 'p'\ngrace = '500ms'\n",
                "3: policy[0].grace: must be in whole `s`, `m`, `h` or `d`",
            ),
            (
                "[[policy]]\nname = 'p'\nlate = { kind = 'flat' }\n",
                "3: policy[0].late.percent: is required",
            ),
            (
                "[[policy]]\nname = 'p'\nlate = { kind = 'ceiling', percent = 50, points = 3 }\n",
                "3: policy[0].late.points: is not for this `kind`",
            ),
            (
                "[[policy]]\nname = 'p'\nlate = { kind = 'steps', steps = [{ up_to = '2d', percent = 1 }, { up_to = '48h', percent = 2 }] }\n",
                "3: policy[0].late.steps[1].up_to: must be longer than in the row above",
            ),
            (
                "[[policy]]\nname = 'p'\nrescale = { to = 0 }\n",
                "3: policy[0].rescale.to: must be greater than 0",
            ),
            (
                "[[policy]]\nname = 'p'\nfill_maximum = 'lineitem'\n",
                "3: policy[0].fill_maximum: must be a number greater than 0, or \"line_item\"",
            ),
            (
                "[[policy]]\nname = 'p'\nunchanged = 'skip'\ntolerance = 5\n",
                "4: policy[0].tolerance: must be less than 1, the whole maximum; for 1 % write 0.01 (given: `5`)",
            ),
            (
                "[[policy]]\nname = 'p'\nunchanged = 'skip'\ntolerance = 1\n",
                "4: policy[0].tolerance: must be less than 1, the whole maximum; for 1 % write 0.01 (given: `1`)",
            ),
            (
                "[[policy]]\nname = 'p'\norder = ['late', 'late']\n",
                "3: policy[0].order[1]: stands in the order already",
            ),
            (
                "[[policy]]\nname = 'p'\nkeep = 'highest'\n[ledger]\nurl = 'none'\n",
                "3: policy[0].keep: needs a record of earlier submissions",
            ),
            (
                "[[policy]]\nname = 'p'\nlate = { kind = 'newly_earned', percent = 25 }\n[ledger]\nurl = 'none'\n",
                "3: policy[0].late: needs a record of earlier submissions",
            ),
            (
                "[[policy]]\nname = 'p'\nround = { digits = 29 }\n",
                "3: policy[0].round.digits: must be from 0 to 28",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nmatch = { when = 'score.scoreGiven / score.scoreMaximum * 100 > 60' }\n",
                "4: policy[0].match.when: is no condition: it can't be evaluated on any sample score",
            ),
            (
                "[[policy]]\nname = 'p'\nrequire = [{ when = 'has(score.comment) && foo(score.comment)', message = 'm' }]\n",
                "3: policy[0].require[0].when: is no condition: `foo()` does not exist; there are `has`, `size`, ",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 50 }\nmatch = { when = 'caller.name == \"quiz-app\" && score.percent * 2 > 10.0' }\n",
                "4: policy[0].match.when: is no condition: the part of it around line 1, column 48 can't be evaluated on any sample score: it mixes types",
            ),
            (
                "[[policy]]\nname = 'p'\nrequire = [{ when = 'score.precent > 1.0', message = 'm' }]\n",
                "3: policy[0].require[0].when: is no condition: `….precent` does not exist",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nmatch = { callers = ['qiuz'] }\n",
                "4: policy[0].match.callers[0]: is no caller",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nmatch = { callers = ['idp'] }\n",
                "4: policy[0].match.callers[0]: is an issuer",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nmatch = { callers = [] }\n",
                "4: policy[0].match.callers: must not be empty",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nmatch = { accounts = ['mian'] }\n",
                "4: policy[0].match.accounts[0]: is no account; there is `main`",
            ),
            (
                "[[policy]]\nname = 'p'\nmaximum = { percent = 1 }\nmatch = { line_items = ['x'] }\n",
                "4: policy[0].match.line_items[0]: is no pattern",
            ),
        ],
    );
}

#[test]
fn a_match_may_name_a_caller_of_an_issuer() {
    let policy = "[[policy]]\nname = 'p'\nmatch = { callers = ['idp/x', 'quiz'] }\nmaximum = { percent = 99.9 }\n";
    let loaded = Setting::new(&format!("{ACCOUNT}{CALLER}{ISSUER}{policy}")).loaded();
    assert_eq!(
        loaded.config.policies[0].matching.callers,
        ["idp/x", "quiz"]
    );
    assert_eq!(
        loaded
            .warnings
            .iter()
            .filter(|warning| warning.key.starts_with("policy"))
            .count(),
        0
    );
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let problems = Setting::new(
        "[server]
listen = 5
workers = 'x'
colour = 1
[[account]]
name = 'main'
url = 'ftp://x'
api_keys = [7, { env = 'NO_SUCH_KEY' }, 8]
platforms = ['x', 9, 'y']
[[caller]]
name = 'quiz'
account = 'nobody'
keys = ['x']
",
    )
    .problems();
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| {
            problem
                .splitn(3, ": ")
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        keys,
        [
            "2 server.listen",
            "3 server.workers",
            "4 server.colour",
            "7 account[0].url",
            "8 account[0].api_keys[0]",
            "8 account[0].api_keys[2]",
            "8 account[0].api_keys[1].env",
            "9 account[0].platforms[1]",
            "9 account[0].platforms[0]",
            "9 account[0].platforms[2]",
            "12 caller[0].account",
            "13 caller[0].keys[0]",
        ],
    );
}

#[test]
fn all_that_is_wrong_with_the_ledgers_place_is_said_at_once() {
    let ledger = "[ledger]\nurl = 'mysql:x.db'\npassword = { env = 'NOT_SET' }\nca_file = 'none.pem'\nretention = '1h'\n";
    let problems = Setting::new(&format!("{ACCOUNT}{ledger}")).problems();
    assert_eq!(problems.len(), 4, "{problems:?}");
    for (problem, key) in problems
        .iter()
        .zip(["url", "password", "ca_file", "retention"])
    {
        assert!(problem.contains(&format!("ledger.{key}")), "{problem}");
    }
}

#[test]
fn what_could_not_be_read_is_not_called_missing_too() {
    let text = ACCOUNT.replace("'main'", "5") + CALLER;
    expect(&[(&text, "2: account[0].name: must be a text in quotes")]);
    expect(&[("account = 5\n", "1: account: must be a list in `[ ]`")]);
}

#[test]
fn syntax_errors_name_their_lines() {
    let problems = Setting::new("[server]\nlisten = \n[[account]\nname = 'x'\n").problems();
    assert!(
        problems[0].starts_with("2: this is not TOML: "),
        "{problems:?}"
    );
    assert!(
        problems[1].starts_with("3: this is not TOML: "),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 2, "{problems:?}");
    expect(&[(
        "[log]\naccess = true\naccess = true\n",
        "3: this is not TOML: duplicate key: `access` stands on line 2 already; there may be one alone",
    )]);
    expect(&[(
        "[server]\nworkers = 1\n[log]\naccess = true\n[server]\nworkers = 2\n",
        "5: this is not TOML: duplicate key: `[server]` stands on line 1 already; there may be one alone",
    )]);
    // What may be a secret is not shown.
    for key in ["sgk_A1", "\"sgk\""] {
        let problems = Setting::new(&format!("{key} = 1\n{key} = 2\n")).problems();
        assert_eq!(problems, ["2: this is not TOML: duplicate key"]);
    }
}

#[test]
fn a_table_of_several_in_single_brackets_is_told_so() {
    for name in ["account", "caller", "issuer", "policy"] {
        let problems = Setting::new(&format!("[{name}]\nname = 'x'\n")).problems();
        let told = format!("1: {name}: there may be several: write `[[{name}]]`, not `[{name}]`");
        assert!(problems.contains(&told), "{problems:?}");
    }
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_a_problem() {
    let setting = Setting::new("").with_file("scoregate.toml", b"# fine\n\xFF\n");
    assert_eq!(setting.problems(), ["2: this line is not UTF-8"]);
    std::fs::remove_file(setting.file()).unwrap();
    assert!(setting.problems()[0].ends_with("the file can't be read: there is no such file"));
}

#[test]
fn a_certificate_is_tried_before_it_is_needed() {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let text =
        format!("{ACCOUNT}[server]\ntls = {{ cert_file = 'cert.pem', key_file = 'key.pem' }}\n");
    let setting = Setting::new(&text)
        .with_file("cert.pem", pair.cert.pem().as_bytes())
        .with_file("key.pem", pair.signing_key.serialize_pem().as_bytes());
    assert!(setting.loaded().config.server.tls.is_some());

    let setting = setting.with_file("key.pem", other.signing_key.serialize_pem().as_bytes());
    let problems = setting.problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with(
            "7: server.tls: the certificate and the private key can't be used together"
        ),
        "{problems:?}"
    );

    let bare = Setting::new(&text).problems();
    assert_eq!(bare.len(), 2, "{bare:?}");
    assert!(
        bare[1].starts_with("7: server.tls.key_file: there is no such file"),
        "{bare:?}"
    );

    // Each file that is faulty is named, in one go.
    let text = text.replace("cert_file", "client_ca_file = 'ca.pem', cert_file");
    let setting = Setting::new(&text)
        .with_file("cert.pem", b"none")
        .with_file("key.pem", b"none")
        .with_file("ca.pem", b"none");
    let problems = setting.problems();
    for (problem, (key, message)) in problems.iter().zip([
        ("cert_file", "cert.pem` holds no certificate"),
        ("key_file", "key.pem` holds no readable PEM private key"),
        ("client_ca_file", "ca.pem` holds no certificate"),
    ]) {
        assert!(
            problem.starts_with(&format!("7: server.tls.{key}: ")),
            "{problems:?}"
        );
        assert!(problem.contains(message), "{problems:?}");
    }
    assert_eq!(problems.len(), 3);
}

#[test]
fn a_private_key_that_is_encrypted_is_said_to_be() {
    let text =
        format!("{ACCOUNT}[server]\ntls = {{ cert_file = 'cert.pem', key_file = 'key.pem' }}\n");
    let certificate = rcgen::generate_simple_self_signed(vec!["here".to_owned()]).unwrap();
    for key in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIGb\n-----END EC PRIVATE KEY-----\n",
    ] {
        let setting = Setting::new(&text)
            .with_file("cert.pem", certificate.cert.pem().as_bytes())
            .with_file("key.pem", key.as_bytes());
        let problems = setting.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("holds a private key that is encrypted"),
            "{problems:?}"
        );
    }
}

/// A device has no end, and a pipe would be waited for.
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    for file in ["/dev/zero", "pipe", "."] {
        let account = ACCOUNT.replace("env = 'API_KEY'", &format!("file = '{file}'"));
        let text = format!(
            "{account}[server]\ntls = {{ cert_file = '{file}', key_file = '{file}', client_ca_file = '{file}' }}\n[upstream]\nca_file = '{file}'\n"
        );
        let setting = Setting::new(&text);
        make_pipe(&setting.folder.path().join("pipe"));
        let problems = setting.problems();
        assert_eq!(problems.len(), 5, "{problems:?}");
        for problem in problems {
            assert!(problem.contains("it is no regular file"), "{problem}");
        }
    }
}

#[test]
fn what_serves_reads_no_pipe_and_what_reads_once_does() {
    let setting = Setting::new("");
    std::fs::remove_file(setting.file()).unwrap();
    make_pipe(&setting.file());
    let problems = load(&setting.file()).unwrap_err();
    let problems = setting.lines(&problems.problems);
    assert!(
        problems[0].ends_with("the file can't be read: it is no regular file"),
        "{problems:?}"
    );
    let pipe = setting.file();
    let writing = std::thread::spawn(move || std::fs::write(pipe, ACCOUNT).unwrap());
    assert_eq!(setting.loaded().config.accounts.len(), 1);
    writing.join().unwrap();
}

/// As Kubernetes mounts a secret.
#[test]
fn a_link_to_a_regular_file_is_one() {
    let account = ACCOUNT.replace("env = 'API_KEY'", "file = 'link'");
    let setting = Setting::new(&account).with_file("key", b"from-a-file");
    std::os::unix::fs::symlink("key", setting.folder.path().join("link")).unwrap();
    let keys = &setting.loaded().config.accounts[0].api_keys;
    assert_eq!(keys[0].expose_secret(), "from-a-file");
}

fn make_pipe(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_file_of_faults_is_read_in_bounded_time() {
    let keys: String = (0..20_000).map(|key| format!("k{key} = 1\n")).collect();
    let problems = Setting::new(&format!("{keys}{ACCOUNT}")).problems();
    assert_eq!(problems.len(), 20_000);
    let list = "1,".repeat(200_000);
    let text = format!("{ACCOUNT}[[caller]]\nallow = [{list}]\n");
    let problems = Setting::new(&text).problems();
    assert_eq!(problems.len(), 1_001);
    let more = "there are more problems than these: mend them first";
    assert!(problems[1_000].ends_with(more), "{}", problems[1_000]);
}

/// serde's derived readers would take its entries as the members, in the order of the source.
#[test]
fn a_list_is_no_table() {
    for (text, expected) in [
        (
            "log = ['json']",
            "1: log: must be a table, `[log]`, not a list",
        ),
        (
            "policy = [['a']]",
            "1: policy[0]: must be a table, `[[policy]]`, not a list",
        ),
    ] {
        expect(&[(&format!("{text}\n{ACCOUNT}"), expected)]);
    }
    expect_after(
        "[[policy]]\nname = 'a'\n",
        &[
            (
                "maximum = [80]\n",
                "1: policy[0].maximum: must be a table, `{ percent = 100, over = \"cap\" }`, not a list",
            ),
            (
                "require = [['true', 'm']]\n",
                "1: policy[0].require[0]: must be a table, `{ when = \"…\", message = \"…\" }`, not a list",
            ),
        ],
    );
}

#[test]
fn a_text_without_quotes_is_told_so() {
    for value in ["127.0.0.1:8080", "127.0.0.1"] {
        let problems = Setting::new(&format!("[server]\nlisten = {value}\n")).problems();
        assert!(
            problems[0].starts_with("2: this is not TOML: invalid float")
                && problems[0].ends_with("a text stands in quotes, such as \"127.0.0.1:8080\""),
            "{problems:?}"
        );
    }
}
