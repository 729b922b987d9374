//! Reads the `Authorization` header in every form that an SDK sends. Pure.
//!
//! ```text
//! LTIK-AUTH-V2 <key or JWT>:<ltik>
//! SERVICE-AUTH-V1 <key or JWT>:<service key>
//! Bearer <key or JWT>                    with scoregate-ltik or scoregate-service-key beside it
//! LTIK-AUTH-V1 Token=<ltik>, Additional=Bearer <key or JWT>
//! ```

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::error::Code;

const LTIK: HeaderName = HeaderName::from_static("scoregate-ltik");
const SERVICE_KEY: HeaderName = HeaderName::from_static("scoregate-service-key");

/// What a caller presents: who it says it is, and for which launch.
pub struct Presented<'a> {
    pub scheme: Scheme,
    /// A gateway key or a JWT, not verified yet.
    pub credential: &'a str,
    pub launch: Option<Launch>,
}

/// The scheme that the caller named. It decides which 401 the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Ltik,
    Service,
    Bearer,
}

/// A launch credential.
#[derive(Clone)]
pub enum Launch {
    Ltik(SecretString),
    ServiceKey(SecretString),
}

/// Why no credentials could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    #[error("there is no authorization header")]
    Missing,
    #[error("there are several authorization headers")]
    Several,
    #[error("the authorization scheme is unknown")]
    UnknownScheme,
    #[error("the authorization header does not have its scheme's form")]
    Form(Scheme),
    #[error("the launch credential is empty, or holds characters that none has")]
    Launch(Scheme),
    #[error("there is more than one launch credential")]
    SeveralLaunches(Scheme),
}

impl Unreadable {
    pub fn code(self) -> Code {
        match self {
            Self::Missing | Self::Several | Self::UnknownScheme => Code::MissingAuthorization,
            Self::Form(scheme) | Self::Launch(scheme) | Self::SeveralLaunches(scheme) => {
                scheme.refusal()
            }
        }
    }
}

impl Scheme {
    /// The code of every 401 of a caller who named this scheme.
    pub fn refusal(self) -> Code {
        match self {
            Self::Ltik => Code::InvalidLtikAuthorization,
            Self::Service => Code::InvalidServiceAuthorization,
            Self::Bearer => Code::InvalidBearerAuthorization,
        }
    }
}

/// The forms of the header, by the word that each begins with.
#[derive(Clone, Copy)]
enum Form {
    Ltik,
    Service,
    LegacyLtik,
    Bearer,
}

impl Form {
    const ALL: [(&str, Self); 4] = [
        (LTIK_SCHEME, Self::Ltik),
        (SERVICE_SCHEME, Self::Service),
        ("LTIK-AUTH-V1", Self::LegacyLtik),
        ("Bearer", Self::Bearer),
    ];

    fn of(word: &[u8]) -> Result<Self, Unreadable> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        found.map_or(Err(Unreadable::UnknownScheme), |(_, form)| Ok(form))
    }

    fn scheme(self) -> Scheme {
        match self {
            Self::Ltik | Self::LegacyLtik => Scheme::Ltik,
            Self::Service => Scheme::Service,
            Self::Bearer => Scheme::Bearer,
        }
    }
}

impl Launch {
    fn text(&self) -> &SecretString {
        match self {
            Self::Ltik(text) | Self::ServiceKey(text) => text,
        }
    }

    /// The upstream's header value: this launch beside the account's own key.
    pub fn authorization(&self, api_key: &SecretString) -> Option<HeaderValue> {
        secret_value(&[
            self.scheme(),
            " ",
            api_key.expose_secret(),
            ":",
            self.text().expose_secret(),
        ])
    }

    /// What the upstream's header begins with.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Ltik(_) => LTIK_SCHEME,
            Self::ServiceKey(_) => SERVICE_SCHEME,
        }
    }

    /// The credential itself, to be kept out of what a caller is shown.
    pub fn expose(&self) -> &str {
        self.text().expose_secret()
    }
}

/// The scheme of a caller who brings an ltik.
pub const LTIK_SCHEME: &str = "LTIK-AUTH-V2";

const SERVICE_SCHEME: &str = "SERVICE-AUTH-V1";

/// The upstream's header value where the account's key stands alone.
pub fn bearer(api_key: &SecretString) -> Option<HeaderValue> {
    secret_value(&["Bearer ", api_key.expose_secret()])
}

