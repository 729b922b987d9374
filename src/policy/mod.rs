//! placeholder
#[derive(Debug, Clone)]
pub struct Policy {}
pub struct Policies;
impl Policies {
    pub fn new(_: Vec<Policy>) -> Self {
        Self
    }
}
pub struct Judgement;
