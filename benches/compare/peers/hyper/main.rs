//! A proxy of hyper and tokio that does nothing but forward: what the gateway would cost if all it
//! adds were free. A runtime and its own connections to the upstream for each thread.
//!
//! `hyper-peer LISTEN UPSTREAM THREADS`
#![allow(clippy::expect_used)]

use std::cell::RefCell;
use std::env;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;

use http::header::{CONNECTION, HOST, HeaderValue};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections that wait for the next request.
type Idle = Rc<RefCell<Vec<SendRequest<Incoming>>>>;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [listen, upstream, threads] = arguments.as_slice() else {
        panic!("hyper-peer LISTEN UPSTREAM THREADS");
    };
    let listen = listen.parse().expect("an address");
    let upstream: SocketAddr = upstream.parse().expect("an address");
    let threads: usize = threads.parse().expect("a number");
    let threads: Vec<_> = (0..threads)
        .map(|_| thread::spawn(move || serve(listen, upstream)))
        .collect();
    for thread in threads {
        thread.join().expect("a thread that serves");
    }
}

fn serve(listen: SocketAddr, upstream: SocketAddr) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let idle = Idle::default();
    LocalSet::new().block_on(&runtime.expect("a runtime"), async move {
        let listener = listener(listen);
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            // Whoever connected may be gone again.
            let _ = stream.set_nodelay(true);
            let idle = idle.clone();
            let service = service_fn(move |request| forward(request, upstream, idle.clone()));
            spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
}

fn listener(address: SocketAddr) -> TcpListener {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.set_reuse_port(true).expect("an option");
    socket.set_nonblocking(true).expect("an option");
    socket
        .bind(&address.into())
        .expect("an address that is free");
    socket.listen(1024).expect("a listener");
    TcpListener::from_std(socket.into()).expect("a listener")
}

async fn forward(
    mut request: Request<Incoming>,
    upstream: SocketAddr,
    idle: Idle,
) -> hyper::Result<Response<Incoming>> {
    let target = request.uri().path_and_query().cloned();
    *request.uri_mut() = target.map_or_else(Uri::default, Uri::from);
    let host = HeaderValue::from_static("upstream");
    request.headers_mut().insert(HOST, host);
    request.headers_mut().remove(CONNECTION);
    let kept = idle.borrow_mut().pop();
    let mut connection = match kept {
        Some(connection) => connection,
        None => connect(upstream).await?,
    };
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    idle.borrow_mut().push(connection);
    Ok(answer)
}

async fn connect(upstream: SocketAddr) -> hyper::Result<SendRequest<Incoming>> {
    let stream = TcpStream::connect(upstream).await.expect("an upstream");
    stream.set_nodelay(true).expect("an option");
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    spawn_local(connection);
    Ok(sender)
}
