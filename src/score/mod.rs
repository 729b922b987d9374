//! placeholder
/// What becomes of a member that no score has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMembers {
    Refuse,
    Drop,
}
