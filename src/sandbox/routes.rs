//! LTIAAS's routes, matched as strictly as Express matches them: fixed segments in any case but
//! never decoded, one optional trailing slash, a parameter is one segment and decoded once.

use http::Method;

use crate::line_item::decode_once;

/// What a request asks for, with its decoded parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    ReadIdToken,
    ReadMemberships,
    ListLineItems,
    CreateLineItem,
    ReadLineItem(String),
    ReplaceLineItem(String),
    DeleteLineItem(String),
    ReadScores(String),
    SubmitScore(String),
    DeepLinkingForm,
    DeepLinkingMessage,
    ReadRegistration(String),
    CompleteRegistration(String),
    ListPlatforms,
    CreatePlatform,
    ReadPlatform(String),
    ReplacePlatform(String),
    DeletePlatform(String),
    ActivatePlatform(String),
    DeactivatePlatform(String),
}

/// What Express would do with a method and path.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Operation(Operation),
    /// The path is there and this is OPTIONS: the methods that it knows.
    Options(String),
    /// The parameter's escapes are malformed.
    Undecodable,
    Nothing,
}

struct Route {
    method: Method,
    pattern: &'static str,
    operation: fn(String) -> Operation,
}

const fn route(method: Method, pattern: &'static str, operation: fn(String) -> Operation) -> Route {
    Route {
        method,
        pattern,
        operation,
    }
}

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    route(Method::GET, "/api/idtoken", |_| Operation::ReadIdToken),
    route(Method::GET, "/api/memberships", |_| Operation::ReadMemberships),
    route(Method::GET, "/api/lineitems", |_| Operation::ListLineItems),
    route(Method::POST, "/api/lineitems", |_| Operation::CreateLineItem),
    route(Method::GET, "/api/lineitems/:id", Operation::ReadLineItem),
    route(Method::PUT, "/api/lineitems/:id", Operation::ReplaceLineItem),
    route(Method::DELETE, "/api/lineitems/:id", Operation::DeleteLineItem),
    route(Method::GET, "/api/lineitems/:id/scores", Operation::ReadScores),
    route(Method::POST, "/api/lineitems/:id/scores", Operation::SubmitScore),
    route(Method::POST, "/api/deeplinking/form", |_| Operation::DeepLinkingForm),
    route(Method::POST, "/api/deeplinking", |_| Operation::DeepLinkingMessage),
    route(Method::GET, "/api/registrations/:id", Operation::ReadRegistration),
    route(Method::POST, "/api/registrations/:id/complete", Operation::CompleteRegistration),
    route(Method::GET, "/admin/platforms", |_| Operation::ListPlatforms),
    route(Method::POST, "/admin/platforms", |_| Operation::CreatePlatform),
    route(Method::GET, "/admin/platforms/:id", Operation::ReadPlatform),
    route(Method::PUT, "/admin/platforms/:id", Operation::ReplacePlatform),
    route(Method::DELETE, "/admin/platforms/:id", Operation::DeletePlatform),
    route(Method::POST, "/admin/platforms/:id/activate", Operation::ActivatePlatform),
    route(Method::POST, "/admin/platforms/:id/deactivate", Operation::DeactivatePlatform),
    // The Node SDK's spelling of the same.
    route(Method::GET, "/api/platforms", |_| Operation::ListPlatforms),
    route(Method::POST, "/api/platforms", |_| Operation::CreatePlatform),
    route(Method::GET, "/api/platforms/:id", Operation::ReadPlatform),
    route(Method::PUT, "/api/platforms/:id", Operation::ReplacePlatform),
    route(Method::DELETE, "/api/platforms/:id", Operation::DeletePlatform),
    route(Method::POST, "/api/platforms/:id/activate", Operation::ActivatePlatform),
    route(Method::POST, "/api/platforms/:id/deactivate", Operation::DeactivatePlatform),
];

