//! `comment`: the comment as it leaves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::findings::At;
use crate::config::range;
use crate::config::words::words;
use crate::policy::{Comment, Html};

/// The comment as it leaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `{ html = \"strip\" }`")]
#[schemars(deny_unknown_fields)]
pub struct CommentSection {
    /// `strip` takes tags out and leaves their text, `keep` leaves both, `refuse` answers
    /// POLICY_REFUSED.
    pub html: HtmlText,
    /// The most characters it may have, after `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<u64>,
    /// Appends one sentence for each rule that acted.
    pub explain: bool,
}

words! {
    #[derive(Default)]
    HtmlText is Html { #[default] Strip, Keep, Refuse }
}

impl CommentSection {
    pub(super) fn check(&self, at: &At<'_>) -> Option<Comment> {
        let max_chars = at.optional("max_chars", &self.max_chars, |most, at| {
            range::check(at, *most, 1..=65_536)
        });
        Some(Comment {
            html: self.html.into(),
            max_chars: max_chars?,
            explain: self.explain,
        })
    }
}
