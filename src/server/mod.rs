//! The public side: sockets that workers share, and the connections on them.

mod aside;
mod connection;
mod front;
mod handshake;
mod listen;
mod streams;
mod watch;

pub use connection::{Acceptor, Answers, serve};
pub use front::Front;
pub use listen::{CannotListen, listen, listen_alone};
