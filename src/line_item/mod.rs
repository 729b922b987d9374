//! Line items: the URL that names one column of a grade book, where it may live (`Platform`),
//! and which of them a caller, service key or policy means (`Pattern`). Pure.

mod escape;
mod id;
mod overlap;
mod pattern;
mod platform;

pub use escape::{DotSegments, decode_form, decode_once, encode_component, escaped_byte};
pub use id::{LineItem, NotALineItem};
pub use pattern::{BadPattern, Pattern};
pub use platform::{BadPlatform, Platform};
