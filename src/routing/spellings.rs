//! Targets that have been read, by their exact bytes: a class of learners submits to one line item
//! again and again. What is new is read by the one reader; nothing here interprets a byte
//! (docs/decisions/0003).

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Method, Uri, Version};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::target::{TargetFault, check_form, read_target};
use super::{Operation, Target};

/// Targets expected at once, and what they may take up, in bytes.
const EXPECTED: usize = 1_000;
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// A longer spelling, in bytes, is read each time.
const LONGEST: usize = 1_024;

/// Submissions alone: other targets are rare, and hold learner ids in their queries. Strangers can
/// fill it, since a target is read before its caller is known; one request a spelling displaces
/// none that is in use.
pub struct Spellings(Cache<Box<str>, Arc<Target>, ByLength>);

#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Arc<Target>> for ByLength {
    /// The spelling, the id's text and normal form, and what is sent, beside the structs.
    fn weight(&self, spelling: &Box<str>, _: &Arc<Target>) -> u64 {
        4 * spelling.len() as u64 + 256
    }
}

impl Default for Spellings {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, MOST_BYTES, ByLength))
    }
}

impl Spellings {
    /// What `read_target` makes of a request.
    pub fn read(
        &self,
        method: &Method,
        uri: &Uri,
        version: Version,
    ) -> Result<Arc<Target>, TargetFault> {
        check_form(uri, version)?;
        let spelling = uri.path_and_query().map_or("", PathAndQuery::as_str);
        if *method == Method::POST
            && let Some(target) = self.0.get(spelling)
        {
            return Ok(target);
        }
        let target = Arc::new(read_target(method, uri, version)?);
        if target.operation == Operation::SubmitScore && spelling.len() <= LONGEST {
            self.0.insert(spelling.into(), target.clone());
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "/api/lineitems/https%3A%2F%2Fx.edu%2F1";

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    /// Whatever was read before, by whichever method and protocol.
    #[test]
    fn what_is_remembered_is_what_is_read() {
        let spellings = Spellings::default();
        let targets = [
            format!("{ITEM}/scores"),
            format!("{ITEM}/scores?"),
            format!("{ITEM}/scores?userId=2"),
            format!("/{ITEM}/SCORES/"),
            format!("https://x.edu{ITEM}/scores"),
            format!("{ITEM}%2Fscores"),
            ITEM.to_owned(),
            "/api/idtoken".to_owned(),
            "*".to_owned(),
        ];
        let methods = [Method::POST, Method::GET, Method::PUT, Method::HEAD];
        for _ in ["fresh", "remembered"] {
            for target in targets.iter().map(|target| uri(target)) {
                for method in &methods {
                    for version in [Version::HTTP_11, Version::HTTP_2] {
                        let read = read_target(method, &target, version);
                        let remembered = spellings.read(method, &target, version);
                        assert_eq!(
                            format!("{read:?}"),
                            format!("{:?}", remembered),
                            "{method} {target} {version:?}"
                        );
                    }
                }
            }
        }
        assert_eq!(spellings.0.len(), 4, "every spelling of a submission");
    }

    #[test]
    fn is_bounded_and_keeps_what_is_in_use() {
        let spellings = Spellings::default();
        let used = uri(&format!("{ITEM}/scores"));
        let read = |uri: &Uri| {
            spellings
                .read(&Method::POST, uri, Version::HTTP_11)
                .unwrap()
        };
        let first = read(&used);
        for stranger in 0..20_000 {
            read(&uri(&format!("{ITEM}/{stranger}/scores")));
            assert!(Arc::ptr_eq(&first, &read(&used)), "after {stranger}");
        }
        assert!(spellings.0.weight() <= MOST_BYTES);
        read(&uri(&format!("{ITEM}/{}/scores", "x".repeat(LONGEST))));
        assert!(spellings.0.len() < 20_000);
    }
}
