//! Request ids: a sane one of the caller's is adopted, else one is minted.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header it is read from and echoed in.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is adopted, in bytes.
const LONGEST: usize = 128;

/// What ties a request's log lines, its answer and the upstream's own log together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Mints ids: a random part per process, so that ids of several gateways differ, and a counter.
///
/// Not tower-http's `SetRequestId` with UUIDs: those take 5,000 instructions, this 1,550
/// (docs/decisions/0002).
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub fn new() -> Result<Self, getrandom::Error> {
        let process = getrandom::u64()?;
        Ok(Self {
            process,
            next: AtomicU64::new(0),
        })
    }

    pub fn adopt_or_mint(&self, headers: &HeaderMap) -> RequestId {
        let mut given = headers.get_all(X_REQUEST_ID).iter();
        match (given.next(), given.next()) {
            (Some(id), None) if is_sane(id) => RequestId(id.clone()),
            _ => self.mint(),
        }
    }

    fn mint(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = Vec::with_capacity(16 + 1 + 16);
        push_hex(self.process, &mut text);
        text.push(b'-');
        push_hex(count, &mut text);
        // Hexadecimal digits and a dash are always a header value.
        RequestId(
            HeaderValue::from_maybe_shared(bytes::Bytes::from(text))
                .unwrap_or(HeaderValue::from_static("0")),
        )
    }
}

/// Letters, digits and `-_.` alone, so that no id can forge a log line or carry markup.
fn is_sane(id: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
}

fn push_hex(mut number: u64, out: &mut Vec<u8>) {
    for _ in 0..16 {
        number = number.rotate_left(4);
        let digit = u8::try_from(number & 0xF).unwrap_or_default();
        out.push(if digit < 10 {
            b'0' + digit
        } else {
            b'a' + digit - 10
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adopted(values: &[&str]) -> RequestId {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_REQUEST_ID, HeaderValue::from_str(value).unwrap());
        }
        RequestIds::new().unwrap().adopt_or_mint(&headers)
    }

    #[test]
    fn adopts_one_sane_id_and_mints_otherwise() {
        assert_eq!(adopted(&["a-B_9.z"]).as_str(), "a-B_9.z");
        for values in [
            &[][..],
            &["a", "b"],
            &[""],
            &["a b"],
            &["<b>"],
            &["x".repeat(129).as_str()],
        ] {
            assert_eq!(adopted(values).as_str().len(), 33, "{values:?}");
        }
    }

    #[test]
    fn minted_ids_differ() {
        let ids = RequestIds::new().unwrap();
        assert_ne!(ids.mint(), ids.mint());
        assert_ne!(ids.mint(), RequestIds::new().unwrap().mint());
    }
}
