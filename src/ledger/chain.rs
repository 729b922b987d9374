//! The chain: each entry's hash is over the hash before it and all that is recorded of it, so that
//! nothing can be changed, removed, added or moved without a trace.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::row::{Plain, Row};
use crate::hex::hex;

/// About what the plain columns of an entry take.
const USUAL: usize = 1_024;

/// SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Zeros for bytes of another length: they fit nowhere.
    pub fn read(bytes: &[u8]) -> Self {
        Self(bytes.try_into().unwrap_or_default())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Appends to the chain that ends with `prev_hash`.
pub fn link(sequence: i64, prev_hash: Hash, plain: Plain<'_>, sealed: Vec<u8>) -> Row<'_> {
    let hash = hash(sequence, &prev_hash, &plain, &sealed);
    Row {
        sequence,
        plain,
        sealed,
        prev_hash,
        hash,
    }
}

/// The hash that an entry must have.
pub fn hash(sequence: i64, prev_hash: &Hash, plain: &Plain<'_>, sealed: &[u8]) -> Hash {
    let mut sum = Sum(Vec::with_capacity(USUAL + sealed.len()));
    sum.bytes(prev_hash.bytes());
    sum.integer(Some(sequence));
    // Destructured, so that no new column is forgotten.
    let Plain {
        receipt,
        time,
        account,
        caller,
        line_item,
        cell,
        in_history,
        decision,
        code,
        rules,
        judged,
        policy_generation,
        upstream_status,
        duration_ms,
        digest: of_body,
    } = plain;
    for text in [receipt, account, caller, line_item, decision, rules] {
        sum.bytes(text.as_bytes());
    }
    for text in [code.as_deref(), judged.as_deref()] {
        sum.optional(text);
    }
    for integer in [*time, *in_history, *policy_generation, *duration_ms] {
        sum.integer(Some(integer));
    }
    sum.integer(*cell);
    sum.integer(*upstream_status);
    sum.bytes(of_body);
    sum.bytes(sealed);
    Hash::read(digest(&SHA256, &sum.0).as_ref())
}

/// Puts values together so that no two lists of them read the same. In one piece, because hashing many
/// small ones costs more than to copy them.
struct Sum(Vec<u8>);

impl Sum {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0
            .extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.extend_from_slice(&[u8::from(text.is_some())]);
        self.bytes(text.unwrap_or_default().as_bytes());
    }

    fn integer(&mut self, integer: Option<i64>) {
        self.0.extend_from_slice(&[u8::from(integer.is_some())]);
        self.0
            .extend_from_slice(&integer.unwrap_or_default().to_be_bytes());
    }
}
