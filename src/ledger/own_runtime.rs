//! The runtime that one thread waits with. Its end waits for nobody: a name that is looked up can't be called back,
//! and would hold the ledger's thread for as long as the name servers are silent.

use tokio::runtime::{Builder, Runtime};

use super::fault::Fault;

/// Always some until it is dropped.
pub struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    pub fn new() -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime
            .map(|runtime| Self(Some(runtime)))
            .map_err(Fault::lost)
    }

    /// Until `work` is done; give it a limit.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let runtime = self.0.as_ref().ok_or_else(ended)?;
        Ok(runtime.block_on(work))
    }

    /// Goes on while somebody waits for something else.
    pub fn spawn(&self, work: impl Future<Output: Send> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn ended() -> Fault {
    Fault::lost("the connection has ended")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use tokio::task::spawn_blocking;

    use super::*;

    /// As a name look-up does whose servers are silent.
    #[test]
    fn its_end_does_not_wait_for_what_blocks() {
        let (let_go, gate) = channel::<()>();
        let (ended, end) = channel();
        let waiting = thread::spawn(move || {
            let runtime = OwnRuntime::new().unwrap();
            let (begun, beginning) = channel();
            let look_up = move || {
                begun.send(()).unwrap();
                gate.recv()
            };
            let given_up = async {
                drop(spawn_blocking(look_up));
            };
            runtime.wait(given_up).unwrap();
            beginning.recv().unwrap();
            drop(runtime);
            ended.send(()).unwrap();
        });
        let has_ended = end.recv_timeout(Duration::from_secs(10));
        let_go.send(()).unwrap();
        waiting.join().unwrap();
        assert_eq!(has_ended, Ok(()));
    }
}
