//! First on the path: refuses messages that hyper hands over although two parsers could read
//! them differently. Refuses with MALFORMED_PATH (the host belongs to the target) and
//! MALFORMED_BODY (framing belongs to the body). The connection ends with the answer, since
//! nobody can say where the next request starts.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Version};

use crate::error::{Code, Refusal};
use crate::handoff::Traced;

/// Checks what hyper doesn't.
pub fn check_message(traced: Traced) -> Result<Traced, Refusal> {
    let head = &traced.head;
    let fault = match head.version {
        // Frames say where its body ends; a length that stands twice is for another parser.
        Version::HTTP_2 => check_authority(head.uri.authority(), &head.headers)
            .and_then(|()| check_framing(&head.headers, head.version)),
        version => check_host(&head.headers, version)
            .and_then(|()| check_framing(&head.headers, version))
            .and_then(|()| check_upgrade(&head.method, &head.headers)),
    };
    match fault {
        Ok(()) => Ok(traced),
        Err(refusal) if head.version == Version::HTTP_2 => Err(refusal),
        Err(refusal) => Err(refusal.with_header(CONNECTION, HeaderValue::from_static("close"))),
    }
}

fn malformed_target(description: &'static str) -> Refusal {
    Refusal::new(Code::MalformedPath, description)
}

/// HTTP/1.1 needs exactly one valid `host`; HTTP/1.0 may do without (RFC 9112 section 3.2).
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (None, _) => Err(malformed_target("The request has no `host` header.")),
        (Some(_), Some(_)) => Err(malformed_target(
            "The request has more than one `host` header.",
        )),
        (Some(host), None) if is_host(host.as_bytes()) => Ok(()),
        (Some(_), None) => Err(malformed_target("The `host` header is not a host.")),
    }
}

/// An `http::uri::Authority` may be empty of host or hold a user name; a host may not.
fn is_host(host: &[u8]) -> bool {
    // As nearly all callers write it.
    is_plain_host(host)
        || Authority::try_from(host).is_ok_and(|authority| {
            let (text, host) = (authority.as_str(), authority.host());
            let port = text.get(host.len()..).unwrap_or_default();
            let is_port = matches!(port, "" | ":") || authority.port_u16().is_some();
            !host.is_empty() && !text.contains('@') && is_port
        })
}

/// A name or an IPv4 address, with or without a port that can't be too large.
fn is_plain_host(host: &[u8]) -> bool {
    let mut parts = host.splitn(2, |byte| *byte == b':');
    let (name, port) = (parts.next().unwrap_or_default(), parts.next());
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_port = |port: &[u8]| port.len() <= 4 && port.iter().all(u8::is_ascii_digit);
    !name.is_empty() && name.iter().all(is_plain) && port.is_none_or(is_port)
}

/// HTTP/2 names the host in `:authority`, in the same form; a `host` beside it must say the same (RFC 9113 8.3.1).
fn check_authority(authority: Option<&Authority>, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let agree = match (authority, host) {
        (Some(authority), host) => {
            let authority = authority.as_str().as_bytes();
            is_host(authority)
                && host.is_none_or(|host| host.as_bytes().eq_ignore_ascii_case(authority))
        }
        (None, host) => host.is_some_and(|host| is_host(host.as_bytes())),
    };
    match agree && second.is_none() {
        true => Ok(()),
        false => Err(malformed_target("The request does not name one host.")),
    }
}

/// Only `chunked`, once, and never beside a length or in HTTP/1.0.
fn check_framing(headers: &HeaderMap, version: Version) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let plain = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => {
            version == Version::HTTP_11
                && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !headers.contains_key(CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => false,
    };
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    match plain && lengths <= 1 {
        true => Ok(()),
        false => Err(Refusal::new(
            Code::MalformedBody,
            "Where the body ends can't be told for certain.",
        )),
    }
}

/// Nothing here speaks another protocol, and bytes behind such a request would poison the
/// connection.
fn check_upgrade(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    match *method == Method::CONNECT || headers.contains_key(UPGRADE) {
        true => Err(malformed_target(
            "This gateway neither tunnels nor changes protocols.",
        )),
        false => Ok(()),
    }
}
