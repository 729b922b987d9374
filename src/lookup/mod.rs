//! What policy has to know from upstream before it judges: the line item's own maximum, and the
//! result that the LMS shows. Read in the caller's name, before anything is sent.
//! Refuses with UPSTREAM_*.

mod maximum;
mod page;
mod result;

pub use maximum::{line_item_maximum, maximum_in_passing};
pub use result::shown_result;
