//! Numbers of things, for people: `1 cell`, `2 entries`.

use std::fmt;

/// A number of things, in words.
pub struct Count<N>(pub N, pub &'static str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Count<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, name) = self;
        let stem = name.strip_suffix('y');
        match (
            *number == N::from(1),
            stem.filter(|stem| !stem.ends_with('a')),
        ) {
            (true, _) => write!(f, "{number} {name}"),
            (false, Some(stem)) => write!(f, "{number} {stem}ies"),
            (false, None) => write!(f, "{number} {name}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let told = |number| ["cell", "entry", "day"].map(|name| Count(number, name).to_string());
        assert_eq!(told(0), ["0 cells", "0 entries", "0 days"]);
        assert_eq!(told(1), ["1 cell", "1 entry", "1 day"]);
        assert_eq!(told(2), ["2 cells", "2 entries", "2 days"]);
    }
}
