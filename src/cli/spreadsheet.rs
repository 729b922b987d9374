//! Cells of CSV that no spreadsheet runs.

use std::borrow::Cow;

/// A spreadsheet runs what begins like a formula; a learner chooses their id.
pub fn inert<'a>(cell: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let cell = cell.into();
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{cell}").into(),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_spreadsheet_would_run_is_quoted() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(inert(formula), format!("'{formula}"));
        }
        for plain in ["", "83.5", "a=b", "u=1", "https://x"] {
            assert_eq!(inert(plain), plain);
        }
    }
}
