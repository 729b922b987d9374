//! Key sets in files, which `check` reads as `run` does.

use super::{ACCOUNT, Setting};

const P256: &str = r#"{"kty":"EC","crv":"P-256","kid":"a","use":"sig",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fn setting(set: &[u8]) -> Setting {
    let issuer = "[[issuer]]
name = 'idp'
account = 'main'
issuer = 'https://idp.example.edu'
audiences = ['scoregate']
algorithms = ['ES256', 'RS256']
jwks = { file = 'keys.json' }
allow = ['scores:write']
line_items = ['https://canvas.example.edu/courses/101/**']
";
    Setting::new(&format!("{ACCOUNT}{issuer}")).with_file("keys.json", set)
}

fn key_set(keys: &str) -> Vec<u8> {
    format!("{{\"keys\":[{keys}]}}").into_bytes()
}

#[test]
fn one_without_a_key_for_the_issuers_algorithms_is_warned_of() {
    for keys in [
        String::new(),
        "{}".to_owned(),
        r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
        P256.replace("P-256", "P-384"),
        P256.replace("\"sig\"", "\"enc\""),
        P256.replace("\"EC\"", "\"RSA\""),
        P256.replacen('{', "{\"alg\":\"ES384\",", 1),
    ] {
        let warnings = setting(&key_set(&keys)).warnings();
        let expected = "12: issuer[0].jwks.file: holds no key that serves one of `algorithms`, so every token is refused (given: `keys.json`)";
        assert_eq!(warnings, [expected], "{keys}");
    }
    for keys in [P256.to_owned(), format!("{{}},{P256}")] {
        assert_eq!(setting(&key_set(&keys)).warnings(), Vec::<String>::new());
    }
}

#[test]
fn what_is_no_key_set_is_a_problem() {
    let long = vec![b' '; 1024 * 1024 + 1];
    for (bytes, expected) in [
        (&b""[..], "holds no key set"),
        (b"[]", "holds no key set"),
        (b"{\"keys\":{}}", "holds no key set"),
        (b"{\"keys\":[]", "holds no key set"),
        (b"-----BEGIN PUBLIC KEY-----\n", "holds no key set"),
        (&long, "file too large"),
    ] {
        let problems = setting(bytes).problems();
        let expected = format!("12: issuer[0].jwks.file: {expected}");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(&expected), "{problems:?}");
    }
}
