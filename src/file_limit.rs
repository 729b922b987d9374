//! The limit on file descriptors: many systems start processes with 1,024, though they may have far
//! more. Each connection takes one, so the gateway asks for what it may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, and warns where that is not enough for the connections.
pub fn raise(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Refused, the limit stays what it was, and the warning says so.
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = most.unwrap_or(u64::MAX);
    if files < connections as u64 {
        tracing::warn!(target: "scoregate::server", files, connections, "fewer file descriptors than `server.max_connections`");
    }
}
