//! Stages advance: each turns one hand-off into the next, or refuses. `pipeline` has their order.

mod authenticate;
mod authorize;
mod consult;
mod credentials;
mod judge;
mod limit_in_flight;
mod limit_rate;
mod message;
mod normalize;
mod payload;
mod route;
mod see_through;

pub use authenticate::authenticate;
pub use authorize::{Rights, authorize};
pub use consult::consult;
pub use credentials::{attach_credentials, configured_launch};
pub use judge::{judge, refuse, write_score};
pub use limit_in_flight::limit_in_flight;
pub use limit_rate::limit_rate;
pub use message::check_message;
pub use normalize::{Origin, invalid, normalize, read_score};
pub use payload::{MOST as LONGEST_BODY, body_too_large, read_body, rewrite_json};
pub use route::route;
pub use see_through::{find_place, see_through};
