//! Holds a caller to its own share of what is in flight, so that none takes every place. After
//! limit_rate: what is refused here counts there. Before the body is read, which its caller may
//! dribble. Refuses with RATE_LIMITED.

use http::HeaderValue;
use http::header::RETRY_AFTER;

use crate::auth::Places;
use crate::error::{Code, Refusal};
use crate::handoff::Identity;
use crate::telemetry::Trail;

/// When a place may be free again, in seconds: as soon as one of the caller's own requests is over.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Takes one of the caller's places, where they are counted. The trail keeps it: until the answer's
/// end, and until a submission is recorded though its caller has left.
pub fn limit_in_flight(identity: Identity, trail: &Trail) -> Result<Identity, Refusal> {
    match &identity.caller.places {
        None => Ok(identity),
        Some(places) => match places.take() {
            Some(place) => {
                let _ = trail.place.set(place);
                Ok(identity)
            }
            None => Err(refuse(places)),
        },
    }
}

fn refuse(places: &Places) -> Refusal {
    let description = format!(
        "This caller is at its limit of {} requests in flight (max_in_flight); nothing was sent.",
        places.most()
    );
    Refusal::new(Code::RateLimited, description).with_header(RETRY_AFTER, RETRY_SECONDS)
}
