//! A PostgreSQL of our own for tests, from the system's packages: in a folder of its own, on a
//! socket in it, gone with the last test that uses it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// PostgreSQL refuses to run as root, so it runs as "nobody" there.
const NOBODY: u32 = 65_534;

pub struct Cluster {
    folder: TempDir,
    server: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

impl Cluster {
    /// The one that tests share.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    /// One of one's own, to stop and start.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in("/tmp")
            .unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let data = folder.path().join("data");
        let mut initdb = command("initdb");
        initdb.args([
            "-N",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-locale",
            "-D",
        ]);
        let done = initdb
            .arg(&data)
            .output()
            .expect("initdb of PostgreSQL: see docs/testing.md");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let cluster = Self {
            folder,
            server: Mutex::new(None),
            databases: AtomicUsize::new(0),
        };
        cluster.resume();
        cluster
    }

    /// Starts the server (again) and waits until it answers.
    pub fn resume(&self) {
        let mut server = command("postgres");
        server.arg("-D").arg(self.folder.path().join("data"));
        server.arg("-k").arg(self.folder.path());
        server.args([
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "shared_buffers=16MB",
        ]);
        let server = server
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        *self.server.lock().unwrap() = Some(server);
        let end = Instant::now() + Duration::from_secs(30);
        while !self.answers() {
            assert!(Instant::now() < end, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it, as a crash would.
    pub fn stop(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
        let socket = self.folder.path().join(".s.PGSQL.5432");
        let pid = self.folder.path().join("data/postmaster.pid");
        for file in [socket, pid] {
            let _ = fs::remove_file(file);
        }
    }

    /// The URL of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    pub fn url(&self, name: &str) -> String {
        let host = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres@{host}/{name}")
    }

    fn answers(&self) -> bool {
        self.run("postgres", "SELECT 1").status.success()
    }

    /// Runs statements as an administrator; what they print.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let done = self.run(database, sql);
        assert!(
            done.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }

    /// All that a database holds, its statistics included.
    pub fn dump(&self, name: &str) -> String {
        let mut dump = command("pg_dump");
        dump.args(["-U", "postgres", "-d", name, "-h"])
            .arg(self.folder.path());
        let done = dump.output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let statistics = self.psql(
            name,
            "ANALYZE; SELECT * FROM pg_stats WHERE schemaname = 'public'",
        );
        String::from_utf8(done.stdout).unwrap() + &statistics
    }

    fn run(&self, database: &str, sql: &str) -> std::process::Output {
        let mut psql = command("psql");
        psql.args([
            "-X", "-A", "-t", "-U", "postgres", "-d", database, "-c", sql, "-h",
        ]);
        psql.arg(self.folder.path()).output().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn command(name: &str) -> Command {
    let mut command = Command::new(find(name));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// Debian keeps the server's programs out of PATH.
fn find(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<_> = versions
        .map(|version| version.path().join("bin").join(name))
        .collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| Path::new(name).to_owned())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}
