//! Routing: from the spelling of a request target to one of a closed list of operations, and back
//! to the one spelling that is sent. Reads loosely, writes strictly, forwards nothing by default.
//! Pure.

mod operation;
mod path;
mod query;
mod spellings;
mod target;

pub use operation::{BodyKind, LaunchKind, Operation};
pub use path::{PathFault, Resource, ResourceKind, read_path};
pub use query::{Query, QueryFault, read_query};
pub use spellings::Spellings;
pub use target::{Target, TargetFault, read_target, scores_target, write_line_item, write_results};

#[cfg(test)]
mod tests;
