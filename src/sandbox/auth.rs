//! Who may call what, as LTIAAS documents it: an API key with an ltik, with a service key, or
//! alone. Refuses with the one 401 that LTIAAS knows; its description tells the causes apart.
//!
//! Any ltik or service key is good, but for those that stand for a trouble:
//! `expired`, `undefined` (what the Node SDK sends without one) and an empty one are expired;
//! `inactive-platform`, `inactive-service` and `no-service` give the error of that name.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use super::answer::{Answer, envelope};
use super::routes::Operation;

/// How a request may authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Ltik,
    Service,
    Bearer,
}

const MESSAGE: &str = "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER";

/// Checks the first `Authorization` header, as Node keeps the first of several.
pub fn check(operation: &Operation, headers: &HeaderMap, keys: &[String]) -> Result<(), Answer> {
    let credential = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(read)
        .ok_or_else(|| unauthorized("Missing or malformed authorization header."))?;
    if !accepted(operation).contains(&credential.scheme) {
        return Err(unauthorized("Unsupported authorization scheme."));
    }
    if !keys.iter().any(|key| key == credential.key) {
        return Err(unauthorized("Invalid API key."));
    }
    launched(credential)
}

struct Credential<'a> {
    scheme: Scheme,
    key: &'a str,
    /// The ltik or service key.
    launch: &'a str,
}

fn read(value: &str) -> Option<Credential<'_>> {
    let (scheme, rest) = value.split_once(' ')?;
    let (scheme, (key, launch)) = match scheme {
        "LTIK-AUTH-V2" => (Scheme::Ltik, rest.split_once(':')?),
        "SERVICE-AUTH-V1" => (Scheme::Service, rest.split_once(':')?),
        "Bearer" => (Scheme::Bearer, (rest, "")),
        _ => return None,
    };
    Some(Credential {
        scheme,
        key,
        launch,
    })
}

fn accepted(operation: &Operation) -> &'static [Scheme] {
    match operation {
        Operation::ReadIdToken | Operation::DeepLinkingForm | Operation::DeepLinkingMessage => {
            &[Scheme::Ltik]
        }
        Operation::ReadMemberships
        | Operation::ListLineItems
        | Operation::CreateLineItem
        | Operation::ReadLineItem(_)
        | Operation::ReplaceLineItem(_)
        | Operation::DeleteLineItem(_)
        | Operation::ReadScores(_)
        | Operation::SubmitScore(_) => &[Scheme::Ltik, Scheme::Service],
        Operation::ReadRegistration(_)
        | Operation::CompleteRegistration(_)
        | Operation::ListPlatforms
        | Operation::CreatePlatform
        | Operation::ReadPlatform(_)
        | Operation::ReplacePlatform(_)
        | Operation::DeletePlatform(_)
        | Operation::ActivatePlatform(_)
        | Operation::DeactivatePlatform(_) => &[Scheme::Bearer],
    }
}

fn launched(credential: Credential<'_>) -> Result<(), Answer> {
    let expired = match credential.scheme {
        Scheme::Ltik => "Invalid or expired ltik.",
        Scheme::Service => "Invalid or expired service key.",
        Scheme::Bearer => return Ok(()),
    };
    match credential.launch {
        "" | "expired" | "undefined" => Err(unauthorized(expired)),
        "inactive-platform" => Err(envelope(
            StatusCode::UNAUTHORIZED,
            "UNREGISTERED_OR_INACTIVE_PLATFORM",
            "The platform is not registered or not active.",
        )),
        "inactive-service" => Err(envelope(
            StatusCode::FORBIDDEN,
            "INACTIVE_SERVICE",
            "The service is not enabled on this account.",
        )),
        "no-service" => Err(envelope(
            StatusCode::FORBIDDEN,
            "SERVICE_NOT_AVAILABLE_FOR_CONTEXT",
            "The platform does not grant the service in this context.",
        )),
        _ => Ok(()),
    }
}

fn unauthorized(description: &str) -> Answer {
    envelope(StatusCode::UNAUTHORIZED, MESSAGE, description)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::Value;

    use super::*;

    fn checked(operation: &Operation, header: &str) -> Result<(), (u16, String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        check(operation, &headers, &["one".into(), "two".into()]).map_err(|answer| {
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            let text = |name: &str| body["details"][name].as_str().unwrap().to_owned();
            (
                answer.status().as_u16(),
                text("message"),
                text("description"),
            )
        })
    }

    fn scores() -> Operation {
        Operation::SubmitScore("https://lms.example.com/1".into())
    }

    #[test]
    fn each_operation_takes_its_documented_schemes_alone() {
        for (operation, header, good) in [
            (scores(), "LTIK-AUTH-V2 one:ltik", true),
            (scores(), "SERVICE-AUTH-V1 two:key:with:colons", true),
            (scores(), "Bearer one", false),
            (
                scores(),
                "LTIK-AUTH-V1 Token=ltik, Additional=Bearer one",
                false,
            ),
            (Operation::ReadIdToken, "LTIK-AUTH-V2 one:ltik", true),
            (Operation::ReadIdToken, "SERVICE-AUTH-V1 one:key", false),
            (Operation::ListPlatforms, "Bearer two", true),
            (Operation::ListPlatforms, "LTIK-AUTH-V2 one:ltik", false),
        ] {
            assert_eq!(
                checked(&operation, header).is_ok(),
                good,
                "{operation:?} {header}"
            );
        }
    }

    #[test]
    fn the_description_tells_a_bad_key_from_an_expired_ltik() {
        let refused = |description: &str| Err((401, MESSAGE.to_owned(), description.to_owned()));
        for (header, description) in [
            ("LTIK-AUTH-V2 three:ltik", "Invalid API key."),
            ("LTIK-AUTH-V2 three:expired", "Invalid API key."),
            ("LTIK-AUTH-V2 one:expired", "Invalid or expired ltik."),
            ("LTIK-AUTH-V2 one:undefined", "Invalid or expired ltik."),
            (
                "SERVICE-AUTH-V1 one:expired",
                "Invalid or expired service key.",
            ),
        ] {
            assert_eq!(checked(&scores(), header), refused(description), "{header}");
        }
    }
}
