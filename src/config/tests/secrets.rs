//! Secrets: where they come from, and that no message repeats them.

use secrecy::ExposeSecret;
use serde_json::Value;

use super::{ACCOUNT, DIGEST, Setting};

const SECRET: &str = "s3cr3t-Zq81kTw0pLm29Xy47";
const KEY: &str = "sgk_s3cr3tZq81kTw0pLm29Xy47s3cr3tZq81kTw0pLm29Xy47abc";

#[test]
fn a_secret_comes_from_a_variable_or_a_file_without_its_newline() {
    let text = ACCOUNT.replace(
        "{ env = 'API_KEY' }",
        "{ env = 'API_KEY' }, { file = 'key' }, { file = 'dos' }",
    );
    let loaded = Setting::new(&text)
        .with_file("key", b"from-a-file\n")
        .with_file("dos", b"from-dos\r\n")
        .loaded();
    let keys = loaded.config.accounts[0].api_keys.iter();
    let keys: Vec<_> = keys.map(|key| key.expose_secret()).collect();
    assert_eq!(keys, ["the-api-key", "from-a-file", "from-dos"]);
}

#[test]
fn a_secret_that_no_header_can_carry_is_refused() {
    let text = ACCOUNT.replace("env = 'API_KEY'", "file = 'key'");
    for (bytes, expected) in [
        (&b""[..], "the secret is empty"),
        (b"\r\n\n", "the secret is empty"),
        (
            b"two words",
            "holds spaces, line breaks or characters that no header can carry",
        ),
        (
            b"two\nlines\n",
            "holds spaces, line breaks or characters that no header can carry",
        ),
        (
            b"\xC3\xA9",
            "holds spaces, line breaks or characters that no header can carry",
        ),
        (
            b"\xFF",
            "holds spaces, line breaks or characters that no header can carry",
        ),
        (b"a:b", "holds a `:`, which no API key of LTIAAS does"),
        (
            &[b'x'; 70_000],
            "the file `key` can't be read: file too large",
        ),
    ] {
        let problems = Setting::new(&text).with_file("key", bytes).problems();
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].starts_with("4: account[0].api_keys[0]"),
            "{problems:?}"
        );
        assert!(problems[0].ends_with(expected), "{problems:?}");
    }
}

#[test]
fn no_message_repeats_what_stands_where_a_secret_or_digest_belongs() {
    let caller =
        format!("{ACCOUNT}[[caller]]\nname = 'quiz'\naccount = 'main'\nallow = []\nkeys = ");
    let admin = format!("{ACCOUNT}[admin]\ntoken = ");
    let issuer = format!("{ACCOUNT}[[issuer]]\nname = 'idp'\naccount = 'main'\nsecret = ");
    for text in [
        ACCOUNT.replace("{ env = 'API_KEY' }", &format!("'{SECRET}'")),
        ACCOUNT.replace("[{ env = 'API_KEY' }]", &format!("'{SECRET}'")),
        ACCOUNT.replace("'API_KEY'", &format!("'{SECRET}'")),
        ACCOUNT.replace("env = 'API_KEY'", &format!("file = '{SECRET}'")),
        ACCOUNT.replace("env = 'API_KEY'", &format!("value = '{SECRET}'")),
        ACCOUNT.replace("env = 'API_KEY'", &format!("\"{SECRET}\" = 'env'")),
        ACCOUNT.replace("env = 'API_KEY'", &format!("env = ['{SECRET}']")),
        ACCOUNT
            .replace("api_keys", "api_key")
            .replace("[{ env = 'API_KEY' }]", &format!("'{SECRET}'")),
        ACCOUNT.replace("[{ env = 'API_KEY' }]", &format!("['{SECRET}")),
        ACCOUNT.replace("[{ env = 'API_KEY' }]", SECRET),
        ACCOUNT.replace("name = 'main'", &format!("name = 'main' {SECRET}")),
        ACCOUNT.replace("https://your", &format!("https://user:{SECRET}@your")),
        format!("{ACCOUNT}service_keys = ['{SECRET}']\n"),
        format!("{ACCOUNT}service_keys = '{SECRET}'\n"),
        format!("{ACCOUNT}service_keys = [{{ line_items = ['x'], key = '{SECRET}' }}]\n"),
        format!("{admin}'{SECRET}'\n"),
        format!("{admin}{{ env = '{SECRET}' }}\n"),
        format!("{issuer}'{SECRET}'\n"),
        format!("{caller}['{KEY}']\n"),
        format!("{caller}'{KEY}'\n"),
        format!("{caller}['{SECRET}']\n"),
        format!("{caller}[{{ digest = '{SECRET}' }}]\n"),
        format!("{caller}[{{ digest = '{KEY}', not_after = '{KEY}' }}]\n"),
        format!("{caller}[{{ {KEY} = 1 }}]\n"),
        format!("{caller}['sha256:DIGEST', 'sha256:DIGEST-{SECRET}']\n"),
        format!("{ACCOUNT}[[caller]]\nname = '{KEY}/'\n"),
        format!("{ACCOUNT}[[caller]]\n{KEY} = 'quiz'\n"),
        format!(
            "{ACCOUNT}[server]\ntls = {{ cert_file = '-----BEGIN {SECRET}', key_file = '-----BEGIN {SECRET}' }}\n"
        ),
        format!("{ACCOUNT}[upstream]\nca_file = '-----BEGIN {SECRET}'\n"),
    ] {
        let setting = Setting::new(&text);
        let Err(problems) = setting.load() else {
            panic!("loaded:\n{text}");
        };
        let said = format!("{problems} {problems:?} {:?}", problems.warnings);
        for part in [SECRET, &SECRET[..8], KEY, DIGEST, &DIGEST[7..]] {
            assert!(!said.contains(part), "{text}\n{said}");
        }
    }
}

