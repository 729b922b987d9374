//! placeholder
#[derive(Debug)]
pub struct Policy {}
