//! The table of codes: what a caller reads in `details.message`, its HTTP status, and whether
//! the same request may succeed later.

use http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $status:ident $retry:ident;)*) => {
        /// A code of the contract's error table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The text of `details.message`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status it is answered with. `UPSTREAM_ERROR` takes the upstream's instead.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// Whether the same request, sent again, may succeed.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => codes!(@$retry),)* }
            }

            /// What it means, for the reference documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)*),)* }
            }
        }
    };
    (@again) => { true };
    (@never) => { false };
}

codes! {
    /// The request target, or the host it is for, can't be read in one way only.
    MalformedPath "MALFORMED_PATH" BAD_REQUEST never;
    /// The body is not one JSON value that every parser reads alike.
    MalformedBody "MALFORMED_BODY" BAD_REQUEST never;
    /// No `Authorization` header of a known scheme, or more than one.
    MissingAuthorization "MISSING_AUTHORIZATION_HEADER" UNAUTHORIZED never;
    /// The ltik scheme was named and the caller could not be verified.
    InvalidLtikAuthorization "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER" UNAUTHORIZED never;
    /// The service key scheme was named and the caller could not be verified.
    InvalidServiceAuthorization "INVALID_SERVICE_AUTH_AUTHORIZATION_HEADER" UNAUTHORIZED never;
    /// The Bearer scheme was named and the caller could not be verified.
    InvalidBearerAuthorization "INVALID_BEARER_AUTHORIZATION_HEADER" UNAUTHORIZED never;
    /// The caller's `allow` does not list the permission that the operation needs.
    CallerNotAllowed "CALLER_NOT_ALLOWED" FORBIDDEN never;
    /// The line item is not on the account's platforms, or not among the caller's line items.
    LineItemNotAllowed "LINE_ITEM_NOT_ALLOWED" FORBIDDEN never;
    /// The operation needs an ltik or a service key, and none was sent or is configured.
    CredentialsMissing "CREDENTIALS_MISSING" FORBIDDEN never;
    /// No operation of LTIAAS has this path.
    RouteNotFound "ROUTE_NOT_FOUND" NOT_FOUND never;
    /// The path is known, with another method: see `allow`.
    MethodNotAllowed "METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED never;
    /// The caller's body did not arrive in time.
    RequestTimeout "REQUEST_TIMEOUT" REQUEST_TIMEOUT again;
    /// The body exceeds 65,536 bytes.
    BodyTooLarge "BODY_TOO_LARGE" PAYLOAD_TOO_LARGE never;
    /// The body is not declared as JSON in UTF-8 without a content coding.
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE never;
    /// The score has faults: `details.errors` lists all of them.
    InvalidScore "INVALID_SCORE" UNPROCESSABLE_ENTITY never;
    /// A grading policy refuses the score: see `details.policy` and `details.rule`.
    PolicyRefused "POLICY_REFUSED" UNPROCESSABLE_ENTITY never;
    /// A newer score of this cell is there already, and a policy refuses older ones.
    StaleScore "STALE_SCORE" CONFLICT never;
    /// The caller is at its own limit of requests (`rate_limit`), or of those in flight
    /// (`max_in_flight`), as the description says; see `retry-after`.
    RateLimited "RATE_LIMITED" TOO_MANY_REQUESTS again;
    /// A defect of the gateway; the log has its cause under the request id.
    Internal "INTERNAL" INTERNAL_SERVER_ERROR never;
    /// LTIAAS could not be reached, or the connection broke.
    UpstreamUnreachable "UPSTREAM_UNREACHABLE" BAD_GATEWAY again;
    /// LTIAAS answered with something that is no answer to this request.
    UpstreamInvalidResponse "UPSTREAM_INVALID_RESPONSE" BAD_GATEWAY again;
    /// LTIAAS rejects the account's own API key; the operator has to replace it.
    UpstreamCredentialsRejected "UPSTREAM_CREDENTIALS_REJECTED" BAD_GATEWAY never;
    /// LTIAAS answered with an error that is not in its own envelope.
    UpstreamError "UPSTREAM_ERROR" BAD_GATEWAY never;
    /// The gateway is at a limit, which the description names.
    Overloaded "OVERLOADED" SERVICE_UNAVAILABLE again;
    /// The submission could not be recorded, so it was not accepted; or what was recorded for its learner and
    /// line item can't be used; or nothing was sent, since another gateway may have judged for them while this
    /// one was silent; or it was sent and recorded, and another gateway may have judged for them meanwhile. The
    /// description says which.
    LedgerUnavailable "LEDGER_UNAVAILABLE" SERVICE_UNAVAILABLE again;
    /// The gateway is shutting down.
    Draining "DRAINING" SERVICE_UNAVAILABLE again;
    /// LTIAAS did not answer in time; what became of the request is unknown.
    UpstreamTimeout "UPSTREAM_TIMEOUT" GATEWAY_TIMEOUT again;
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/errors.md");

    #[test]
    fn the_reference_lists_every_code_as_it_is() {
        for code in Code::ALL {
            let again = if code.retryable() { "yes" } else { "no" };
            let (status, again) = match code {
                Code::UpstreamError => ("the upstream's".to_owned(), "for 429, 502, 503, 504"),
                code => (code.status().as_u16().to_string(), again),
            };
            let row = format!(
                "| `{}` | {status} | {again} |{} |",
                code.name(),
                code.meaning()
            );
            assert!(
                DOCUMENT.contains(&row),
                "docs/errors.md lacks this row:\n{row}"
            );
        }
        let (_, codes) = DOCUMENT.split_once("## Codes").unwrap();
        let rows = codes
            .lines()
            .filter(|line| line.starts_with("| `") && !line.contains("`details.message`"))
            .count();
        assert_eq!(
            rows,
            Code::ALL.len(),
            "docs/errors.md lists a code that does not exist"
        );
    }
}
