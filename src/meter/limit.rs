//! Limits, and how full they are. Whoever makes a limit says how to look at it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// How full a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    pub used: u64,
    pub most: u64,
}

/// A limit that can be looked at.
pub struct Limit {
    /// Its configuration key, where it has one.
    pub name: &'static str,
    look: Box<dyn Fn() -> Fill + Send + Sync>,
}

impl Fill {
    pub fn new(used: usize, most: usize) -> Self {
        Self {
            used: used as u64,
            most: most as u64,
        }
    }
}

impl Limit {
    pub fn new(name: &'static str, look: impl Fn() -> Fill + Send + Sync + 'static) -> Self {
        Self {
            name,
            look: Box::new(look),
        }
    }

    /// A limit on what holds a permit each.
    pub fn of_places(name: &'static str, free: &Arc<Semaphore>, most: usize) -> Self {
        let free = free.clone();
        Self::new(name, move || {
            Fill::new(most.saturating_sub(free.available_permits()), most)
        })
    }

    pub fn look(&self) -> Fill {
        (self.look)()
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.name, self.look())
    }
}
