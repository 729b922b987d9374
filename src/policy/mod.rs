//! placeholder
use crate::line_item::Pattern;
use crate::score::Decimal;
#[derive(Debug)]
pub struct Policy {
    pub name: String,
    pub matching: Match,
    pub maximum: Option<Maximum>,
}
#[derive(Debug, Default)]
pub struct Match {
    pub callers: Vec<String>,
    pub accounts: Vec<String>,
    pub line_items: Vec<Pattern>,
}
#[derive(Debug)]
pub struct Maximum {
    pub percent: Decimal,
    pub over: Over,
}
#[derive(Clone, Copy, Debug)]
pub enum Over {
    Cap,
    Refuse,
    Allow,
}
