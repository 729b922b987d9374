//! JSON that the gateway wrote itself, or read back from its ledger: nothing that has to be looked through again.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

#[derive(Clone, PartialEq, Eq)]
pub struct Json(Bytes);

impl Json {
    pub fn written(json: impl Into<Bytes>) -> Self {
        Self(json.into())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For whoever shows it; `None` for what is no JSON.
    pub fn raw(&self) -> Option<&RawValue> {
        serde_json::from_slice(&self.0).ok()
    }
}

impl From<Box<RawValue>> for Json {
    fn from(json: Box<RawValue>) -> Self {
        Self(Box::<str>::from(json).into_boxed_bytes().into())
    }
}

/// It may say who a learner is.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}
