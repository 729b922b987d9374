//! Reads a request path loosely: extra slashes around fixed segments, any case, escaped letters.
//! Whatever Express, or a path-repairing front before it, could take for the scores route is
//! read as the scores route or refused.

use std::borrow::Cow;

use thiserror::Error;

use crate::line_item::{DotSegments, LineItem, NotALineItem, decode_once, escaped_byte};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    IdToken,
    Memberships,
    LineItems,
    LineItem(LineItem),
    Scores(LineItem),
    DeepLinking,
    DeepLinkingForm,
    Registration(String),
    RegistrationCompletion(String),
    Platforms(PlatformsBase),
    Platform(PlatformsBase, String),
    PlatformActivation(PlatformsBase, String),
    PlatformDeactivation(PlatformsBase, String),
}

/// A resource without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    IdToken,
    Memberships,
    LineItems,
    LineItem,
    Scores,
    DeepLinking,
    DeepLinkingForm,
    Registration,
    RegistrationCompletion,
    Platforms,
    Platform,
    PlatformActivation,
    PlatformDeactivation,
}

/// The platforms endpoints stand under two bases: the documentation says `/admin`, the Node SDK
/// sends `/api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformsBase {
    Admin,
    Api,
}

/// Why a path names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathFault {
    #[error("no such route")]
    NotFound,
    #[error("the path holds a backslash, a NUL or a character that must be escaped")]
    Character,
    #[error("the path holds a malformed percent escape")]
    Escape,
    #[error("the path holds a dot segment")]
    DotSegment,
    #[error("the line item id is missing")]
    NoLineItem,
    #[error("the id can't be one path segment")]
    Segment,
    #[error("the line item id can't be used: {0}")]
    LineItem(#[from] NotALineItem),
}

impl Resource {
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::IdToken => ResourceKind::IdToken,
            Self::Memberships => ResourceKind::Memberships,
            Self::LineItems => ResourceKind::LineItems,
            Self::LineItem(_) => ResourceKind::LineItem,
            Self::Scores(_) => ResourceKind::Scores,
            Self::DeepLinking => ResourceKind::DeepLinking,
            Self::DeepLinkingForm => ResourceKind::DeepLinkingForm,
            Self::Registration(_) => ResourceKind::Registration,
            Self::RegistrationCompletion(_) => ResourceKind::RegistrationCompletion,
            Self::Platforms(_) => ResourceKind::Platforms,
            Self::Platform(..) => ResourceKind::Platform,
            Self::PlatformActivation(..) => ResourceKind::PlatformActivation,
            Self::PlatformDeactivation(..) => ResourceKind::PlatformDeactivation,
        }
    }
}

/// Reads the raw path of an origin-form target.
pub fn read_path(path: &str) -> Result<Resource, PathFault> {
    scan(path)?;
    let mut segments = Segments(path);
    match segments.next_fixed().as_deref() {
        Some("api") => read_api(segments),
        Some("admin") if segments.next_fixed().as_deref() == Some("platforms") => {
            read_platforms(segments, PlatformsBase::Admin)
        }
        _ => Err(PathFault::NotFound),
    }
}

fn read_api(mut segments: Segments<'_>) -> Result<Resource, PathFault> {
    match segments.next_fixed().as_deref() {
        Some("lineitems") => read_line_items(segments),
        Some("idtoken") => segments.end(Resource::IdToken),
        Some("memberships") => segments.end(Resource::Memberships),
        Some("deeplinking") => match segments.next_fixed().as_deref() {
            None => Ok(Resource::DeepLinking),
            Some("form") => segments.end(Resource::DeepLinkingForm),
            Some(_) => Err(PathFault::NotFound),
        },
        Some("registrations") => read_registration(segments),
        Some("platforms") => read_platforms(segments, PlatformsBase::Api),
        _ => Err(PathFault::NotFound),
    }
}

/// The id takes everything between `lineitems` and a closing `scores`: the official Python SDK
/// leaves its slashes bare. Slashes inside it stay as they are.
fn read_line_items(segments: Segments<'_>) -> Result<Resource, PathFault> {
    let rest = segments.0.trim_matches('/');
    let (before, last) = rest.rsplit_once('/').unwrap_or(("", rest));
    if rest.is_empty() {
        Ok(Resource::LineItems)
    } else if fold(last) == "scores" {
        read_id(before.trim_end_matches('/')).map(Resource::Scores)
    } else {
        read_id(rest).map(Resource::LineItem)
    }
}