#[test]
fn no_message_repeats_a_secret_from_its_right_place() {
    let text = ACCOUNT.to_owned() + "[admin]\ntoken = { file = 'token' }\n";
    let problems = Setting::new(&text)
        .with_variable("API_KEY", &format!("{SECRET} "))
        .with_file("token", format!("{SECRET}\t").as_bytes())
        .problems();
    assert_eq!(problems.len(), 2);
    assert!(!problems.concat().contains(&SECRET[..8]));
}

#[test]
fn an_override_with_a_literal_secret_is_refused_without_repeating_it() {
    for variable in [
        "SCOREGATE__ADMIN__TOKEN",
        "SCOREGATE__ACCOUNT__0__API_KEYS",
        "SCOREGATE__ACCOUNT__0__API_KEYS__0",
        "SCOREGATE__API_KEY",
    ] {
        let problems = Setting::new(ACCOUNT)
            .with_variable(variable, SECRET)
            .problems();
        assert!(!problems.is_empty());
        assert!(
            problems.iter().all(|problem| problem.starts_with(variable)),
            "{problems:?}"
        );
        assert!(!problems.concat().contains(&SECRET[..8]), "{problems:?}");
    }
}

#[test]
fn the_view_and_the_debug_output_mask_secrets_and_digests() {
    let loaded = Setting::new(&format!(
        "{ACCOUNT}service_keys = [{{ line_items = ['https://canvas.example.edu/**'], key = {{ env = 'API_KEY' }} }}]
[admin]\ntoken = {{ file = 'token' }}
[[caller]]\nname = 'quiz'\naccount = 'main'\nallow = ['scores:write']\nkeys = ['sha256:DIGEST']
[[policy]]\nname = 'p'\nmaximum = {{ percent = 99.5 }}\n"
    ))
    .with_file("token", b"a-token-of-the-admin")
    .loaded();
    let view = loaded.view.to_string();
    let said = format!("{view} {:?}", loaded.config);
    for secret in [
        "the-api-key",
        "API_KEY",
        "a-token-of",
        &DIGEST[7..20],
        "17, 17",
    ] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    assert_eq!(loaded.view["account"][0]["api_keys"][0], "***");
    assert_eq!(loaded.view["caller"][0]["keys"][0]["digest"], "sha256:***");
    assert_eq!(loaded.view["server"]["listen"], "127.0.0.1:8080");
    assert_eq!(loaded.view["policy"][0]["maximum"]["percent"], 99.5);
}

/// Every key whose value is a secret's place: `{ env }` or `{ file }`.
fn places_of_secrets(schema: &Value, name: &str, found: &mut Vec<String>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_place = properties.is_some_and(|properties| {
        properties.len() == 2 && properties.contains_key("env") && properties.contains_key("file")
    });
    if is_place {
        found.push(name.to_owned());
        return;
    }
    for (key, property) in properties.into_iter().flatten() {
        places_of_secrets(property, key, found);
    }
    let parts = ["items", "anyOf"]
        .into_iter()
        .filter_map(|part| schema.get(part));
    for part in parts {
        let list = part
            .as_array()
            .map_or(std::slice::from_ref(part), Vec::as_slice);
        list.iter()
            .for_each(|one| places_of_secrets(one, name, found));
    }
}

#[test]
fn no_value_at_the_place_of_a_secret_is_ever_repeated() {
    let mut found = Vec::new();
    places_of_secrets(&super::super::json_schema(), "", &mut found);
    assert!(found.len() >= 4, "{found:?}");
    for name in found {
        let path = super::super::path::KeyPath::default().key(&name).key("env");
        assert!(path.is_secret(), "{name}");
    }
}
