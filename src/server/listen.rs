//! Binds one socket per worker to the same port.
//!
//! With `SO_REUSEPORT` a second process of the same user would bind the port silently and take
//! half of the connections. So the first socket is bound without it, which fails while anybody
//! listens there, and only then opened for the other workers' sockets.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

#[derive(Debug, Error)]
pub enum CannotListen {
    #[error("`{0}` is taken: something, maybe another gateway, listens there")]
    Taken(SocketAddr),
    #[error("can't listen on `{0}`")]
    Unusable(SocketAddr, #[source] io::Error),
}

impl CannotListen {
    fn on(address: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |cause| match cause.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address),
            _ => Self::Unusable(address, cause),
        }
    }
}

/// As many sockets as there are workers, all on one address. Port 0 picks a free one.
pub fn listen(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, CannotListen> {
    let fault = CannotListen::on(address);
    let first = bind_exclusively(address).map_err(&fault)?;
    let address = first.local_addr().map_err(&fault)?;
    let others = (1..workers).map(|_| bind_shared(address));
    std::iter::once(Ok(first))
        .chain(others)
        .collect::<io::Result<_>>()
        .map_err(&fault)
}

/// One socket that nobody shares.
pub fn listen_alone(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let bound = open(address).and_then(|socket| {
        socket.bind(&address.into())?;
        start(socket)
    });
    bound.map_err(CannotListen::on(address))
}

fn bind_exclusively(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address)?;
    socket.bind(&address.into())?;
    socket.set_reuse_port(true)?;
    start(socket)
}

fn bind_shared(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    start(socket)
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn start(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn any_port() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[test]
    fn workers_share_a_port_that_nobody_else_can_take() {
        let ours = listen(any_port(), 3).unwrap();
        let address = ours[0].local_addr().unwrap();
        assert!(
            ours.iter()
                .all(|socket| socket.local_addr().unwrap() == address)
        );
        assert!(matches!(listen(address, 2), Err(CannotListen::Taken(_))));
        drop(ours);
        assert!(listen(address, 2).is_ok());
    }

    #[test]
    fn every_socket_gets_connections() {
        let ours = listen(any_port(), 2).unwrap();
        let address = ours[0].local_addr().unwrap();
        let clients: Vec<_> = (0..64)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        for socket in &ours {
            assert!(socket.accept().is_ok());
        }
        drop(clients);
    }
}
