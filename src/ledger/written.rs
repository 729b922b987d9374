//! Writes what is sealed of an entry, straight into one buffer: the JSON that `content` reads.

use serde_json::value::RawValue;

use super::entry::{Entry, write_points};
use crate::policy::{Fate, Past, Role};
use crate::score::{Points, Timestamp};

/// About what an entry needs.
const USUAL: usize = 2_048;

/// And where in it the past begins.
pub fn content(entry: &Entry) -> (Vec<u8>, usize) {
    let mut object = Object::begin(Vec::with_capacity(USUAL));
    object.text("user", entry.user.as_deref());
    object.raw("submission", entry.submission.as_deref());
    // Most leave as they came, and need not be kept twice.
    match is_sent_as_it_came(entry) {
        true => object.flag("sent_as_it_came", true),
        false => object.raw("sent", entry.sent.as_deref()),
    }
    object.raw("explanation", entry.explanation.as_deref());
    let past_at = object.out.len();
    (with_past(object.out, entry.past.as_ref()), past_at)
}

/// Ends what `content` began, with this past in place of the entry's.
pub fn with_past(out: Vec<u8>, of_entry: Option<&Past>) -> Vec<u8> {
    let is_empty = out.len() <= 1;
    let mut object = Object { out, is_empty };
    object.member("past", of_entry, past);
    object.end()
}

fn is_sent_as_it_came(entry: &Entry) -> bool {
    let submission = entry.submission.as_deref();
    let both = entry.sent.as_deref().zip(submission);
    both.is_some_and(|(sent, submission)| sent.get() == submission.get())
}

fn past(past: &Past, out: Vec<u8>) -> Vec<u8> {
    let mut object = Object::begin(out);
    object.points("points", past.points.as_ref());
    object.timestamp("timestamp", past.timestamp.as_ref());
    object.flag("is_stamped", past.is_stamped);
    object.timestamp("submitted_at", past.submitted_at.as_ref());
    object.text("arrived", Some(&past.arrived.to_string()));
    let role = match past.role {
        Role::Attempt => "attempt",
        Role::Clear => "clear",
        Role::Aside => "aside",
    };
    object.text("role", Some(role));
    let fate = match past.fate {
        Fate::Confirmed => "confirmed",
        Fate::Unknown => "unknown",
    };
    object.text("fate", Some(fate));
    object.points_or_same("stands", past.stands.as_ref(), past.points.as_ref());
    object.member("sent", past.sent.as_ref(), |sent, out| {
        let mut object = Object::begin(out);
        object.points_or_same("points", sent.points.as_ref(), past.points.as_ref());
        object.text("comment", sent.comment.as_deref());
        object.flag("not_final", !sent.is_final);
        object.end()
    });
    object.end()
}

/// A JSON object on its way. What there is not is left out.
struct Object {
    out: Vec<u8>,
    is_empty: bool,
}

impl Object {
    fn begin(mut out: Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }

    fn member<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        write: impl FnOnce(T, Vec<u8>) -> Vec<u8>,
    ) {
        let Some(value) = value else {
            return;
        };
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out = write(value, std::mem::take(&mut self.out));
    }

    /// Only said where it is so.
    fn flag(&mut self, name: &str, is_so: bool) {
        self.member(name, is_so.then_some(b"true"), |yes, mut out| {
            out.extend_from_slice(yes);
            out
        });
    }

    fn raw(&mut self, name: &str, value: Option<&RawValue>) {
        self.member(name, value, |value, mut out| {
            out.extend_from_slice(value.get().as_bytes());
            out
        });
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        self.member(name, text, |text, mut out| {
            // A Vec takes every write, and text is always JSON.
            let _ = serde_json::to_writer(&mut out, text);
            out
        });
    }

    fn timestamp(&mut self, name: &str, timestamp: Option<&Timestamp>) {
        self.text(name, timestamp.map(Timestamp::text));
    }

    /// Mostly they are those of the attempt, and need not be kept again: `true` then.
    fn points_or_same(&mut self, name: &str, points: Option<&Points>, given: Option<&Points>) {
        match points.is_some() && points == given {
            true => self.flag(name, true),
            false => self.points(name, points),
        }
    }

    fn points(&mut self, name: &str, points: Option<&Points>) {
        self.member(name, points, |points, mut out| {
            write_points(points, &mut out);
            out
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::sample::entry;

    #[test]
    fn is_json_whatever_an_entry_lacks_or_says() {
        let mut entry = entry("u", "0.5");
        entry.user = Some("quote \" backslash \\ newline \n nul \0 🎓".to_owned());
        let read = |entry: &Entry| -> serde_json::Value {
            serde_json::from_slice(&content(entry).0).unwrap()
        };
        let whole = read(&entry);
        assert_eq!(whole["user"], entry.user.clone().unwrap());
        assert_eq!(whole["past"]["points"]["scoreGiven"], 0.5);
        assert_eq!(whole["past"]["stands"], true);
        assert_eq!(whole["sent_as_it_came"], true);
        assert_eq!(whole.get("sent"), None);
        assert_eq!(whole["past"]["arrived"], "2026-01-01T00:00:00.123456789Z");
        entry.user = None;
        entry.submission = None;
        entry.past = None;
        let members = read(&entry);
        let mut names: Vec<_> = members.as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["explanation", "sent"]);
    }
}
