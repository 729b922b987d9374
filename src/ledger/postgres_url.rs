//! What a PostgreSQL URL says: where the database is, and how it is reached.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::fault::Fault;

/// How long a connection may take to be made.
pub const CONNECT: Duration = Duration::from_secs(4);

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

/// Where a database is looked for, as far as its URL may be shown.
pub fn servers(config: &Config) -> String {
    let mut ports = config.get_ports().iter().cycle();
    let server = |host: &Host| {
        let port = ports.next().copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => format!("{}:{port}", folder.display()),
        }
    };
    let servers: Vec<_> = config.get_hosts().iter().map(server).collect();
    servers.join(", ")
}

/// What a server says of a connection, which names the role, without it. In whatever quotes it stands.
pub fn without_role(message: &str, config: &Config) -> String {
    let Some(role) = config.get_user().filter(|role| !role.is_empty()) else {
        return message.to_owned();
    };
    let mut parts = message.split(role).peekable();
    let mut told = String::with_capacity(message.len());
    while let Some(part) = parts.next() {
        told.push_str(part);
        let Some(next) = parts.peek() else {
            break;
        };
        let is_within_word =
            part.ends_with(char::is_alphanumeric) || next.starts_with(char::is_alphanumeric);
        told.push_str(if is_within_word { role } else { "***" });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_left_out_of_what_is_said_of_it() {
        let config = config("postgres://me@127.0.0.1/x").unwrap();
        for (said, told) in [
            ("role \"me\" does not exist", "role \"***\" does not exist"),
            ("Rolle »me« existiert nicht", "Rolle »***« existiert nicht"),
            ("some time", "some time"),
            ("me", "***"),
        ] {
            assert_eq!(without_role(said, &config), told);
        }
    }

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
