//! An upstream's answers, held back.

use std::sync::{Arc, Condvar, Mutex};

use super::{DEADLINE, Upstream, reply};

/// Holds answers back until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        let waited = self
            .0
            .1
            .wait_timeout_while(open, DEADLINE * 2, |open| !*open);
        drop(waited.unwrap());
    }

    /// An upstream behind it.
    pub fn upstream(&self) -> Upstream {
        let gate = self.clone();
        Upstream::start(move |_, _| {
            gate.pass();
            reply(204, "", "")
        })
    }
}
