//! The limit on file descriptors: many systems start processes with 1,024, though they may have far
//! more. Each connection takes one, so the gateway asks for what it may have, and lets in no more
//! callers than leave some for LTIAAS, the ledger and probes.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside callers' and LTIAAS's connections: 64 of the admin listener's, and the ledger's,
/// the log's, those to key sets and a collector.
const APART: usize = 128;

/// A worker's listening socket, a connection that waits for a place, and what its runtime has.
const EACH_WORKER: usize = 4;

/// Raises the soft limit to the hard one, and says what it is then.
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Refused, the limit stays what it was.
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    most.and_then(|most| usize::try_from(most).ok())
        .unwrap_or(usize::MAX)
}

/// How many callers' connections may be open with so many file descriptors: those that are wanted,
/// or fewer, so that each request that may be in flight can have one to LTIAAS, or half of what there
/// is can.
pub fn room(files: usize, wanted: usize, in_flight: usize, workers: usize) -> usize {
    let apart = APART.saturating_add(workers.saturating_mul(EACH_WORKER));
    let shared = files.saturating_sub(apart);
    let room = shared - in_flight.min(shared / 2);
    room.clamp(1, wanted.max(1))
}

#[cfg(test)]
mod tests {
    #[test]
    fn callers_leave_room_for_ltiaas() {
        for (files, wanted, in_flight, room) in [
            (1_048_576, 16_384, 4_096, 16_384),
            (usize::MAX, 16_384, 4_096, 16_384),
            (136 + 16_384 + 4_096, 16_384, 4_096, 16_384),
            (136 + 16_384 + 4_095, 16_384, 4_096, 16_383),
            (1_024, 16_384, 4_096, 444),
            (1_024, 100, 4_096, 100),
            (1_024, 16_384, 10, 878),
            (100, 16_384, 4_096, 1),
        ] {
            assert_eq!(super::room(files, wanted, in_flight, 2), room, "{files}");
        }
    }
}
