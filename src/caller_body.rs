//! The body a caller sends. One that is not read to its end is read off in the background for a
//! moment: closing a connection with unread bytes resets it, and the caller would lose the answer
//! that says why. Nothing of it is kept, and only so many are read off at once: whoever sends it may
//! be a stranger.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::EXPECT;
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::Cause;

/// What is read off at most, in bytes, and for how long.
const MOST: usize = 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(2);

/// How many are read off at once, in all of the process. The connections of those beyond are closed,
/// and their callers may lose the answer.
const AT_ONCE: usize = 128;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// Whether a body could not be read because its caller left, and not because it is malformed.
pub fn has_left(cause: &Cause) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&**cause);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<h2::Error>() {
            return cause.is_io() || (cause.is_reset() && cause.is_remote());
        }
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            return matches!(
                cause.kind(),
                ErrorKind::UnexpectedEof
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::TimedOut
            );
        }
        source = cause.source();
    }
    false
}

pub struct CallerBody {
    incoming: Option<Incoming>,
    /// A caller who waits for `100 Continue` has sent nothing yet, and must not be asked to.
    waits: bool,
}

impl CallerBody {
    pub fn new(incoming: Incoming, headers: &HeaderMap) -> Self {
        Self {
            incoming: Some(incoming),
            waits: headers.contains_key(EXPECT),
        }
    }

    /// All of it, if it has `most` bytes at most. The caller of this gives it a deadline.
    pub async fn read(&mut self, most: usize) -> Result<Bytes, Cause> {
        self.waits = false;
        match &mut self.incoming {
            Some(incoming) => Ok(Limited::new(incoming, most).collect().await?.to_bytes()),
            None => Ok(Bytes::new()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }
}

impl Drop for CallerBody {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        if self.waits {
            return;
        }
        let Ok(place) = PLACES.try_acquire() else {
            return;
        };
        tokio::spawn(async move {
            // Given up, it is dropped with what is left of it.
            let _ = timeout(LONGEST, read_off(incoming)).await;
            drop(place);
        });
    }
}

/// Each part of it is dropped before the next is taken.
async fn read_off(mut incoming: Incoming) {
    let mut left = MOST;
    while let Some(Ok(frame)) = incoming.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
