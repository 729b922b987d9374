//! scoregate: the reverse proxy in front of LTIAAS that every score passes through.
//!
//! The map, from the bottom up; imports point down only. `pipeline` is the path of a request.

// Pure: values in, values out.
pub mod authorization;
pub mod error;
pub mod gateway_key;
pub mod line_item;
pub mod origin;
pub mod permission;
pub mod policy;
pub mod routing;
pub mod score;

// What things are made of.
pub mod activity;
pub mod auth;
pub mod body;
pub mod caller_body;
pub mod config;
pub mod deadline;
pub mod dial;
pub mod file_limit;
pub mod key_set;
pub mod ledger;
pub mod lifecycle;
pub mod meter;
pub mod request_id;
pub mod seldom;
pub mod telemetry;
pub mod tls;
pub mod trace_context;
pub mod upstream;

// The path.
pub mod answer;
pub mod explanation;
pub mod forward;
pub mod gateway;
pub mod generation;
pub mod handoff;
pub mod layers;
pub mod lookup;
pub mod pipeline;
pub mod record;
pub mod redact;
pub mod server;
pub mod stages;
pub mod verdict;

// Around it.
pub mod admin;
pub mod app;
pub mod cli;
pub mod reload;
pub mod replay;
pub mod sandbox;

// What fuzzers and the replay of their corpora hold us to.
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
