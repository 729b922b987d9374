//! The ledger in PostgreSQL, 13 or newer, where several gateways share it. A runtime of its own
//! waits for answers, with a limit for each; statements of one batch travel together.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use futures_util::future::try_join_all;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::database::{Cursor, Database, Dialect, Input, Value};
use super::fault::{CannotOpen, Fault};
use super::own_runtime::OwnRuntime;
use super::place::PostgresPlace;
use super::postgres_url::{CONNECT, config, servers, without_role};

/// How long one statement of a gateway may take.
pub const AS_GATEWAY: Duration = Duration::from_secs(4);

/// How long one statement of a command may take: compaction copies a table.
pub const AS_COMMAND: Duration = Duration::from_secs(600);

/// The encoding that holds every text.
const EVERY_TEXT: &str = "UTF8";

/// The class of SQLSTATEs that are about a value.
const ABOUT_A_VALUE: &str = "22";

pub struct Postgres {
    runtime: OwnRuntime,
    client: Client,
    statements: HashMap<&'static str, Statement>,
    patience: Duration,
}

impl Postgres {
    pub fn connect(place: &PostgresPlace, patience: Duration) -> Result<Self, Fault> {
        let mut config = config(place.url.expose_secret())?;
        if let Some(password) = &place.password {
            config.password(password.expose_secret());
        }
        let runtime = OwnRuntime::new()?;
        let ca_file = place.ca_file.as_deref();
        let tls = crate::tls::client_config(ca_file, &[]).map_err(Fault::lost)?;
        let tls = MakeRustlsConnect::new(tls.as_ref().clone());
        let connecting = async { timeout(CONNECT, config.connect(tls)).await };
        let there = |cause: String| Fault::lost(format!("{}: {cause}", servers(&config)));
        let connected = runtime.wait(connecting)?;
        let connected = connected.map_err(|_| there("no answer within 4 seconds".to_owned()))?;
        let (client, connection) =
            connected.map_err(|cause| there(without_role(&message(&cause), &config)))?;
        // Its end shows in the client's next call.
        runtime.spawn(connection);
        let mut database = Self {
            runtime,
            client,
            statements: HashMap::new(),
            patience,
        };
        // Both durabilities wait for the disk: a killed server must lose nothing either. Whatever else a role or a
        // database has as its default.
        // Statistics don't know that nearly all entries of a cell may be in no history: what is asked is found by an
        // index, whatever they say. What has none would be compiled for it, at more cost than it has.
        let setting = format!(
            "SET synchronous_commit = on; SET statement_timeout = {0}; SET lock_timeout = {0}; \
             SET idle_in_transaction_session_timeout = 10000; \
             SET default_transaction_isolation = 'read committed'; \
             SET enable_seqscan = off; SET jit = off",
            patience.as_millis()
        );
        database.script(&setting)?;
        Ok(database)
    }

    /// For whoever records: what an encoding lacks can't be recorded once it was sent. `SQL_ASCII` takes whatever comes, and says of
    /// nobody's bytes what they mean.
    pub fn require_every_text(&mut self) -> Result<(), CannotOpen> {
        let encoding = self.query("SHOW server_encoding", &[])?.into_iter().next();
        let encoding = encoding.map_or(Ok(String::new()), |mut row| row.text())?;
        match encoding == EVERY_TEXT {
            true => Ok(()),
            false => Err(CannotOpen::Encoding(encoding)),
        }
    }

    fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let limited = async { timeout(self.patience + Duration::from_secs(1), work).await };
        let done = self.runtime.wait(limited)?.map_err(Fault::lost)?;
        done.map_err(fault)
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(sql))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

fn message(cause: &tokio_postgres::Error) -> String {
    // The detail of an error may repeat values; of one that is about a value, the text does.
    match cause.as_db_error() {
        Some(error) if error.code().code().starts_with(ABOUT_A_VALUE) => {
            format!("{}: a value that it does not take", error.code().code())
        }
        Some(error) => format!("{}: {}", error.code().code(), error.message()),
        None => match cause.source() {
            Some(source) => format!("{cause}: {source}"),
            None => cause.to_string(),
        },
    }
}

/// Whether another request would fare better is told by the class of the SQLSTATE: 22, 23 and 54 are
/// about the values of this one.
fn fault(cause: tokio_postgres::Error) -> Fault {
    let class = cause
        .code()
        .map(|state| state.code().get(..2).unwrap_or_default().to_owned());
    let message = message(&cause);
    match class.as_deref() {
        Some(ABOUT_A_VALUE | "23" | "54") => Fault::refused(message),
        Some(_) | None => Fault::lost(message),
    }
}

fn parameters<'a>(values: &'a [Input<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

impl ToSql for Input<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(integer) => out.put_i64(*integer),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        kind: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(FromSql::from_sql(kind, raw)?),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            _ => Self::Text(FromSql::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }
}

fn cursor(row: &Row) -> Result<Cursor, Fault> {
    let values = (0..row.len()).map(|column| row.try_get(column).map_err(fault));
    Ok(Cursor::new(values.collect::<Result<_, _>>()?))
}

impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn be_patient(&mut self, patience: Duration) -> Result<(), Fault> {
        let milliseconds = patience.as_millis();
        self.script(&format!("SET statement_timeout = {milliseconds}"))?;
        self.patience = patience;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.script("BEGIN")
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.script("COMMIT")
    }

    fn rollback(&mut self) {
        let _ = self.script("ROLLBACK");
    }

    fn execute_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<u64>, Fault> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self.statement(sql)?;
        let sets: Vec<_> = sets.iter().map(|values| parameters(values)).collect();
        let run = |values: &'_ Vec<_>| self.client.execute_raw(&statement, values.clone());
        self.wait(try_join_all(sets.iter().map(run)))
    }

    fn query_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Input<'_>>],
    ) -> Result<Vec<Vec<Cursor>>, Fault> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self.statement(sql)?;
        let sets: Vec<_> = sets.iter().map(|values| parameters(values)).collect();
        let ask = |values| self.client.query(&statement, values);
        let answers = self.wait(try_join_all(sets.iter().map(|values| ask(values))))?;
        let read = |rows: Vec<Row>| rows.iter().map(cursor).collect();
        answers.into_iter().map(read).collect()
    }

    fn script(&mut self, sql: &str) -> Result<(), Fault> {
        self.wait(self.client.batch_execute(sql))
    }
}
