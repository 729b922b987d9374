//! W3C trace context (`traceparent`, `tracestate`): what a caller's tracing says of a request,
//! read strictly, so that it can be carried on and logged as it is.
//!
//! Without an exporter nothing is minted for a request that comes without one: `x-request-id` ties
//! log lines together already, and a trace id that nobody recorded leads nowhere
//! (docs/decisions/0005).

use std::fmt::Display;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `00-` + 32 digits + `-` + 16 digits + `-` + 2 digits: what every version begins with.
const LENGTH: usize = 55;

/// A longer `tracestate` need not be carried on (W3C Trace Context, section 3.3.1.5).
const LONGEST_STATE: usize = 512;

/// A valid `traceparent`, and the `tracestate` beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: HeaderValue,
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// `None` without exactly one `traceparent`, or with an invalid one: its `tracestate` says
    /// nothing then.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let (parent, None) = (parents.next()?, parents.next()) else {
            return None;
        };
        is_valid(parent.as_bytes()).then(|| Self {
            parent: parent.clone(),
            state: state(headers),
        })
    }

    /// 32 small hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        let text = self.parent.to_str().unwrap_or_default();
        text.get(3..35).unwrap_or_default()
    }

    /// 16 small hexadecimal digits: the caller's span.
    pub fn span_id(&self) -> &str {
        let text = self.parent.to_str().unwrap_or_default();
        text.get(36..52).unwrap_or_default()
    }

    /// Whether the caller records the trace: the lowest bit of the flags.
    pub fn is_sampled(&self) -> bool {
        let digit = self.parent.as_bytes().get(LENGTH - 1).copied();
        let digit = digit.and_then(|digit| char::from(digit).to_digit(16));
        digit.is_some_and(|digit| digit & 1 == 1)
    }

    /// A recorded span's, with the caller's `tracestate`.
    pub fn below(trace: &impl Display, span: &impl Display, caller: Option<Self>) -> Option<Self> {
        let parent = HeaderValue::try_from(format!("00-{trace}-{span}-01")).ok()?;
        let state = caller.and_then(|caller| caller.state);
        Some(Self { parent, state })
    }

    /// Puts both headers in, each once.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(TRACEPARENT, self.parent.clone());
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        }
    }
}

/// Section 3.2.2: lower-case digits, no id of zeros, version `ff` forbidden, nothing behind the
/// flags of version `00`, and only behind another dash in those that come later.
fn is_valid(text: &[u8]) -> bool {
    let Some((parent, rest)) = text.split_at_checked(LENGTH) else {
        return false;
    };
    let mut parts = parent.split(|byte| *byte == b'-');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
    let [Some(version), Some(trace), Some(span), Some(flags)] = parts else {
        return false;
    };
    let lengths = [version, trace, span, flags].map(<[u8]>::len);
    let is_hex = |part: &[u8]| part.iter().all(|byte| is_small_digit(*byte));
    let ends_well = match version {
        b"00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    lengths == [2, 32, 16, 2]
        && [version, trace, span, flags].into_iter().all(is_hex)
        && version != b"ff"
        && !is_zero(trace)
        && !is_zero(span)
        && ends_well
        && rest.is_ascii()
}

fn is_small_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn is_zero(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == b'0')
}

/// Several headers are one list (section 3.3.1). What is too long, or not plain text, is left out.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut states = headers.get_all(TRACESTATE).iter();
    let first = states.next()?;
    let state = match states.next() {
        None => first.clone(),
        Some(second) => join([first, second].into_iter().chain(states))?,
    };
    (state.len() <= LONGEST_STATE && state.to_str().is_ok()).then_some(state)
}

fn join<'a>(states: impl Iterator<Item = &'a HeaderValue>) -> Option<HeaderValue> {
    let mut joined = BytesMut::new();
    for state in states {
        if !joined.is_empty() {
            joined.put_u8(b',');
        }
        joined.put_slice(state.as_bytes());
    }
    HeaderValue::from_maybe_shared(joined.freeze()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn read(parent: &str) -> Option<TraceContext> {
        TraceContext::read(&headers(&[(TRACEPARENT, parent)]))
    }

    #[test]
    fn reads_what_the_specification_allows_and_nothing_else() {
        let good = read(GOOD).unwrap();
        assert_eq!(good.trace_id(), &GOOD[3..35]);
        assert_eq!((good.span_id(), good.is_sampled()), (&GOOD[36..52], true));
        assert!(!read(&GOOD.replace("-01", "-02")).unwrap().is_sampled());
        let later = GOOD.replacen("00", "cc", 1);
        for good in [
            later.clone(),
            format!("{later}-what-the-future-will-be-like"),
        ] {
            assert!(read(&good).is_some(), "{good}");
        }
        for bad in [
            String::new(),
            GOOD[..54].to_owned(),
            format!("{GOOD}-00"),
            format!("{GOOD}."),
            format!("{later}."),
            GOOD.to_uppercase(),
            GOOD.replacen("00", "ff", 1),
            GOOD.replace('-', "_"),
            GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            GOOD.replacen("0a", "0g", 1),
            GOOD.replacen("0a", "0-", 1),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }

    #[test]
    fn two_parents_are_none() {
        let twice = headers(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)]);
        assert_eq!(TraceContext::read(&twice), None);
    }

    #[test]
    fn state_comes_with_a_valid_parent_alone_and_as_one_header() {
        let written = |lines: &[(HeaderName, &str)]| {
            let mut written = HeaderMap::new();
            TraceContext::read(&headers(lines))?.write(&mut written);
            Some(written)
        };
        let (one, two) = ((TRACESTATE, "a=1"), (TRACESTATE, "b=2"));
        let good = (TRACEPARENT, GOOD);
        assert_eq!(
            written(&[good.clone(), one.clone(), two.clone()]).unwrap()["tracestate"],
            "a=1,b=2"
        );
        assert_eq!(written(&[(TRACEPARENT, "x"), one]), None);
        let long = "x".repeat(LONGEST_STATE + 1);
        let without = written(&[good, (TRACESTATE, long.as_str())]).unwrap();
        assert_eq!(
            (without.len(), &without["traceparent"]),
            (1, &HeaderValue::from_static(GOOD))
        );
    }

    proptest! {
        #[test]
        fn no_value_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            is_valid(&bytes);
        }
    }
}
