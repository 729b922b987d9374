//! Writes what is sealed of an entry, straight into one buffer: the JSON that `content` reads.

use super::content::{fate_word, role_word};
use super::entry::Entry;
use super::gains::{self, Came};
use super::object::Object;
use crate::policy::Past;
use crate::score::Score;

/// About what an entry needs.
const USUAL: usize = 2_048;

/// And where in it the past begins.
pub fn content(entry: &Entry) -> (Vec<u8>, usize) {
    let mut object = Object::begin(Vec::with_capacity(USUAL));
    match &entry.score {
        // It says whose it is.
        Some(score) => object.member("submission", Some(score), Score::write_into),
        None => {
            object.text("user", entry.user.as_deref());
            object.json("submission", entry.submission.as_ref());
        }
    }
    let sent = entry.sent.as_ref();
    // Most leave as they came, and need not be kept twice: the submission was written last.
    match sent.filter(|sent| object.bytes().ends_with(sent.bytes())) {
        Some(_) => object.flag("same", true),
        None => object.json("sent", sent),
    }
    object.json("explanation", entry.explanation.as_ref());
    let past_at = object.bytes().len();
    match entry.score.as_ref().zip(entry.past.as_ref()) {
        None => (with_past(object.so_far(), entry.past.as_ref()), past_at),
        Some((score, past)) => {
            let came = Came::of(score, entry.kept_time());
            object.member("gains", Some(past), |past, out| {
                gains::write(past, &came, out)
            });
            (object.end(), past_at)
        }
    }
}

/// Ends what `content` began, with this past in place of the entry's.
pub fn with_past(out: Vec<u8>, of_entry: Option<&Past>) -> Vec<u8> {
    let mut object = Object::resume(out);
    object.member("past", of_entry, past);
    object.end()
}

fn past(past: &Past, out: Vec<u8>) -> Vec<u8> {
    let mut object = Object::begin(out);
    object.points("points", past.points.as_ref());
    object.timestamp("timestamp", past.timestamp.as_ref());
    object.flag("is_stamped", past.is_stamped);
    object.timestamp("submitted_at", past.submitted_at.as_ref());
    object.text("arrived", Some(&past.arrived.to_string()));
    object.text("role", Some(role_word(past.role)));
    object.text("fate", Some(fate_word(past.fate)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::sample::entry;

    #[test]
    fn is_json_whatever_an_entry_lacks_or_says() {
        let mut entry = entry("quote \" backslash \\ newline \n nul \0 🎓", "0.5");
        let read = |entry: &Entry| -> serde_json::Value {
            serde_json::from_slice(&content(entry).0).unwrap()
        };
        let whole = read(&entry);
        assert_eq!(whole["submission"]["userId"], entry.user.clone().unwrap());
        assert_eq!(whole["same"], true);
        let alone = ["user", "sent", "past"].map(|name| whole.get(name));
        assert_eq!(alone, [None; 3]);
        assert_eq!(whole["gains"]["is_stamped"], true);
        // Of a submission that is no score.
        entry.score = None;
        let whole = read(&entry);
        assert_eq!(whole["user"], entry.user.clone().unwrap());
        assert_eq!(whole["past"]["points"]["scoreGiven"], 0.5);
        assert_eq!(whole["past"]["stands"], true);
        assert_eq!(whole["same"], true);
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
