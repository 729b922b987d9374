//! The sandbox: a stand-in LTIAAS, for the demo, for tests and for trying things out. It routes as
//! strictly as Express, authenticates as LTIAAS documents, keeps a grade book by the rules of AGS,
//! records every request and fails on demand. It stands where LTIAAS stands, so nothing on the
//! gateway's path may import it.

#![expect(
    clippy::result_large_err,
    reason = "refusals here are whole answers, as often sent as successes, and nothing is hot"
)]

mod answer;
mod auth;
mod body;
mod connection;
mod control;
mod fault;
mod grade_book;
mod launch;
mod line_items;
mod number;
mod paging;
mod platforms;
mod query;
mod recorder;
mod registrations;
mod routes;
mod score;
mod scores;
mod script;
mod service;
mod state;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

pub use fault::{Fault, Kind, Match};
pub use grade_book::Lms;
pub use state::Handle;

use state::State;

/// The API key that is taken when none is named.
pub const DEFAULT_API_KEY: &str = "sandbox-api-key";

/// How a sandbox behaves.
#[derive(Clone)]
pub struct Options {
    pub listen: SocketAddr,
    /// The API keys that are taken.
    pub api_keys: Vec<String>,
    /// Whose habits the grade book has.
    pub lms: Lms,
    /// Origin of the platform behind it: new line items and pages live there.
    pub platform: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_keys: vec![DEFAULT_API_KEY.into()],
            lms: Lms::default(),
            platform: "https://lms.example.com".into(),
        }
    }
}

/// A stand-in LTIAAS that listens.
pub struct Sandbox {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
}

impl Sandbox {
    /// Listens, but serves nothing yet.
    pub async fn bind(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            state: Arc::new(State::new(options)),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.state))
    }

    /// Serves until `until` is done, then drops every connection.
    pub async fn serve(self, until: impl Future) {
        connection::accept(self.listener, self.state, until).await;
    }
}
