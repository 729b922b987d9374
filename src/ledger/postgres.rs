//! The ledger in PostgreSQL, 13 or newer, where several gateways share it. A runtime of its own
//! waits for answers, with a limit for each; statements of one batch travel together.

use std::collections::HashMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use futures_util::future::try_join_all;
use secrecy::ExposeSecret;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::database::{Cursor, Database, Dialect, Input, Value};
use super::fault::Fault;
use super::place::PostgresPlace;

/// How long one statement of a gateway may take.
pub const AS_GATEWAY: Duration = Duration::from_secs(4);

/// How long one statement of a command may take: compaction copies a table.
pub const AS_COMMAND: Duration = Duration::from_secs(600);

const CONNECT: Duration = Duration::from_secs(4);

pub struct Postgres {
    runtime: Runtime,
    client: Client,
    statements: HashMap<&'static str, Statement>,
    patience: Duration,
}

/// What libpq calls what `require` means here: certificates are always verified, names included.
const VERIFYING: [&str; 2] = ["sslmode=verify-full", "sslmode=verify-ca"];

/// What a URL says of a database. Fails without repeating the URL, which may hold a password.
pub fn config(url: &str) -> Result<Config, Fault> {
    let query = query(url);
    let known = VERIFYING.iter().fold(query.to_owned(), |query, mode| {
        query.replace(mode, "sslmode=require")
    });
    let place = url.strip_suffix(query).unwrap_or(url);
    let config = Config::from_str(&format!("{place}{known}"));
    let mut config = config.map_err(|_| Fault::refused("the ledger's URL can't be read"))?;
    let is_said = config.get_ssl_mode() != SslMode::Prefer || known.contains("sslmode=prefer");
    if !is_said {
        config.ssl_mode(default_mode(&config));
    }
    config.connect_timeout(CONNECT);
    config.application_name("scoregate");
    Ok(config)
}

/// Whether a ledger can be looked for there.
pub fn is_postgres_url(url: &str) -> bool {
    let is_good = |config: Config| !config.get_hosts().is_empty() && config.get_dbname().is_some();
    config(url).is_ok_and(is_good)
}

/// What stands behind the `?`. A user or a password may hold one too.
fn query(url: &str) -> &str {
    let place = url.rsplit_once('@').map_or(url, |(_, place)| place);
    place.split_once('?').map_or("", |(_, query)| query)
}

/// Never in the clear to another machine unless it is asked for. On this one TLS adds nothing, and
/// the certificate that packages make for PostgreSQL is one that nobody trusts.
fn default_mode(config: &Config) -> SslMode {
    let mut addresses = config.get_hostaddrs().iter();
    match config.get_hosts().iter().all(is_near) && addresses.all(IpAddr::is_loopback) {
        true => SslMode::Disable,
        false => SslMode::Require,
    }
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

impl Postgres {
    pub fn connect(place: &PostgresPlace, patience: Duration) -> Result<Self, Fault> {
        let mut config = config(place.url.expose_secret())?;
        if let Some(password) = &place.password {
            config.password(password.expose_secret());
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Fault::lost)?;
        let ca_file = place.ca_file.as_deref();
        let tls = crate::tls::client_config(ca_file, &[]).map_err(Fault::lost)?;
        let tls = MakeRustlsConnect::new(tls.as_ref().clone());
        let connecting = async { timeout(CONNECT, config.connect(tls)).await };
        let connected = runtime.block_on(connecting).map_err(Fault::lost)?;
        let (client, connection) = connected.map_err(fault)?;
        // Its end shows in the client's next call.
        runtime.spawn(connection);
        let mut database = Self {
            runtime,
            client,
            statements: HashMap::new(),
            patience,
        };
        // Both durabilities wait for the disk: a killed server must lose nothing either.
        let setting = format!(
            "SET synchronous_commit = on; SET statement_timeout = {0}; SET lock_timeout = {0}; \
             SET idle_in_transaction_session_timeout = 10000",
            patience.as_millis()
        );
        database.script(&setting)?;
        Ok(database)
    }

    fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let limited = async { timeout(self.patience + Duration::from_secs(1), work).await };
        let done = self.runtime.block_on(limited).map_err(Fault::lost)?;
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

/// Whether another request would fare better is told by the class of the SQLSTATE: 22 and 23 are
/// about the values of this one.
fn fault(cause: tokio_postgres::Error) -> Fault {
    let class = cause
        .code()
        .map(|state| state.code().get(..2).unwrap_or_default().to_owned());
    // The detail of an error may repeat values.
    let message = match cause.as_db_error() {
        Some(error) => format!("{}: {}", error.code().code(), error.message()),
        None => match cause.source() {
            Some(source) => format!("{cause}: {source}"),
            None => cause.to_string(),
        },
    };
    match class.as_deref() {
        Some("22" | "23" | "54") => Fault::refused(message),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_tls_to_other_machines_unless_the_url_says_otherwise() {
        use SslMode::{Disable, Prefer, Require};
        for (url, mode) in [
            ("postgres://me@db.example.edu/x", Require),
            ("postgres://me@db.example.edu/x?sslmode=disable", Disable),
            ("postgres://me@db.example.edu/x?sslmode=prefer", Prefer),
            (
                "postgres://me@db.example.edu/x?sslmode=verify-full",
                Require,
            ),
            (
                "postgres://me@db.example.edu/x?options=a&sslmode=verify-ca",
                Require,
            ),
            ("postgres://me:sslmode=prefer@db.example.edu/x", Require),
            ("postgres://me@127.0.0.1,db.example.edu/x", Require),
            ("postgres://me@localhost/x?hostaddr=192.0.2.1", Require),
            ("postgres://me@localhost/x?hostaddr=127.0.0.1", Disable),
            ("postgres://localhost:5432/x", Disable),
            ("postgres://me:pass@127.0.0.1:5432/x", Disable),
            ("postgres://me@[::1]/x", Disable),
            ("postgres://me@127.0.0.1/x?sslmode=require", Require),
            ("postgres://me@%2Frun%2Fpostgresql/x", Disable),
        ] {
            let said = config(url).map(|config| config.get_ssl_mode());
            assert_eq!(said.ok(), Some(mode), "{url}");
        }
        assert!(config("postgres://me@db.example.edu/x?sslmode=allow").is_err());
    }
}
