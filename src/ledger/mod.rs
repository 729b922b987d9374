//! The ledger: the durable record of every submission, and the history that policy judges by.
//!
//! One port (`Ledger`, for the request path; `Reader`, for the commands), two databases behind
//! one trait (`database`), one set of statements for both. Workers put what they have to record
//! into a bounded queue; one thread writes (`writer`), everything that waits in one transaction.
//!
//! Entries are chained by hash (`chain`); what says who a learner is, or what they did, is sealed
//! with the cell's own key (`seal`), so that dropping the key erases it and breaks no chain.

mod backlog;
mod batch;
mod book;
mod browse;
mod cell;
mod cells;
mod chain;
mod clock;
mod close;
mod compact;
mod content;
mod database;
mod draft;
mod entry;
mod erase;
mod fault;
mod filter;
mod fingerprints;
mod found;
mod gains;
mod handle;
mod head;
mod health;
mod histories;
mod hold;
mod intents;
mod job;
mod json;
mod lock_file;
mod log_sync;
mod looks;
mod meter;
mod object;
mod open;
mod opening;
mod own_runtime;
mod patience;
mod place;
mod postgres;
mod postgres_url;
mod random;
mod reader;
mod receipt;
mod retain;
mod row;
mod schema;
mod seal;
mod shown;
mod sqlite;
mod start;
mod strays;
#[cfg(test)]
mod tests;
mod verify;
mod waiter;
mod writer;
mod written;

pub use browse::{Browse, Leaf};
pub use cell::{Cell, Held};
pub use entry::{Acted, BodyDigest, Entry, Kept, Learner, points_json, to_the_microsecond};
pub use erase::{Erased, Erasure};
pub use fault::{CannotErase, CannotOpen, Fault, Unavailable};
pub use filter::{BadFilter, Filter, read_decision, read_time};
pub use handle::Ledger;
pub use health::Grip;
pub use json::Json;
pub use meter::LedgerMeter;
pub use place::{Durability, OnFailure, Place, PostgresPlace, Settings};
pub use postgres_url::is_postgres_url;
pub use reader::{Order, Reader};
pub use receipt::{NotAReceipt, Receipt};
pub use shown::Shown;
pub use verify::{Break, Reason, Verdict};

pub use crate::policy::Decision;
