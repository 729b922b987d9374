//! Who calls: gateway keys and JWTs → callers. What is cached is that a token was verified; what
//! its holder may do is decided for every request.

mod cache;
mod caller;
mod claims;
mod fetch;
mod gateway_keys;
mod issuer;
mod key_source;
mod places;
mod quota;
mod readers;
mod scope;
mod self_test;
mod tally;
mod timing;
mod token;
mod unverified;
mod verifier;

pub use caller::Caller;
pub use places::{Place, Places};
pub use quota::Quota;
pub use readers::Readers;
pub use tally::KeySetState;
pub use unverified::{CannotVerify, Unverified};
pub use verifier::Verifier;

#[cfg(test)]
mod tests;
