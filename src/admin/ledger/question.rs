//! What `/ledger` is asked: the filters of `scoregate ledger list`, and which page.

use thiserror::Error;

use crate::ledger::{BadFilter, Filter, Order, Receipt};
use crate::line_item::{decode_form, encode_component};
use crate::telemetry::IdKey;

/// What can be asked beside the filters.
const OWN: [&str; 4] = ["user_hash", "order", "after", "limit"];

/// Every parameter there is.
pub fn parameters() -> impl Iterator<Item = &'static str> {
    Filter::NAMES.into_iter().chain(OWN)
}

/// Entries on a page, at most and unless told otherwise.
const MOST: usize = 200;
const USUAL: usize = 50;

/// How much of an unknown name is repeated, in characters.
const MOST_NAME: usize = 64;

#[derive(Debug)]
pub struct Question {
    pub filter: Filter,
    /// A learner as pages and access lines name them.
    pub user_hash: Option<String>,
    pub order: Order,
    pub after: Option<Receipt>,
    pub limit: usize,
    /// The parameters of the next page, but for where it begins.
    kept: Vec<(&'static str, String)>,
}

/// Why a question can't be answered. Repeats no value.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum BadQuestion {
    #[error("there is no parameter `{0}`")]
    Unknown(String),
    #[error("there is a parameter with a malformed name")]
    Name,
    #[error("`{0}` is given twice")]
    Twice(&'static str),
    #[error("`{0}` has a malformed percent escape")]
    Escape(&'static str),
    #[error("`{0}`: {1}")]
    Filter(&'static str, BadFilter),
    #[error("`user_hash` must be the 16 hexadecimal digits that stand for a learner")]
    UserHash,
    #[error("give `user` or `user_hash`, not both")]
    TwoLearners,
    #[error("`order` must be `newest` or `oldest`")]
    Order,
    #[error("`after` must be a receipt")]
    After,
    #[error("`after` names no entry, or one that was dropped since")]
    NoEntry,
    #[error("`limit` must be a number from 1 to {MOST}")]
    Limit,
}

impl Question {
    pub fn read(query: &str) -> Result<Self, BadQuestion> {
        let mut question = Self {
            filter: Filter::default(),
            user_hash: None,
            order: Order::NewestFirst,
            after: None,
            limit: USUAL,
            kept: Vec::new(),
        };
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = known(name)?;
            if seen.contains(&name) {
                return Err(BadQuestion::Twice(name));
            }
            seen.push(name);
            let value = decode_form(value).ok_or(BadQuestion::Escape(name))?;
            question.take(name, value.into_owned())?;
        }
        match question.filter.user.is_some() && question.user_hash.is_some() {
            true => Err(BadQuestion::TwoLearners),
            false => Ok(question),
        }
    }

    fn take(&mut self, name: &'static str, value: String) -> Result<(), BadQuestion> {
        match name {
            "order" => self.order = read_order(&value)?,
            "limit" => self.limit = read_limit(&value)?,
            "user_hash" => self.user_hash = Some(read_hash(&value)?),
            "after" => {
                self.after = Some(Receipt::parse(&value).map_err(|_| BadQuestion::After)?);
                return Ok(());
            }
            filter => {
                let narrowed = self.filter.narrow(filter, &value);
                narrowed.map_err(|cause| BadQuestion::Filter(name, cause))?;
            }
        }
        self.kept.push((name, value));
        Ok(())
    }

    /// The address of the page behind `receipt`. A learner's id becomes its hash: it shall stand
    /// on no page, not even on that of whoever asked for it.
    pub fn next(&self, receipt: &Receipt, ids: &IdKey) -> String {
        let mut next = format!("/ledger?after={receipt}");
        for (name, value) in &self.kept {
            let hash = || ids.hash(value).to_string();
            let (name, value) = match *name {
                "user" => ("user_hash", &hash()),
                other => (other, value),
            };
            next.push_str(&format!("&{name}="));
            encode_component(value, &mut next);
        }
        next
    }
}

fn known(name: &str) -> Result<&'static str, BadQuestion> {
    let name = decode_form(name).ok_or(BadQuestion::Name)?;
    let unknown = || BadQuestion::Unknown(name.chars().take(MOST_NAME).collect());
    parameters()
        .find(|known| *known == name)
        .ok_or_else(unknown)
}

fn read_order(text: &str) -> Result<Order, BadQuestion> {
    match text {
        "newest" => Ok(Order::NewestFirst),
        "oldest" => Ok(Order::OldestFirst),
        _ => Err(BadQuestion::Order),
    }
}

fn read_limit(text: &str) -> Result<usize, BadQuestion> {
    let limit = text.parse().ok();
    let limit = limit.filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or(BadQuestion::Limit)
}

fn read_hash(text: &str) -> Result<String, BadQuestion> {
    let is_good = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_good
        .then(|| text.to_ascii_lowercase())
        .ok_or(BadQuestion::UserHash)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretBox;

    use super::*;

    fn fault(query: &str) -> String {
        Question::read(query)
            .err()
            .map_or_else(|| panic!("`{query}` is read"), |cause| cause.to_string())
    }

    #[test]
    fn every_parameter_is_read() {
        for name in parameters() {
            let value = match name {
                "decision" => "kept",
                "line_item" => "https%3A%2F%2Flms.example.com%2F**",
                "since" => "2026-01-31",
                "user_hash" => "5BDCC146BF60754E",
                "order" => "oldest",
                "after" => "01ARYZ6S410000000000000000",
                "limit" => "200",
                _ => "a+text",
            };
            let read = Question::read(&format!("{name}={value}"));
            assert!(read.is_ok(), "{name}: {:?}", read.err());
        }
        let empty = Question::read("").unwrap();
        assert_eq!((empty.limit, empty.order), (USUAL, Order::NewestFirst));
    }

    #[test]
    fn a_fault_is_named_without_its_value() {
        for (query, told) in [
            ("users=a", "there is no parameter `users`"),
            ("a%=b", "there is a parameter with a malformed name"),
            ("code=A&code=A", "`code` is given twice"),
            ("user=%zz4711", "`user` has a malformed percent escape"),
            (
                "since=u-4711",
                "`since`: must be such as 2026-01-31T12:00:00Z or 2026-01-31",
            ),
            (
                "user_hash=u-4711",
                "`user_hash` must be the 16 hexadecimal digits that stand for a learner",
            ),
            (
                "user=a&user_hash=5bdcc146bf60754e",
                "give `user` or `user_hash`, not both",
            ),
            ("order=up", "`order` must be `newest` or `oldest`"),
            ("after=u-4711", "`after` must be a receipt"),
            ("limit=0", "`limit` must be a number from 1 to 200"),
            ("limit=201", "`limit` must be a number from 1 to 200"),
        ] {
            assert_eq!(fault(query), told, "{query}");
        }
        assert!(fault(&"x".repeat(9_000)).len() < 200);
    }

    #[test]
    fn the_next_page_asks_the_same_and_names_no_learner() {
        let ids = IdKey::new(Some(&SecretBox::new(b"Jefe".as_slice().into()))).unwrap();
        let asked = "limit=3&user=what+do+ya+want+for+nothing%3F&after=01ARYZ6S410000000000000000\
                     &line_item=https%3A%2F%2Flms.example.com%2F*";
        let receipt = Receipt::parse("01ARYZ6S420000000000000000").unwrap();
        let next = Question::read(asked).unwrap().next(&receipt, &ids);
        assert_eq!(
            next,
            "/ledger?after=01ARYZ6S420000000000000000&limit=3&user_hash=5bdcc146bf60754e\
             &line_item=https%3A%2F%2Flms.example.com%2F%2A"
        );
        let (_, query) = next.split_once('?').unwrap();
        assert_eq!(Question::read(query).unwrap().next(&receipt, &ids), next);
    }
}
