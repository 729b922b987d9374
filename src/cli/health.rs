//! `scoregate health`: what a probe runs where there is neither shell nor curl.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;

use super::output::end_with;
use super::stop::Stop;
use crate::admin::{Health, Question, ask};
use crate::config::{Process, admin_address, read_limit};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    gateway: Gateway,
    /// Ask whether it lives, not whether it takes new work.
    #[arg(long)]
    live: bool,
    /// The longest to wait: `ms`, `s` or `m`, an hour at most.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = read_limit)]
    timeout: Duration,
}

/// Which gateway is asked.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Gateway {
    /// Its configuration; only the address of its admin listener is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address of its admin listener.
    #[arg(long, value_name = "IP:PORT")]
    admin: Option<SocketAddr>,
}

/// Exit code 0: good. 1: not, or no answer. 2: there is no address to ask.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let admin = match arguments.gateway.address() {
        Ok(admin) => reachable(admin),
        Err(why) => return Stop::usage(why).end(),
    };
    let question = match arguments.live {
        true => Question::Live,
        false => Question::Ready,
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let Health { is_good, line } = runtime.block_on(ask(admin, question, arguments.timeout));
    let code = ExitCode::from(u8::from(!is_good));
    end_with(code, writeln!(io::stdout(), "{line}"))
}

impl Gateway {
    fn address(&self) -> Result<SocketAddr, String> {
        let admin = match (self.admin, &self.config) {
            (Some(admin), _) => admin,
            (None, Some(file)) => {
                admin_address(file, &Process).map_err(|problems| problems.to_string())?
            }
            (None, None) => return Err("name a gateway: --config or --admin".to_owned()),
        };
        match admin.port() {
            0 => Err("port 0 is no address to ask: name the port with --admin".to_owned()),
            _ => Ok(admin),
        }
    }
}

/// A listener on every address is asked on this machine's own.
fn reachable(admin: SocketAddr) -> SocketAddr {
    let ip = match admin.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, admin.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:9901", "127.0.0.1:9901"),
            ("[::]:9901", "[::1]:9901"),
            ("127.0.0.2:1", "127.0.0.2:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
