//! Reasons for a comment, which is a small box in a grade book: each in short.

use super::Act;

impl Act {
    /// The reason for a comment: without its second half.
    pub fn in_short(&self) -> String {
        let first = self.reason.split_once(", which ");
        first.map_or(self.reason.clone(), |(first, _)| format!("{first}."))
    }
}
