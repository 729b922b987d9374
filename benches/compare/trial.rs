//! Every contender is tried for correctness before it is measured: one that does not do the work
//! has no place in the table.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::contender::{Contender, Running};
use crate::setting::{API_KEY, SECRET, SERVICE_KEY, TARGET, score, submission, token};
use crate::upstream::{Received, Upstream};
use crate::wire::message;

/// How long a contender may take to serve, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until a contender answers a submission as it should. Says since when it was started.
pub fn wait_until_serving(running: &mut Running, request: &[u8]) -> io::Result<Duration> {
    loop {
        if matches!(ask(running.address, request), Ok(204)) {
            return Ok(running.process.started.elapsed());
        }
        if running.process.has_ended() {
            return Err(Error::other("it has ended"));
        }
        if running.process.started.elapsed() > PATIENCE {
            return Err(Error::other("it does not serve"));
        }
        thread::sleep(Duration::from_micros(500));
    }
}

/// Tries what a contender must do, and says what it gets wrong.
pub fn check(contender: Contender, address: SocketAddr, upstream: &Upstream) -> io::Result<()> {
    upstream.keep(true);
    let tried = match contender.has_job() {
        true => check_job(contender, address, upstream),
        false => check_plain(contender, address, upstream),
    };
    upstream.keep(false);
    upstream.take();
    tried
}

fn check_plain(contender: Contender, address: SocketAddr, upstream: &Upstream) -> io::Result<()> {
    let credential = contender.credential()?;
    let body = score("83", "100");
    let received = forwarded(address, upstream, &credential, &body)?;
    expect(received.body == body.as_bytes(), "the body is passed on")?;
    let authorization = format!("SERVICE-AUTH-V1 {credential}:{SERVICE_KEY}");
    expect(
        received.authorization.as_deref() == Some(&authorization),
        "the header is passed on",
    )
}

fn check_job(contender: Contender, address: SocketAddr, upstream: &Upstream) -> io::Result<()> {
    let credential = contender.credential()?;
    for (given, leaves) in [("83", 83.0), ("110", 100.0), ("0", 0.0)] {
        let received = forwarded(address, upstream, &credential, &score(given, "100"))?;
        let authorization = format!("SERVICE-AUTH-V1 {API_KEY}:{SERVICE_KEY}");
        expect(
            received.authorization.as_deref() == Some(&authorization),
            "the credential is replaced",
        )?;
        expect(
            points(&received) == Some(leaves),
            "the score is capped, or left alone",
        )?;
    }
    let broken = format!("{}x", credential);
    for stranger in [
        broken,
        token(-3600, SECRET)?,
        token(3600, "another-secret-of-32-bytes-or-more")?,
    ] {
        let status = ask(address, &submission(&stranger, &score("83", "100")))?;
        expect(status == 401, "a bad token is answered with 401")?;
    }
    for faulty in [
        score("-1", "100"),
        score("83", "0"),
        score("83", "\"many\""),
        "{}".into(),
        "[1".into(),
    ] {
        let status = ask(address, &submission(&credential, &faulty))?;
        expect((400..500).contains(&status), "an invalid score is refused")?;
    }
    expect(
        upstream.take().is_empty(),
        "nothing that was refused is forwarded",
    )
}

/// What the upstream received of a submission that must pass.
fn forwarded(
    address: SocketAddr,
    upstream: &Upstream,
    credential: &str,
    body: &str,
) -> io::Result<Received> {
    upstream.take();
    let status = ask(address, &submission(credential, body))?;
    expect(
        status == 204,
        "a good score is answered with the upstream's 204",
    )?;
    let mut received = upstream.take();
    let one = received.pop().filter(|_| received.is_empty());
    let one = one.ok_or_else(|| Error::other("not exactly one request was forwarded"))?;
    expect(
        one.first_line == format!("POST {TARGET} HTTP/1.1"),
        "the target is passed on",
    )?;
    Ok(one)
}

fn points(received: &Received) -> Option<f64> {
    let score: Value = serde_json::from_slice(&received.body).ok()?;
    score.get("scoreGiven")?.as_f64()
}

fn expect(holds: bool, rule: &str) -> io::Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::other(format!("broken: {rule}"))),
    }
}

/// One request on a connection of its own; the answer's status.
fn ask(address: SocketAddr, request: &[u8]) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let asked = Instant::now();
    let mut buffer = Vec::new();
    while asked.elapsed() < PATIENCE {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes)?;
        buffer.extend_from_slice(bytes.get(..count).unwrap_or_default());
        if let Some(answer) = message(&buffer) {
            let status = answer
                .first_line
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok());
            return status.ok_or_else(|| Error::other("no status"));
        }
        if count == 0 {
            break;
        }
    }
    Err(Error::other("no whole answer"))
}
