//! placeholder
/// What becomes of a member that no score has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMembers {
    Refuse,
    Drop,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(String);
impl Decimal {
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<f64>().ok().filter(|n| n.is_finite())?;
        Some(Self(text.to_owned()))
    }
}
