//! The whole of a request target: read from the caller's spelling, written in ours.

use http::uri::PathAndQuery;
use http::{Method, Uri, Version};
use thiserror::Error;

use super::Operation;
use super::path::{PathFault, PlatformsBase, Resource, ResourceKind, read_path, resembles_scores};
use super::query::{QueryFault, read_query};
use crate::line_item::{LineItem, encode_component};

/// A request target, understood.
#[derive(Debug)]
pub struct Target {
    pub operation: Operation,
    pub line_item: Option<LineItem>,
    /// The `url` query parameter, which LTIAAS would fetch.
    pub url: Option<LineItem>,
    /// The target that is sent upstream.
    pub upstream: PathAndQuery,
}

/// Why a target is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum TargetFault {
    #[error("the target must be a path, in origin-form")]
    Form,
    #[error("no route of LTIAAS has this path")]
    NotFound,
    #[error("the path is known, but not with this method")]
    Method(ResourceKind),
    #[error(transparent)]
    Path(PathFault),
    #[error(transparent)]
    Query(#[from] QueryFault),
    #[error("the path could be read as the scores route, but is not spelled as one")]
    Ambiguous,
    #[error("the `url` parameter does not lie beneath the line item")]
    UrlElsewhere,
    #[error("the target is too long")]
    TooLong,
}

/// Reads the target of a request.
pub fn read_target(method: &Method, uri: &Uri, version: Version) -> Result<Target, TargetFault> {
    check_form(uri, version)?;
    let path = uri.path();
    let resource = match read_path(path) {
        Ok(resource) => resource,
        Err(PathFault::NotFound) => return Err(refuse_unknown(method, path)),
        Err(fault) => return Err(TargetFault::Path(fault)),
    };
    let Some(operation) = Operation::find(method, resource.kind()) else {
        return Err(refuse_method(method, path, resource.kind()));
    };
    let raw_query = uri.query().unwrap_or_default();
    if !raw_query.is_ascii() {
        return Err(TargetFault::Path(PathFault::Character));
    }
    let query = read_query(raw_query, operation)?;
    let upstream = write_target(&resource, &query.text)?;
    let line_item = match resource {
        Resource::LineItem(item) | Resource::Scores(item) => Some(item),
        _ => None,
    };
    let elsewhere = |(item, url): (&LineItem, &LineItem)| !item.contains(url);
    if line_item
        .as_ref()
        .zip(query.url.as_ref())
        .is_some_and(elsewhere)
    {
        return Err(TargetFault::UrlElsewhere);
    }
    Ok(Target {
        operation,
        line_item,
        url: query.url,
        upstream,
    })
}

/// HTTP/2 carries scheme and authority beside the path; in HTTP/1 they make a target absolute.
pub(super) fn check_form(uri: &Uri, version: Version) -> Result<(), TargetFault> {
    let absolute = uri.scheme().is_some() || uri.authority().is_some();
    match (absolute && version != Version::HTTP_2) || !uri.path().starts_with('/') {
        true => Err(TargetFault::Form),
        false => Ok(()),
    }
}

fn refuse_unknown(method: &Method, path: &str) -> TargetFault {
    match method == Method::POST && resembles_scores(path) {
        true => TargetFault::Ambiguous,
        false => TargetFault::NotFound,
    }
}

fn refuse_method(method: &Method, path: &str, resource: ResourceKind) -> TargetFault {
    match method == Method::POST && resembles_scores(path) {
        true => TargetFault::Ambiguous,
        false => TargetFault::Method(resource),
    }
}

fn write_target(resource: &Resource, query: &str) -> Result<PathAndQuery, TargetFault> {
    let mut target = String::with_capacity(160 + query.len());
    push_path(resource, &mut target);
    if !query.is_empty() {
        target.push('?');
        target.push_str(query);
    }
    PathAndQuery::from_maybe_shared(target).map_err(|_| TargetFault::TooLong)
}

/// Where a line item's scores are submitted.
pub fn scores_target(item: &LineItem) -> Result<Target, TargetFault> {
    Ok(Target {
        operation: Operation::SubmitScore,
        line_item: Some(item.clone()),
        url: None,
        upstream: write_target(&Resource::Scores(item.clone()), "")?,
    })
}

/// Where a line item itself is read.
pub fn write_line_item(item: &LineItem) -> Result<PathAndQuery, TargetFault> {
    write_target(&Resource::LineItem(item.clone()), "")
}

/// Where the results of a learner are read: the first page, or the one at `next`. LTIAAS ignores
/// all other parameters beside `url`.
pub fn write_results(
    item: &LineItem,
    user: &str,
    next: Option<&LineItem>,
) -> Result<PathAndQuery, TargetFault> {
    let (name, value) = next.map_or(("userId", user), |next| ("url", next.text()));
    let mut query = format!("{name}=");
    encode_component(value, &mut query);
    write_target(&Resource::Scores(item.clone()), &query)
}

fn push_path(resource: &Resource, out: &mut String) {
    match resource {
        Resource::IdToken => out.push_str("/api/idtoken"),
        Resource::Memberships => out.push_str("/api/memberships"),
        Resource::LineItems => out.push_str("/api/lineitems"),
        Resource::LineItem(item) => push_item("/api/lineitems/", item.text(), "", out),
        Resource::Scores(item) => push_item("/api/lineitems/", item.text(), "/scores", out),
        Resource::DeepLinking => out.push_str("/api/deeplinking"),
        Resource::DeepLinkingForm => out.push_str("/api/deeplinking/form"),
        Resource::Registration(id) => push_item("/api/registrations/", id, "", out),
        Resource::RegistrationCompletion(id) => {
            push_item("/api/registrations/", id, "/complete", out)
        }
        Resource::Platforms(base) => out.push_str(platforms(*base).trim_end_matches('/')),
        Resource::Platform(base, id) => push_item(platforms(*base), id, "", out),
        Resource::PlatformActivation(base, id) => push_item(platforms(*base), id, "/activate", out),
        Resource::PlatformDeactivation(base, id) => {
            push_item(platforms(*base), id, "/deactivate", out)
        }
    }
}

fn platforms(base: PlatformsBase) -> &'static str {
    match base {
        PlatformsBase::Admin => "/admin/platforms/",
        PlatformsBase::Api => "/api/platforms/",
    }
}

fn push_item(before: &str, id: &str, after: &str, out: &mut String) {
    out.push_str(before);
    encode_component(id, out);
    out.push_str(after);
}
