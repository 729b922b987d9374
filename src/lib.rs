//! scoregate: the reverse proxy in front of LTIAAS that every score passes through.
//!
//! The map, from the bottom up; imports point down only.

pub mod config;
pub mod dial;
pub mod error;
pub mod line_item;
pub mod origin;
pub mod permission;
pub mod policy;
pub mod sandbox;
pub mod score;
pub mod tls;
