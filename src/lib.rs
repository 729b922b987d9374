//! scoregate: the reverse proxy in front of LTIAAS that every score passes through.
//!
//! The map, from the bottom up; imports point down only. `pipeline` is the path of a request.

// Pure: values in, values out.
pub mod authorization;
mod count;
mod error;
pub mod gateway_key;
mod hex;
pub mod line_item;
mod origin;
mod permission;
pub mod policy;
pub mod routing;
pub mod score;

// What things are made of.
mod activity;
mod auth;
mod body;
mod bounded;
mod caller_body;
pub mod config;
mod deadline;
mod dial;
pub mod file_limit;
mod key_set;
pub mod ledger;
mod lifecycle;
mod maxima;
pub mod meter;
mod recording;
mod request_id;
mod seldom;
mod telemetry;
pub mod tls;
mod trace_context;
mod upstream;

// The path.
mod answer;
pub mod explanation;
mod forward;
pub mod gateway;
pub mod generation;
mod handoff;
mod layers;
mod lookup;
pub mod pipeline;
mod record;
pub mod redact;
mod server;
mod stages;
mod verdict;

// Around it.
mod admin;
mod app;
pub mod cli;
mod reload;
pub mod replay;
mod sandbox;

// What fuzzers and the replay of their corpora hold us to.
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
