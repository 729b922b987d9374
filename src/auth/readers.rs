//! The tasks that keep fetched key sets current: one a source, for as long as a configuration
//! uses it.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Verifier;
use super::key_source::KeySource;

/// Ends its tasks when it is dropped, each once what it reads has been read.
#[derive(Default)]
pub struct Readers(Vec<Reader>);

struct Reader {
    source: Arc<KeySource>,
    /// Ends the task with it.
    _end: oneshot::Sender<Infallible>,
}

impl Readers {
    /// Reads for this verifier from now on. A source that the one before used too goes on without
    /// a break; one that is used no more is read no more, once those who wait for a read have had it.
    pub fn follow(&mut self, verifier: &Verifier) {
        let mut before = std::mem::take(&mut self.0);
        for source in verifier.sources() {
            let place = before
                .iter()
                .position(|reader| Arc::ptr_eq(&reader.source, &source));
            self.0.push(match place {
                Some(place) => before.swap_remove(place),
                None => Reader::start(source),
            });
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Reader {
    fn start(source: Arc<KeySource>) -> Self {
        let (_end, end) = oneshot::channel();
        let reading = source.clone();
        tokio::spawn(async move { reading.keep_current(end).await });
        Self { source, _end }
    }
}
