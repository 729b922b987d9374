//! Whatever the file holds, loading it ends in a configuration or in problems with their places.

use proptest::prelude::*;

use super::Setting;

const SHIPPED: &str = include_str!("../../../config/examples/several.toml");

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_never_panics(
        from in 0..SHIPPED.len(),
        length in 0..200_usize,
        with in "[a-z\\[\\]{}='\".0-9\n é]{0,20}",
    ) {
        let head: String = SHIPPED.chars().take(from).collect();
        let tail: String = SHIPPED.chars().skip(from + length).collect();
        if let Err(problems) = Setting::new(&format!("{head}{with}{tail}")).load() {
            prop_assert!(!problems.problems.is_empty());
        }
    }
}

#[test]
fn deep_nesting_is_a_problem_not_a_crash() {
    for text in [
        format!("x = {}", "[".repeat(100_000)),
        format!("x = {}", "{ a = ".repeat(100_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
    ] {
        assert!(!Setting::new(&text).problems().is_empty());
    }
}
