//! Who is let in and who is not: gateway keys, tokens, and the key sets they are checked with.

mod gateway_keys;
mod key_sets;
mod keys;
mod provider;
mod setting;
mod tokens;
