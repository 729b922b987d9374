//! What all contenders share: where they forward to, whom they trust, and the request they get.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

pub const SECRET: &str = "a-secret-of-32-bytes-or-more-for-HS256";
pub const ISSUER: &str = "https://idp.example.edu";
pub const AUDIENCE: &str = "scoregate";
pub const API_KEY: &str = "the-account-key-of-the-comparison";
pub const SERVICE_KEY: &str = "the-service-key-of-the-comparison";
pub const PLATFORM: &str = "https://canvas.example.edu";
pub const TARGET: &str = "/api/lineitems/https%3A%2F%2Fcanvas.example.edu%2Fapi%2Flti%2Fcourses%2F101%2Fline_items%2F7/scores";

/// Where things are and how many threads contenders get.
pub struct Setting {
    pub upstream: SocketAddr,
    pub directory: PathBuf,
    pub peers: PathBuf,
    pub gateway: PathBuf,
    pub workers: usize,
}

/// A port that is free now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A token that expires in so many seconds.
pub fn token(lifetime: i64, secret: &str) -> io::Result<String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(io::Error::other)?;
    let now = i64::try_from(now.as_secs()).map_err(io::Error::other)?;
    let claims =
        json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "quiz-app", "exp": now + lifetime });
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(io::Error::other)
}

/// About 200 bytes of JSON.
pub fn score(given: &str, maximum: &str) -> String {
    format!(
        r#"{{"userId":"5323497","activityProgress":"Completed","gradingProgress":"FullyGraded","scoreGiven":{given},"scoreMaximum":{maximum},"comment":"Well done.","timestamp":"2026-11-24T13:00:00.000Z"}}"#
    )
}

/// A submission by whoever holds `credential`.
pub fn submission(credential: &str, body: &str) -> Arc<[u8]> {
    let length = body.len();
    let text = format!(
        "POST {TARGET} HTTP/1.1\r\nhost: grades.example.edu\r\nauthorization: SERVICE-AUTH-V1 {credential}:{SERVICE_KEY}\r\ncontent-type: application/json\r\naccept: */*\r\nuser-agent: compare\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    text.into_bytes().into()
}