fn secret_value(parts: &[&str]) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(parts.concat()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ltik(_) => "Ltik(***)",
            Self::ServiceKey(_) => "ServiceKey(***)",
        })
    }
}

/// Reads what a request's headers present.
pub fn read(headers: &HeaderMap) -> Result<Presented<'_>, Unreadable> {
    let value = authorization(headers)?.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    let form = Form::of(scheme.as_bytes())?;
    let scheme = form.scheme();
    let (credential, launch) = match form {
        Form::Ltik => split(rest, scheme, Launch::Ltik)?,
        Form::Service => split(rest, scheme, Launch::ServiceKey)?,
        Form::LegacyLtik => split_legacy(rest, scheme)?,
        Form::Bearer => (rest, None),
    };
    let presented = Presented {
        scheme,
        credential,
        launch,
    };
    with_launch_headers(presented, headers)
}

/// The one value of the header. What is no text has a scheme all the same, which decides the 401.
fn authorization(headers: &HeaderMap) -> Result<&str, Unreadable> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Unreadable::Missing),
        (Some(_), Some(_)) => return Err(Unreadable::Several),
        (Some(value), None) => value,
    };
    let bytes = value.as_bytes();
    // No header value holds control characters, so that what is ASCII is visible. `to_str` comes to
    // the same byte by byte, and a JWT is long.
    let text = bytes.is_ascii().then(|| str::from_utf8(bytes).ok());
    text.flatten().ok_or_else(|| {
        let word = bytes.split(|byte| *byte == b' ').next();
        match Form::of(word.unwrap_or_default()) {
            Ok(form) => Unreadable::Form(form.scheme()),
            Err(unknown) => unknown,
        }
    })
}

/// `Token=<ltik>, Additional=Bearer <key or JWT>`
fn split_legacy(rest: &str, scheme: Scheme) -> Result<(&str, Option<Launch>), Unreadable> {
    let form = || Unreadable::Form(scheme);
    let (token, additional) = rest.split_once(',').ok_or_else(form)?;
    let ltik = strip_prefix(token.trim(), "Token=").ok_or_else(form)?;
    let bearer = strip_prefix(additional.trim(), "Additional=").ok_or_else(form)?;
    let credential = strip_prefix(bearer.trim(), "Bearer ")
        .ok_or_else(form)?
        .trim();
    let launch = Launch::Ltik(launch_text(ltik, scheme)?);
    Ok((credential, Some(launch)))
}

/// Neither keys nor JWTs hold a colon, so the first one ends the caller's credential.
fn split(
    rest: &str,
    scheme: Scheme,
    make: fn(SecretString) -> Launch,
) -> Result<(&str, Option<Launch>), Unreadable> {
    let (credential, launch) = rest.split_once(':').ok_or(Unreadable::Form(scheme))?;
    Ok((credential, Some(make(launch_text(launch, scheme)?))))
}

fn with_launch_headers<'a>(
    mut presented: Presented<'a>,
    headers: &HeaderMap,
) -> Result<Presented<'a>, Unreadable> {
    let scheme = presented.scheme;
    type Make = fn(SecretString) -> Launch;
    for (name, make) in [
        (LTIK, Launch::Ltik as Make),
        (SERVICE_KEY, Launch::ServiceKey as Make),
    ] {
        let several = |_| Unreadable::SeveralLaunches(scheme);
        let Some(text) = only(headers, &name).map_err(several)? else {
            continue;
        };
        let launch = make(launch_text(text, scheme)?);
        if presented.launch.replace(launch).is_some() {
            return Err(Unreadable::SeveralLaunches(scheme));
        }
    }
    Ok(presented)
}

/// A launch credential is one run of visible characters. A comma or a space in it would let two
/// readers of the header disagree on where it ends.
fn launch_text(text: &str, scheme: Scheme) -> Result<SecretString, Unreadable> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b',';
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => Ok(SecretString::from(text)),
        false => Err(Unreadable::Launch(scheme)),
    }
}

/// The one value of a header; an error when there are several or it is not text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, NotOne> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| NotOne),
        (Some(_), Some(_)) => Err(NotOne),
    }
}

