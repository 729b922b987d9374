//! The real binary, ended with the test.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Client, DEADLINE, Request, Response, Settings, Upstream};

const BINARY: &str = env!("CARGO_BIN_EXE_scoregate");

pub struct Gateway {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    /// The caller's key.
    pub key: String,
    pub directory: Arc<TempDir>,
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    /// While it is held, nobody reads the log.
    pub reader: Arc<Mutex<()>>,
    /// Reads the log until the process ends.
    reading: Option<JoinHandle<()>>,
}

impl Gateway {
    /// With the settings that most tests use.
    pub fn before(upstream: &Upstream) -> Self {
        Self::start(&Settings::new(upstream.address))
    }

    pub fn start(settings: &Settings) -> Self {
        Self::try_start(settings).unwrap_or_else(|log| panic!("the gateway didn't start: {log}"))
    }

    /// Starts, or answers with what the process wrote before it ended.
    pub fn try_start(settings: &Settings) -> Result<Self, String> {
        Self::try_start_in(folder_with(settings), &settings.key)
    }

    /// Begins to start, and does not wait until it serves.
    pub fn launch(settings: &Settings) -> Self {
        Self::launch_in(folder_with(settings), &settings.key)
    }

    /// Starts with so many file descriptors at most.
    pub fn start_with_files(settings: &Settings, most: usize) -> Self {
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
        command.args(["-c", &limited, BINARY]);
        Self::start_by(command, settings)
    }

    /// Starts by a command that the arguments of `scoregate` are added to.
    pub fn start_by(command: Command, settings: &Settings) -> Self {
        let started = Self::try_start_by(command, folder_with(settings), &settings.key);
        started.unwrap_or_else(|log| panic!("the gateway didn't start: {log}"))
    }

    /// Another process on the same files, once this one has ended.
    pub fn again(&self) -> Self {
        let started = Self::try_start_in(self.directory.clone(), &self.key);
        started.unwrap_or_else(|log| panic!("the gateway didn't start again: {log}"))
    }

    fn launch_in(directory: Arc<TempDir>, key: &str) -> Self {
        Self::launch_by(Command::new(BINARY), directory, key)
    }

    fn launch_by(mut command: Command, directory: Arc<TempDir>, key: &str) -> Self {
        let (config, ready) = (
            directory.path().join("scoregate.toml"),
            directory.path().join("ready.json"),
        );
        let _ = std::fs::remove_file(&ready);
        let mut child = command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let reader = Arc::<Mutex<()>>::default();
        let (log, reading) = capture(child.stderr.take().unwrap(), reader.clone());
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: key.to_owned(),
            directory,
            child,
            log,
            reader,
            reading: Some(reading),
        }
    }

    fn try_start_in(directory: Arc<TempDir>, key: &str) -> Result<Self, String> {
        Self::try_start_by(Command::new(BINARY), directory, key)
    }

    fn try_start_by(command: Command, directory: Arc<TempDir>, key: &str) -> Result<Self, String> {
        let mut gateway = Self::launch_by(command, directory, key);
        let ready = gateway.directory.path().join("ready.json");
        let started = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(&ready) {
                let text: Value = serde_json::from_str(&text).unwrap();
                gateway.address = text["listen"].as_str().unwrap().parse().unwrap();
                gateway.admin = text["admin"].as_str().unwrap().parse().unwrap();
                return Ok(gateway);
            }
            if gateway.child.try_wait().unwrap().is_some() {
                gateway.read_on();
                return Err(gateway.log());
            }
            // The contract's own limit.
            assert!(started.elapsed() < Duration::from_secs(15), "never ready");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Sends a request on a connection of its own.
    pub fn ask(&self, request: &Request) -> Response {
        self.connect().send(request.bytes()).response()
    }

    /// A request that this gateway's caller makes, with an ltik.
    pub fn request(&self, method: &str, target: &str) -> Request {
        Request::new(method, target).authorization(&format!(
            "LTIK-AUTH-V2 {}:{}",
            self.key,
            super::LTIK
        ))
    }

    /// A submission to `ITEM`.
    pub fn submission(&self, body: impl Into<Vec<u8>>) -> Request {
        self.request("POST", super::SCORES).json(body)
    }

    pub fn submit(&self, body: impl Into<Vec<u8>>) -> Response {
        self.ask(&self.submission(body))
    }

    /// What stands on stderr so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Waits until the log says something.
    pub fn wait_for_log(&self, text: &str) {
        let started = Instant::now();
        while !self.log().contains(text) {
            assert!(
                started.elapsed() < DEADLINE,
                "no `{text}` in {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn config_file(&self) -> PathBuf {
        self.directory.path().join("scoregate.toml")
    }

    /// Puts another configuration in the place of the one before, whole.
    pub fn reconfigure(&self, settings: &Settings) {
        self.reconfigure_with(&settings.write(self.directory.path()));
    }

    pub fn reconfigure_with(&self, text: &str) {
        let next = self.directory.path().join("next.toml");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, self.config_file()).unwrap();
    }

    /// What `/config` shows.
    pub fn applied(&self) -> Value {
        let page = Request::new("GET", "/config").bytes();
        Client::connect(self.admin).send(page).response().json()
    }

    /// Waits until `/config` shows what is wanted, for as long as a change may take to be seen.
    pub fn wait_until_applied(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let applied = self.applied();
            if wanted(&applied) {
                return applied;
            }
            let log = || self.log();
            assert!(started.elapsed() < DEADLINE, "{applied:#}\n{}", log());
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn wait_for_generation(&self, number: u64) -> Value {
        self.wait_until_applied(|applied| applied["generation"] == number)
    }

    /// A size that the kernel knows of the process, such as `VmRSS`, in KiB.
    pub fn size(&self, name: &str) -> u64 {
        let file = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(file).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let words = line.unwrap().trim_start_matches(':').split_whitespace();
        words.into_iter().next().unwrap().parse().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// How the process ends, in time.
    pub fn ended(&mut self) -> ExitStatus {
        let status = self.exited();
        self.read_on();
        status
    }

    /// As `ended`, whether somebody reads the log or not.
    pub fn exited(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                started.elapsed() < DEADLINE,
                "still running: {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Once it has ended: its last words may be on their way.
    fn read_on(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.join().unwrap();
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder_with(settings: &Settings) -> Arc<TempDir> {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("scoregate.toml");
    std::fs::write(config, settings.write(directory.path())).unwrap();
    Arc::new(directory)
}

fn capture(
    mut stderr: impl Read + Send + 'static,
    reader: Arc<Mutex<()>>,
) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let log = Arc::<Mutex<Vec<u8>>>::default();
    let writer = log.clone();
    let reading = thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut bytes) {
            writer.lock().unwrap().extend_from_slice(&bytes[..count]);
            drop(reader.lock());
        }
    });
    (log, reading)
}
