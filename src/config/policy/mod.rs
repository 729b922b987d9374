//! `[[policy]]`: rules for the scores they match. One file for each of its tables.

mod comment;
mod contradictions;
mod idle;
mod late;
mod limits;
mod looking_back;
mod matching;
mod merged;
mod number;
mod rescale;
mod settings;
mod window;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::DurationText;
use super::findings::At;
use super::name;
use super::number::Number;
use super::policy_names::Names;
use crate::policy::{Keys, Match, Mode, Order, Policy};

pub use comment::CommentSection;
pub use late::LateSection;
pub use limits::{MaximumSection, PercentSection};
pub(super) use looking_back::warn as warn_of_looking_back;
pub use matching::MatchSection;
pub(super) use merged::warn as warn_of_merged;
pub use rescale::{RescaleSection, TargetText};
pub use settings::{AttemptsSection, RequireSection, RoundSection};
pub use window::ExtensionSection;
pub use words::{
    KeepText, ModeText, OverrideText, ProtectionText, StaleText, StepText, UnchangedText,
};

/// Rules for the scores they match. All policies that match a score are merged key by key, in the
/// order of the file; a later one wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "a table, `[[policy]]`")]
#[schemars(deny_unknown_fields)]
pub struct PolicySection {
    /// What refusals and explanations call it.
    #[schemars(required)]
    pub name: Option<String>,
    /// `enforce`, or `report`: judge and record what would have happened, and change nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeText>,
    /// The scores it is for. Without it, all.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<MatchSection>,
    /// The order of the rules. One that is left out follows the one it follows by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<StepText>>,
    /// The `scoreMaximum` of a score that comes without one: a number, or `"line_item"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill_maximum: Option<TargetText>,
    /// Puts the score on another scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescale: Option<RescaleSection>,
    /// Submissions before it are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<String>,
    /// When a submission begins to be late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How late still counts as on time: whole `s`, `m`, `h` or `d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<DurationText>,
    /// Submissions after it are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<String>,
    /// Another `due` for some learners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<ExtensionSection>>,
    /// What being late costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<LateSection>,
    /// The least a score may be, as a share of its maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<PercentSection>,
    /// The most a score may be, as a share of its maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<MaximumSection>,
    /// Full marks from this share of the maximum, else none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<PercentSection>,
    /// How many digits a score keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<RoundSection>,
    /// Which attempt stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<KeepText>,
    /// How many attempts count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<AttemptsSection>,
    /// A score without `scoreGiven` on a cell that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear: Option<ProtectionText>,
    /// A score that is not FullyGraded on a cell that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_final: Option<ProtectionText>,
    /// A score with an older `timestamp` than the cell's newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<StaleText>,
    /// A score that changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<UnchangedText>,
    /// How near two shares of the maximum count as equal: less than 1, the whole maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Number>,
    /// The comment as it leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentSection>,
    /// What must hold for a score to be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Vec<RequireSection>>,
    /// Who wins where a person has edited what the LMS shows.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overriding: Option<OverrideText>,
}

impl PolicySection {
    /// `records` says whether there is a ledger, which some keys need.
    pub(super) fn check(&self, at: &At<'_>, names: &Names<'_>, records: bool) -> Option<Policy> {
        let name = name::check(at, &self.name);
        let matching = at.optional("match", &self.matching, |match_, at| {
            match_.check(at, names)
        });
        let keys = self.check_keys(at);
        if let Some(keys) = &keys {
            contradictions::check(at, keys, records)?;
        }
        Some(Policy {
            name: name?.into(),
            mode: self.mode.map_or(Mode::Enforce, Into::into),
            matching: matching?.unwrap_or_else(Match::default),
            keys: keys?,
        })
    }

    fn check_keys(&self, at: &At<'_>) -> Option<Keys> {
        // All are checked before any fault ends it.
        let order = at.optional("order", &self.order, |order, at| check_order(order, at));
        let fill_maximum = at.optional("fill_maximum", &self.fill_maximum, TargetText::check);
        let rescale = at.optional("rescale", &self.rescale, RescaleSection::check);
        let opens = at.optional("opens", &self.opens, |text, at| window::instant(text, at));
        let due = at.optional("due", &self.due, |text, at| window::instant(text, at));
        let grace = at.optional("grace", &self.grace, window::span);
        let closes = at.optional("closes", &self.closes, |text, at| window::instant(text, at));
        let extensions = at.optional("extensions", &self.extensions, |list, at| {
            window::extensions(list, at)
        });
        let late = at.optional("late", &self.late, LateSection::check);
        let minimum = at.optional("minimum", &self.minimum, PercentSection::minimum);
        let maximum = at.optional("maximum", &self.maximum, MaximumSection::check);
        let pass = at.optional("pass", &self.pass, PercentSection::pass);
        let round = at.optional("round", &self.round, RoundSection::check);
        let attempts = at.optional("attempts", &self.attempts, AttemptsSection::check);
        let tolerance = at.optional("tolerance", &self.tolerance, number::nearness);
        let comment = at.optional("comment", &self.comment, CommentSection::check);
        let require = at.optional("require", &self.require, |list, at| {
            settings::requirements(list, at)
        });
        Some(Keys {
            order: order?,
            fill_maximum: fill_maximum?,
            rescale: rescale?,
            opens: opens?,
            due: due?,
            grace: grace?,
            closes: closes?,
            extensions: extensions?,
            late: late?,
            minimum: minimum?,
            maximum: maximum?,
            pass: pass?,
            round: round?,
            keep: self.keep.map(Into::into),
            attempts: attempts?,
            clear: self.clear.map(Into::into),
            not_final: self.not_final.map(Into::into),
            stale: self.stale.map(Into::into),
            unchanged: self.unchanged.map(Into::into),
            tolerance: tolerance?,
            comment: comment?,
            require: require?,
            overriding: self.overriding.map(Into::into),
        })
    }
}

fn check_order(order: &[StepText], at: &At<'_>) -> Option<Order> {
    for (index, step) in order.iter().enumerate() {
        if order.iter().take(index).any(|before| before == step) {
            return at.index(index).problem("stands in the order already");
        }
    }
    let steps: Vec<_> = order.iter().map(|step| (*step).into()).collect();
    Some(Order::complete(&steps))
}