struct NotOne;

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn presented(pairs: &[(&str, &str)]) -> Result<(Scheme, String, String), Unreadable> {
        let headers = headers(pairs);
        read(&headers).map(|presented| {
            let launch = match &presented.launch {
                None => String::from("-"),
                Some(Launch::Ltik(text)) => format!("ltik {}", text.expose_secret()),
                Some(Launch::ServiceKey(text)) => format!("service {}", text.expose_secret()),
            };
            (presented.scheme, presented.credential.to_owned(), launch)
        })
    }

    #[test]
    fn reads_every_form_that_a_client_sends() {
        let auth = |value| [("authorization", value)];
        for (given, scheme, credential, launch) in [
            ("LTIK-AUTH-V2 K:a.b.c", Scheme::Ltik, "K", "ltik a.b.c"),
            ("ltik-auth-v2  K:a:b", Scheme::Ltik, "K", "ltik a:b"),
            (
                "SERVICE-AUTH-V1 j.w.t:S",
                Scheme::Service,
                "j.w.t",
                "service S",
            ),
            ("Bearer K", Scheme::Bearer, "K", "-"),
            ("bearer K", Scheme::Bearer, "K", "-"),
            (
                "LTIK-AUTH-V1 Token=T, Additional=Bearer K",
                Scheme::Ltik,
                "K",
                "ltik T",
            ),
            (
                "LTIK-AUTH-V1 token=T,additional=bearer K",
                Scheme::Ltik,
                "K",
                "ltik T",
            ),
        ] {
            let expected = (scheme, credential.to_owned(), launch.to_owned());
            assert_eq!(presented(&auth(given)), Ok(expected), "{given}");
        }
    }

    #[test]
    fn a_header_that_is_no_text_has_its_schemes_fault() {
        for (given, why) in [
            (&b"Bearer \xC3\xA9"[..], Unreadable::Form(Scheme::Bearer)),
            (b"LTIK-AUTH-V2 K:\xFF", Unreadable::Form(Scheme::Ltik)),
            (b"service-auth-v1 K:\xFF", Unreadable::Form(Scheme::Service)),
            (b"Basic \xFF", Unreadable::UnknownScheme),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(given).unwrap());
            assert_eq!(read(&headers).err(), Some(why));
        }
    }

    #[test]
    fn a_bearer_may_bring_its_launch_in_a_header() {
        let with = |name| {
            presented(&[("authorization", "Bearer K"), (name, "L")])
                .unwrap()
                .2
        };
        assert_eq!(with("scoregate-ltik"), "ltik L");
        assert_eq!(with("scoregate-service-key"), "service L");
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways() {
        use Unreadable::*;
        let auth = "authorization";
        for (given, why) in [
            (&[][..], Missing),
            (&[(auth, "Bearer K"), (auth, "Bearer K")], Several),
            (&[(auth, "Basic K")], UnknownScheme),
            (&[(auth, "")], UnknownScheme),
            (&[(auth, "LTIK-AUTH-V2 K")], Form(Scheme::Ltik)),
            (&[(auth, "SERVICE-AUTH-V1 K")], Form(Scheme::Service)),
            (&[(auth, "LTIK-AUTH-V1 Token=T")], Form(Scheme::Ltik)),
            (
                &[(auth, "LTIK-AUTH-V1 Token=T, Additional=K")],
                Form(Scheme::Ltik),
            ),
            (&[(auth, "LTIK-AUTH-V2 K:")], Launch(Scheme::Ltik)),
            (&[(auth, "LTIK-AUTH-V2 K:a b")], Launch(Scheme::Ltik)),
            (&[(auth, "SERVICE-AUTH-V1 K:a,b")], Launch(Scheme::Service)),
            (
                &[(auth, "Bearer K"), ("scoregate-ltik", "a b")],
                Launch(Scheme::Bearer),
            ),
            (
                &[
                    (auth, "Bearer K"),
                    ("scoregate-ltik", "a"),
                    ("scoregate-ltik", "a"),
                ],
                SeveralLaunches(Scheme::Bearer),
            ),
            (
                &[
                    (auth, "Bearer K"),
                    ("scoregate-ltik", "a"),
                    ("scoregate-service-key", "b"),
                ],
                SeveralLaunches(Scheme::Bearer),
            ),
            (
                &[(auth, "LTIK-AUTH-V2 K:a"), ("scoregate-ltik", "b")],
                SeveralLaunches(Scheme::Ltik),
            ),
        ] {
            assert_eq!(presented(given), Err(why), "{given:?}");
        }
    }
}
