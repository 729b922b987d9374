//! A request's body: received within bounds, then read as Express's JSON parser reads it.
//! Anything but JSON gives an empty body, as there; a coding or a charset it can't read is 415.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::answer::{Answer, html};

/// Express's default: 100 KiB.
const LIMIT: usize = 100 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The bytes that came.
pub struct Received {
    pub bytes: Bytes,
    pub end: End,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Whole,
    TooLarge,
    /// The connection ended first, or time ran out.
    Cut,
}

pub async fn receive(mut body: Incoming) -> Received {
    let mut bytes = BytesMut::new();
    let end = timeout(TIME_LIMIT, fill(&mut body, &mut bytes)).await;
    Received {
        bytes: bytes.freeze(),
        end: end.unwrap_or(End::Cut),
    }
}

async fn fill(body: &mut Incoming, bytes: &mut BytesMut) -> End {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return End::Cut };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > LIMIT {
            return End::TooLarge;
        }
        bytes.extend_from_slice(&data);
    }
    End::Whole
}

/// The members of an object: of duplicates the last, each value as it was written.
pub type Members = BTreeMap<String, Box<RawValue>>;

/// Reads an object; an array is good JSON to Express and leaves no members.
pub fn members(headers: &HeaderMap, received: &Received) -> Result<Members, Answer> {
    match received.end {
        End::TooLarge => return Err(html(StatusCode::PAYLOAD_TOO_LARGE)),
        End::Cut => return Err(html(StatusCode::BAD_REQUEST)),
        End::Whole => {}
    }
    if received.bytes.is_empty() || !is_json(headers) {
        return Ok(Members::new());
    }
    if !is_readable(headers) {
        return Err(html(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    parse(&received.bytes).ok_or_else(|| html(StatusCode::BAD_REQUEST))
}

fn parse(bytes: &[u8]) -> Option<Members> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim_start().starts_with('[') {
        let array: Result<Vec<&RawValue>, _> = serde_json::from_str(text);
        return array.ok().map(|_| Members::new());
    }
    serde_json::from_str(text).ok()
}

/// Whether the parser looks at the body at all. It doesn't when a parameter is malformed.
fn is_json(headers: &HeaderMap) -> bool {
    let (essence, parameters) = content_type(headers);
    let whole = |parameter: &&str| parameter.contains('=');
    essence.eq_ignore_ascii_case("application/json")
        && parameters.iter().all(|p| whole(&p.as_str()))
}

fn is_readable(headers: &HeaderMap) -> bool {
    let coding = headers.get(CONTENT_ENCODING);
    let plain = coding.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let (_, parameters) = content_type(headers);
    plain && parameters.iter().all(|parameter| is_utf_8(parameter))
}

fn is_utf_8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return true;
    };
    let charset = value.trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset") || charset.eq_ignore_ascii_case("utf-8")
}

/// The first content type: its essence and its parameters.
fn content_type(headers: &HeaderMap) -> (String, Vec<String>) {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let mut parts = value
        .unwrap_or_default()
        .split(';')
        .map(|part| part.trim().to_owned());
    (parts.next().unwrap_or_default(), parts.collect())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(kind: &str, body: &[u8]) -> Result<usize, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        let bytes = Bytes::copy_from_slice(body);
        let received = Received {
            bytes,
            end: End::Whole,
        };
        members(&headers, &received)
            .map(|members| members.len())
            .map_err(|answer| answer.status().as_u16())
    }

    #[test]
    fn reads_bodies_as_express_does() {
        let object: &[u8] = br#"{"a":1,"b":2,"a":3}"#;
        for (kind, body, expected) in [
            ("application/json", object, Ok(2)),
            ("Application/JSON; charset=UTF-8", object, Ok(2)),
            ("application/json", b"\xef\xbb\xbf{\"a\":1}", Ok(1)),
            ("application/json", b"{\"a\":\"\xff\"}", Ok(1)),
            ("application/json", b"", Ok(0)),
            ("application/json", b"[{}]", Ok(0)),
            ("application/json; foo", object, Ok(0)),
            ("application/json;", object, Ok(0)),
            ("application/vnd.ims.lis.v1.score+json", object, Ok(0)),
            ("text/plain", object, Ok(0)),
            ("application/json; charset=latin1", object, Err(415)),
            ("application/json", b"5", Err(400)),
            ("application/json", b"{\"a\":1,}", Err(400)),
            ("application/json", b"{\"a\":NaN}", Err(400)),
        ] {
            assert_eq!(read(kind, body), expected, "{kind} {body:?}");
        }
    }

    #[test]
    fn a_content_coding_is_415() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        let received = Received {
            bytes: Bytes::from_static(b"{}"),
            end: End::Whole,
        };
        let refused = members(&headers, &received).unwrap_err();
        assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
