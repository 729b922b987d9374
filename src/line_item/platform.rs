//! Where an account's line items may live: an origin, with a path prefix where several schools
//! share a host, or anywhere.

use thiserror::Error;

use super::{LineItem, Pattern};

/// One entry of an account's `platforms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    /// A normalized origin and path, without a slash at its end.
    Beneath(String),
}

/// Why a text can't be a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it must be an https origin, with a path prefix at most, or `*`")]
pub struct BadPlatform;

impl Platform {
    pub fn parse(text: &str) -> Result<Self, BadPlatform> {
        if text == "*" {
            return Ok(Self(Place::Anywhere));
        }
        let item = LineItem::parse(text).map_err(|_| BadPlatform)?;
        match item.normalized().contains('?') {
            true => Err(BadPlatform),
            false => Ok(Self(Place::Beneath(
                item.normalized().trim_end_matches('/').to_owned(),
            ))),
        }
    }

    /// Whether it lets in every host there is.
    pub fn is_anywhere(&self) -> bool {
        self.0 == Place::Anywhere
    }

    /// Whether a pattern may match some of the items that it covers.
    pub fn may_hold(&self, pattern: &Pattern) -> bool {
        let beginning = pattern.literal_beginning();
        match &self.0 {
            Place::Anywhere => true,
            Place::Beneath(prefix) => {
                beginning.starts_with(prefix) || prefix.starts_with(beginning)
            }
        }
    }

    pub fn covers(&self, item: &LineItem) -> bool {
        match &self.0 {
            Place::Anywhere => true,
            Place::Beneath(prefix) => item
                .normalized()
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(platform: &str, item: &str) -> bool {
        Platform::parse(platform)
            .unwrap()
            .covers(&LineItem::parse(item).unwrap())
    }

    #[test]
    fn covers_its_own_origin_and_nothing_that_merely_looks_like_it() {
        assert!(covers(
            "https://lms.example.edu",
            "https://LMS.example.edu:443/li/1"
        ));
        assert!(covers(
            "https://lms.example.edu/",
            "https://lms.example.edu/li/1"
        ));
        assert!(!covers(
            "https://lms.example.edu",
            "https://lms.example.edu.evil.example/li/1"
        ));
        assert!(!covers(
            "https://lms.example.edu",
            "https://lms.example.edu:8443/li/1"
        ));
    }

    #[test]
    fn a_path_prefix_ends_at_a_segment() {
        assert!(covers(
            "https://shared.example/school-a",
            "https://shared.example/school-a/li/1"
        ));
        assert!(!covers(
            "https://shared.example/school-a",
            "https://shared.example/school-ab/li/1"
        ));
        assert!(!covers(
            "https://shared.example/a",
            "https://shared.example/A/li/1"
        ));
    }

    #[test]
    fn anywhere_is_said_with_a_star() {
        assert!(covers("*", "https://any.example/li/1"));
        assert_eq!(Platform::parse("http://x.example"), Err(BadPlatform));
        assert_eq!(Platform::parse("https://x.example/a?b"), Err(BadPlatform));
    }
}
