//! What can go wrong with a ledger. Texts of databases stay in the log: they help the operator.

use std::error::Error;
use std::path::PathBuf;

use thiserror::Error;

type Cause = Box<dyn Error + Send + Sync>;

/// PostgreSQL's states of a statement, and of a lock, that was waited for too long.
const IN_VAIN: [&str; 2] = ["57014", "55P03"];

/// Why the database did not do what it was asked.
#[derive(Debug, Error)]
pub enum Fault {
    /// It can't be reached, or can't write: no other request would fare better now.
    #[error("the ledger's database can't be used")]
    Lost(#[source] Cause),
    /// It refused this one request.
    #[error("the ledger's database refuses")]
    Refused(#[source] Cause),
}

impl Fault {
    pub fn lost(cause: impl Into<Cause>) -> Self {
        Self::Lost(cause.into())
    }

    pub fn refused(cause: impl Into<Cause>) -> Self {
        Self::Refused(cause.into())
    }

    /// Whether a statement ended because of its own limit, or that of a lock: others have the database now.
    pub fn has_waited_in_vain(&self) -> bool {
        let cause = self.source().map(ToString::to_string).unwrap_or_default();
        let mut states = IN_VAIN.iter();
        states.any(|state| cause.starts_with(state))
    }
}

/// Why nothing was recorded or read: LEDGER_UNAVAILABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    #[error("too much waits to be recorded")]
    QueueFull,
    #[error("the ledger did not answer in time")]
    Late,
    #[error("the ledger's database can't be used")]
    Failing,
    /// What was recorded of the cell can't be read, or is too much; others are judged as ever.
    #[error("the cell's history can't be used")]
    Unusable,
    /// It is recorded, but another gateway may have judged for the cell while it was on its way.
    #[error("another gateway may have judged meanwhile")]
    Overtaken,
    /// This process was silent for too long, and nothing was sent by what it knew before.
    #[error("another gateway may have taken the cell")]
    CellLost,
    /// Other submissions for the cell took too long: OVERLOADED.
    #[error("the cell is busy")]
    CellBusy,
}

/// Why a ledger can't be opened.
#[derive(Debug, Error)]
pub enum CannotOpen {
    #[error("another gateway has the ledger `{0}` open")]
    InUse(PathBuf),
    #[error(
        "no gateway has recorded here yet, or `ledger.url` is wrong: the ledger file `{0}` does not exist"
    )]
    Missing(PathBuf),
    #[error(
        "`{0}` is no SQLite database: correct `ledger.url`, or put the ledger's file back from a copy"
    )]
    NotSqlite(PathBuf),
    #[error("the folder `{0}` does not exist: make it, or correct `ledger.url`")]
    NoFolder(PathBuf),
    #[error("no gateway has started on this ledger yet: `scoregate run` makes its tables")]
    Unused,
    #[error(
        "the ledger was written by a newer scoregate (schema {found}, this one knows {known}): update scoregate"
    )]
    Newer { found: i64, known: i64 },
    #[error("the ledger has the older schema {0}: `scoregate run` migrates it when it starts")]
    Older(i64),
    #[error(
        "the ledger's PostgreSQL database is encoded as `{0}`, which does not hold every learner's id as it is: make one \
         with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`"
    )]
    Encoding(String),
    #[error("another gateway is migrating the ledger; try again once it has finished")]
    Migrating,
    #[error("the ledger's file `{0}` can't be opened or locked")]
    Lock(PathBuf, #[source] std::io::Error),
    /// As it is told of a ledger that was open.
    #[error(transparent)]
    Database(Fault),
    #[error("the ledger's thread can't be started")]
    Thread(#[source] std::io::Error),
}

/// Why a learner is not erased, or not without a trace.
#[derive(Debug, Error)]
pub enum CannotErase {
    #[error("nothing was erased")]
    Database(#[from] CannotOpen),
    /// The keys are gone; the learner's id still stands in the database's files.
    #[error("erased, but not compacted: erase again {when}")]
    NotCompacted {
        when: String,
        #[source]
        cause: Option<Fault>,
    },
}

impl From<Fault> for CannotOpen {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::chain;

    /// So the log says it once, when the database goes away and while it is looked for.
    #[test]
    fn a_fault_is_told_alike_of_a_ledger_that_is_open_and_of_one_that_is_to_be() {
        let fault = || Fault::lost("the ledger's file is gone");
        let told = chain(&fault());
        assert_eq!(
            told,
            "the ledger's database can't be used: the ledger's file is gone"
        );
        assert_eq!(chain(&CannotOpen::from(fault())), told);
    }
}