fn read_id(raw: &str) -> Result<LineItem, PathFault> {
    if raw.is_empty() {
        return Err(PathFault::NoLineItem);
    }
    let text = decode_once(raw).ok_or(PathFault::Escape)?;
    Ok(LineItem::parse(&text)?)
}

fn read_registration(mut segments: Segments<'_>) -> Result<Resource, PathFault> {
    let id = segments.next_id()?.ok_or(PathFault::NotFound)?;
    match segments.next_fixed().as_deref() {
        None => Ok(Resource::Registration(id)),
        Some("complete") => segments.end(Resource::RegistrationCompletion(id)),
        Some(_) => Err(PathFault::NotFound),
    }
}

fn read_platforms(mut segments: Segments<'_>, base: PlatformsBase) -> Result<Resource, PathFault> {
    let Some(id) = segments.next_id()? else {
        return Ok(Resource::Platforms(base));
    };
    match segments.next_fixed().as_deref() {
        None => Ok(Resource::Platform(base, id)),
        Some("activate") => segments.end(Resource::PlatformActivation(base, id)),
        Some("deactivate") => segments.end(Resource::PlatformDeactivation(base, id)),
        Some(_) => Err(PathFault::NotFound),
    }
}

/// What is left of a path. Runs of slashes separate like a single one.
struct Segments<'a>(&'a str);

impl<'a> Segments<'a> {
    fn next_raw(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches('/');
        let end = rest.find('/').unwrap_or(rest.len());
        let (segment, rest) = rest.split_at(end);
        self.0 = rest;
        (!segment.is_empty()).then_some(segment)
    }

    /// The next segment as a fixed one: escapes decoded, in lower case.
    fn next_fixed(&mut self) -> Option<Cow<'a, str>> {
        self.next_raw().map(fold)
    }

    /// The next segment as an id that must remain a single segment when it is decoded.
    fn next_id(&mut self) -> Result<Option<String>, PathFault> {
        let Some(raw) = self.next_raw() else {
            return Ok(None);
        };
        let id = decode_once(raw).ok_or(PathFault::Escape)?;
        match id.contains(['/', '\\', '?', '#', '%']) || id.chars().any(char::is_control) {
            true => Err(PathFault::Segment),
            false => Ok(Some(id.into_owned())),
        }
    }

    /// `resource`, if nothing but slashes follows.
    fn end(mut self, resource: Resource) -> Result<Resource, PathFault> {
        match self.next_raw() {
            None => Ok(resource),
            Some(_) => Err(PathFault::NotFound),
        }
    }
}

fn fold(segment: &str) -> Cow<'_, str> {
    let plain = segment.bytes().all(|byte| byte.is_ascii_lowercase());
    if plain {
        return Cow::Borrowed(segment);
    }
    let decoded = decode_once(segment).unwrap_or(Cow::Borrowed(segment));
    Cow::Owned(decoded.to_ascii_lowercase())
}

/// Refuses what no client sends and two parsers could read differently. One pass, no copy.
fn scan(path: &str) -> Result<(), PathFault> {
    let mut bytes = path.bytes();
    let mut segments = DotSegments::start();
    while let Some(raw) = bytes.next() {
        let byte = match raw {
            b'%' => escaped_byte(bytes.next(), bytes.next()).ok_or(PathFault::Escape)?,
            b'\\' | 0..=0x20 | 0x7F.. => return Err(PathFault::Character),
            other => other,
        };
        if matches!(byte, b'\\' | 0) {
            return Err(PathFault::Character);
        }
        if segments.end_at(byte) {
            return Err(PathFault::DotSegment);
        }
    }
    match segments.end_at(b'/') {
        true => Err(PathFault::DotSegment),
        false => Ok(()),
    }
}

/// Whether a path that was read as something else could still reach the scores route through a
/// front that decodes it, cuts parameters off or strips an extension.
pub fn resembles_scores(path: &str) -> bool {
    let once = decode_once(path).unwrap_or(Cow::Borrowed(path));
    let twice = decode_once(&once).unwrap_or(Cow::Borrowed(&once));
    let folded = twice.to_ascii_lowercase();
    let after = folded.split_once("lineitems").map(|(_, after)| after);
    after.is_some_and(|after| after.contains("scores"))
}
