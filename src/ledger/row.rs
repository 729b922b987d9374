//! An entry as the database has it: what is plain, what is sealed, and its place in the chain.

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::Timestamp;

use super::chain::Hash;
use super::content::{Content, read_points};
use super::database::{Cursor, Input, Insert};
use super::draft::Draft;
use super::entry::{Acted, BodyDigest, Entry, Kept, Learner};
use super::fault::Fault;
use super::json::Json;
use super::receipt::Receipt;
use super::seal::{SealKey, Uses};
use crate::hex::hex;
use crate::policy::Decision;

pub struct Row<'a> {
    pub sequence: i64,
    pub plain: Plain<'a>,
    pub sealed: Vec<u8>,
    pub prev_hash: Hash,
    pub hash: Hash,
}

/// What stands in the open, and in the chain.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Plain<'a> {
    pub receipt: Cow<'a, str>,
    /// Microseconds since 1970.
    pub time: i64,
    pub account: Cow<'a, str>,
    pub caller: Cow<'a, str>,
    pub line_item: Cow<'a, str>,
    pub cell: Option<i64>,
    pub in_history: i64,
    pub decision: Cow<'a, str>,
    pub code: Option<Cow<'a, str>>,
    pub rules: Cow<'a, str>,
    pub judged: Option<Cow<'a, str>>,
    pub policy_generation: i64,
    pub upstream_status: Option<i64>,
    pub duration_ms: i64,
    pub digest: Vec<u8>,
}

pub static ENTRIES: LazyLock<Insert> = LazyLock::new(|| {
    Insert::new(
        "entries (sequence, receipt, time, account, caller, line_item, cell, in_history, decision, \
         code, rules, judged, policy_generation, upstream_status, duration_ms, digest, sealed, \
         prev_hash, hash)",
        19,
    )
});

impl<'a> Plain<'a> {
    pub fn of(draft: &'a Draft, cell: Option<i64>, key: &Uses) -> Self {
        Self {
            receipt: draft.receipt.text().into(),
            time: draft.time.as_microsecond(),
            account: draft.account.as_str().into(),
            caller: draft.caller.as_str().into(),
            line_item: draft.line_item.as_str().into(),
            cell,
            in_history: i64::from(draft.past.is_some() && cell.is_some()),
            decision: draft.decision.as_str().into(),
            code: draft.code.as_deref().map(Cow::from),
            rules: draft.rules.as_str().into(),
            judged: draft.judged.as_deref().map(Cow::from),
            policy_generation: draft.policy_generation,
            upstream_status: draft.upstream.map(i64::from),
            duration_ms: draft.duration_ms,
            digest: key.digest(&draft.body),
        }
    }
}

impl<'a> Row<'a> {
    pub fn values(&self) -> Vec<Input<'_>> {
        let plain = &self.plain;
        vec![
            Input::Integer(self.sequence),
            Input::Text(&plain.receipt),
            Input::Integer(plain.time),
            Input::Text(&plain.account),
            Input::Text(&plain.caller),
            Input::Text(&plain.line_item),
            Input::optional_integer(plain.cell),
            Input::Integer(plain.in_history),
            Input::Text(&plain.decision),
            Input::optional_text(plain.code.as_deref()),
            Input::Text(&plain.rules),
            Input::optional_text(plain.judged.as_deref()),
            Input::Integer(plain.policy_generation),
            Input::optional_integer(plain.upstream_status),
            Input::Integer(plain.duration_ms),
            Input::Bytes(&plain.digest),
            Input::Bytes(&self.sealed),
            Input::Bytes(self.prev_hash.bytes()),
            Input::Bytes(self.hash.bytes()),
        ]
    }

    /// Reads the columns after these two, in the order of `ENTRIES`.
    pub fn read(sequence: i64, receipt: String, row: &mut Cursor) -> Result<Self, Fault> {
        Ok(Self {
            sequence,
            plain: Plain {
                receipt: receipt.into(),
                time: row.integer()?,
                account: row.text()?.into(),
                caller: row.text()?.into(),
                line_item: row.text()?.into(),
                cell: row.optional_integer()?,
                in_history: row.integer()?,
                decision: row.text()?.into(),
                code: row.optional_text()?.map(Cow::from),
                rules: row.text()?.into(),
                judged: row.optional_text()?.map(Cow::from),
                policy_generation: row.integer()?,
                upstream_status: row.optional_integer()?,
                duration_ms: row.integer()?,
                digest: row.bytes()?,
            },
            sealed: row.bytes()?,
            prev_hash: Hash::read(&row.bytes()?),
            hash: Hash::read(&row.bytes()?),
        })
    }

    /// What was sealed; `None` with a wrong key or after a change.
    pub fn open(&self, key: &SealKey) -> Option<Content> {
        let receipt = Receipt::parse(&self.plain.receipt).ok()?;
        let content = key.open(&receipt, &self.sealed)?;
        Content::read(&content)
    }

    /// The entry, as far as `key` opens it. `None` for the key is an erased learner's.
    pub fn unseal(self, key: Option<&SealKey>) -> Result<Kept, Fault> {
        let content = key.and_then(|key| self.open(key));
        let learner = match (self.plain.cell, key, &content) {
            (None, ..) => Learner::Absent,
            (Some(_), _, Some(_)) => Learner::Known,
            (Some(_), Some(_), None) => Learner::Unreadable,
            (Some(_), None, None) => Learner::Erased,
        };
        Ok(Kept {
            sequence: self.sequence,
            digest: format!("hmac-sha256:{}", hex(&self.plain.digest)),
            prev_hash: self.prev_hash.to_string(),
            hash: self.hash.to_string(),
            entry: entry(self.plain, content.unwrap_or(Content::NONE))?,
            learner,
        })
    }
}

fn entry(plain: Plain<'_>, mut content: Content) -> Result<Entry, Fault> {
    let unreadable = || Fault::refused("an entry holds what no version of scoregate wrote");
    let rules: Vec<Acted> = serde_json::from_str(&plain.rules).map_err(Fault::refused)?;
    let time = Timestamp::from_microsecond(plain.time).map_err(Fault::refused)?;
    let past = content.past(time);
    Ok(Entry {
        receipt: Receipt::parse(&plain.receipt).map_err(Fault::refused)?,
        time,
        account: plain.account.into_owned(),
        caller: plain.caller.into_owned(),
        line_item: plain.line_item.into_owned(),
        user: content.user.take(),
        sent: content.take_sent().map(Json::from),
        score: None,
        submission: content.submission.map(Json::from),
        // Only its keyed form was kept.
        body: BodyDigest([0; 32]),
        decision: Decision::parse(&plain.decision).ok_or_else(unreadable)?,
        code: plain.code.map(Cow::into_owned),
        rules,
        judged: plain.judged.as_deref().and_then(read_points),
        policy_generation: plain.policy_generation,
        upstream: plain
            .upstream_status
            .and_then(|status| u16::try_from(status).ok()),
        duration_ms: plain.duration_ms,
        explanation: content.explanation.map(Json::from),
        past,
    })
}