/// Finds what answers `method` on `path` (the raw path, without its query).
pub fn find(method: &Method, path: &str) -> Found {
    // HEAD runs the GET handler; its body is not sent.
    let wanted = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut known = Vec::new();
    for route in ROUTES {
        let Some(raw) = parameter(route.pattern, path) else {
            continue;
        };
        // Express decodes while it matches the path, before it looks at the method.
        let Some(decoded) = decode_once(raw) else {
            return Found::Undecodable;
        };
        if route.method == *wanted {
            return Found::Operation((route.operation)(decoded.into_owned()));
        }
        known.push(route.method.as_str());
    }
    match method == Method::OPTIONS && !known.is_empty() {
        true => Found::Options(known.join(",")),
        false => Found::Nothing,
    }
}

/// The raw parameter, empty for a pattern without one; `None` where the path doesn't match.
fn parameter<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut found = "";
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.starts_with(':') {
            true if segment.is_empty() => return None,
            true => found = segment,
            false if !segment.eq_ignore_ascii_case(expected) => return None,
            false => {}
        }
    }
    segments.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(path: &str) -> Option<String> {
        match find(&Method::POST, path) {
            Found::Operation(Operation::SubmitScore(id)) => Some(id),
            _ => None,
        }
    }

    #[test]
    fn matches_every_spelling_that_express_matches() {
        for (path, id) in [
            ("/api/lineitems/a/scores", "a"),
            ("/API/LineItems/a/SCORES", "a"),
            ("/api/lineitems/a/scores/", "a"),
            ("/api/lineitems/https%3A%2F%2Fx%2f1/scores", "https://x/1"),
            (
                "/api/lineitems/https:%2F%2Fx;v=1+2/scores",
                "https://x;v=1+2",
            ),
            ("/api/lineitems/https%253A/scores", "https%3A"),
            ("/api/lineitems/../scores", ".."),
            ("/api/lineitems/%2e%2e/scores", ".."),
        ] {
            assert_eq!(submitted(path).as_deref(), Some(id), "{path}");
        }
    }

    #[test]
    fn matches_no_spelling_that_express_does_not() {
        for path in [
            "//api/lineitems/a/scores",
            "/api//lineitems/a/scores",
            "/api/lineitems//a/scores",
            "/api/lineitems/a//scores",
            "/api/lineitems/a/scores//",
            "/api/lineitems//scores",
            "/api/lineitems/https%3A//x/1/scores",
            "/x/../api/lineitems/a/scores",
            "/api/lineitems/a/%73cores",
            "/%61pi/lineitems/a/scores",
            "/api/lineitems/a%2Fscores",
            "/api/lineitems/a/scores%20",
            "/api/lineitems/a/scores;v=1",
            "/api/lineitems/a/scores.json",
            "/api/lineitems/a/scores/x",
            "/v1/api/lineitems/a/scores",
            "/",
            "",
        ] {
            assert_eq!(submitted(path), None, "{path}");
        }
    }

    #[test]
    fn malformed_escapes_in_a_parameter_are_undecodable_whatever_the_method() {
        for path in [
            "/api/lineitems/%/scores",
            "/api/lineitems/%zz",
            "/api/lineitems/%ff",
        ] {
            assert_eq!(find(&Method::PATCH, path), Found::Undecodable, "{path}");
        }
        assert_eq!(find(&Method::GET, "/api/%zz/a"), Found::Nothing);
    }

    #[test]
    fn head_runs_the_get_and_options_lists_the_methods() {
        assert_eq!(
            find(&Method::HEAD, "/api/idtoken"),
            Found::Operation(Operation::ReadIdToken)
        );
        assert_eq!(
            find(&Method::OPTIONS, "/api/lineitems/a/scores"),
            Found::Options("GET,POST".into())
        );
        assert_eq!(find(&Method::OPTIONS, "/nowhere"), Found::Nothing);
        assert_eq!(
            find(&Method::PUT, "/api/lineitems/a/scores"),
            Found::Nothing
        );
    }
}
