//! Writes what is sealed of an entry as JSON, straight into one buffer.

use super::entry::write_points;
use super::json::Json;
use crate::score::{Points, Timestamp};

/// A JSON object on its way. What there is not is left out.
pub struct Object {
    out: Vec<u8>,
    is_empty: bool,
}

impl Object {
    pub fn begin(mut out: Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    /// One that was begun and has not ended.
    pub fn resume(out: Vec<u8>) -> Self {
        let is_empty = out.len() <= 1;
        Self { out, is_empty }
    }

    /// What is written so far.
    pub fn so_far(self) -> Vec<u8> {
        self.out
    }

    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    pub fn end(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }

    pub fn member<T>(
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
    pub fn flag(&mut self, name: &str, is_so: bool) {
        self.member(name, is_so.then_some(b"true"), |yes, mut out| {
            out.extend_from_slice(yes);
            out
        });
    }

    pub fn json(&mut self, name: &str, value: Option<&Json>) {
        self.member(name, value, |value, mut out| {
            out.extend_from_slice(value.bytes());
            out
        });
    }

    pub fn text(&mut self, name: &str, text: Option<&str>) {
        self.member(name, text, |text, mut out| {
            // A Vec takes every write, and text is always JSON.
            let _ = serde_json::to_writer(&mut out, text);
            out
        });
    }

    pub fn timestamp(&mut self, name: &str, timestamp: Option<&Timestamp>) {
        self.text(name, timestamp.map(Timestamp::text));
    }

    /// Mostly they are those of the attempt, and need not be kept again: `true` then.
    pub fn points_or_same(&mut self, name: &str, points: Option<&Points>, given: Option<&Points>) {
        match points.is_some() && points == given {
            true => self.flag(name, true),
            false => self.points(name, points),
        }
    }

    pub fn points(&mut self, name: &str, points: Option<&Points>) {
        self.member(name, points, |points, mut out| {
            write_points(points, &mut out);
            out
        });
    }

    pub fn null(&mut self, name: &str) {
        self.member(name, Some(b"null"), |null, mut out| {
            out.extend_from_slice(null);
            out
        });
    }

    /// Left out where they are the usual ones; `null` where there are none and there usually are.
    pub fn points_unless(&mut self, name: &str, points: Option<&Points>, usual: Option<&Points>) {
        match points {
            same if same == usual => {}
            None => self.null(name),
            points => self.points(name, points),
        }
    }

    /// In the same way. By their texts: two may say the same instant.
    pub fn time_unless(&mut self, name: &str, time: Option<&Timestamp>, usual: Option<&Timestamp>) {
        match time {
            same if same == usual => {}
            None => self.null(name),
            time => self.timestamp(name, time),
        }
    }
}
