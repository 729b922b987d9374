//! `[traces]`, with the feature that it needs and without.

use super::{ACCOUNT, Setting};

fn with_url(url: &str) -> Setting {
    Setting::new(&format!("[traces]\nurl = '{url}'\n{ACCOUNT}"))
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_build_that_exports_nothing_says_so() {
    let problems = with_url("http://127.0.0.1:4318/v1/traces").problems();
    let expected = "2: traces.url: can't be used: this build exports no traces";
    assert!(problems[0].starts_with(expected), "{problems:?}");
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_has_a_url_and_one_on_another_machine_should_speak_tls() {
    for url in ["127.0.0.1:4318", "ftp://x/y", "/v1/traces", "http://"] {
        let problems = with_url(url).problems();
        assert!(
            problems[0].starts_with("2: traces.url: must be an `https://`"),
            "{problems:?}"
        );
    }
    let warned = |url: &str| {
        let warnings = with_url(url).warnings();
        warnings
            .iter()
            .any(|warning| warning.contains("traces.url: is plain HTTP"))
    };
    assert!(warned("http://collector.example/v1/traces"));
    assert!(!warned("http://127.0.0.1:4318/v1/traces"));
    assert!(!warned("https://collector.example/v1/traces"));
}

#[test]
fn a_share_is_of_a_hundred() {
    let problems = Setting::new(&format!("[traces]\nsample_percent = 101\n{ACCOUNT}")).problems();
    assert!(
        problems[0].starts_with("2: traces.sample_percent: must be from 0 to 100"),
        "{problems:?}"
    );
}
