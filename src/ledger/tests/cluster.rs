//! A PostgreSQL of our own for tests, from the system's packages: in a folder of its own, on a
//! socket in it, gone with the last test that uses it.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
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

/// How it listens beside its socket.
pub struct Network {
    pub address: SocketAddr,
    /// Of everybody who comes that way.
    pub password: String,
    /// The server's certificate and its key, in PEM.
    pub tls: Option<(String, String)>,
}

impl Network {
    /// An address of this machine that nobody else uses: a port has to be named before the server
    /// takes it, and by then may be gone.
    pub fn free_address() -> SocketAddr {
        let [a, b, c, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
        let address = Ipv4Addr::new(127, 1 + a % 200, b, c);
        let socket = TcpListener::bind((address, 0)).unwrap();
        socket.local_addr().unwrap()
    }
}

pub struct Cluster {
    folder: TempDir,
    network: Option<Network>,
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
        Self::start_on(None)
    }

    /// One that asks for passwords, and the role `strict` for TLS too.
    pub fn start_on(network: Option<Network>) -> Self {
        let cluster = Self::initialized(network);
        if let Some(network) = &cluster.network {
            cluster.prepare(network);
        }
        cluster.resume();
        if let Some(Network { password, .. }) = &cluster.network {
            let quoted = password.replace('\'', "''");
            let sql = format!(
                "ALTER ROLE postgres PASSWORD '{quoted}'; \
                 CREATE ROLE strict SUPERUSER LOGIN PASSWORD '{quoted}'"
            );
            cluster.psql("postgres", &sql);
        }
        cluster
    }

    /// What is read when the server starts.
    fn prepare(&self, network: &Network) {
        let data = self.folder.path().join("data");
        let rules = "local all all trust\n\
             hostssl all strict 127.0.0.0/8 scram-sha-256\n\
             host all postgres 127.0.0.0/8 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let Some((certificate, key)) = &network.tls else {
            return;
        };
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = data.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    }

    fn initialized(network: Option<Network>) -> Self {
        let folder = own_folder();
        copy(&template(), &folder.path().join("data"));
        Self {
            folder,
            network,
            server: Mutex::new(None),
            databases: AtomicUsize::new(0),
        }
    }

    /// In the name of the socket, too.
    fn port(&self) -> u16 {
        let network = self.network.as_ref();
        network.map_or(5432, |network| network.address.port())
    }

    /// Starts the server (again) and waits until it answers.
    pub fn resume(&self) {
        let mut server = command("postgres");
        server.arg("-D").arg(self.folder.path().join("data"));
        server.arg("-k").arg(self.folder.path());
        let network = self.network.as_ref();
        let address = network.map(|network| network.address.ip().to_string());
        let has_tls = network.is_some_and(|network| network.tls.is_some());
        let settings = [
            format!("listen_addresses={}", address.unwrap_or_default()),
            format!("port={}", self.port()),
            format!("ssl={}", if has_tls { "on" } else { "off" }),
            "password_encryption=scram-sha-256".to_owned(),
            "fsync=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
        ];
        for setting in settings {
            server.arg("-c").arg(setting);
        }
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

    /// Kills it, as a crash of the machine would: its backends, which otherwise serve on until they
    /// notice, too.
    pub fn stop(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            let signal = |name: &str, process: &str| {
                let _ = Command::new("kill").args([name, process]).output();
            };
            // As long as it is there and stands still, the ids of its children are nobody else's.
            let id = server.id();
            signal("-STOP", &id.to_string());
            let backends = children(id);
            backends.iter().for_each(|backend| signal("-KILL", backend));
            server.kill().unwrap();
            server.wait().unwrap();
        }
        let socket = format!(".s.PGSQL.{}", self.port());
        let socket = self.folder.path().join(socket);
        let pid = self.folder.path().join("data/postmaster.pid");
        for file in [socket, pid] {
            let _ = fs::remove_file(file);
        }
    }

    /// The URL of a new, empty database.
    pub fn database(&self) -> String {
        self.database_with("")
    }

    /// The URL of one that is made with these options.
    pub fn database_with(&self, options: &str) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name} {options}"));
        self.url(&name)
    }

    pub fn url(&self, name: &str) -> String {
        let host = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres@{host}:{}/{name}", self.port())
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
            .arg(self.folder.path())
            .args(["-p", &self.port().to_string()]);
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
        psql.arg(self.folder.path())
            .args(["-p", &self.port().to_string()])
            .output()
            .unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder that only whoever runs PostgreSQL can enter.
fn own_folder() -> TempDir {
    let prefixed = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp");
    let folder = prefixed.unwrap();
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// What `initdb` makes, made once and kept below the target folder: a copy takes a tenth of the
/// time. Test binaries run beside each other, so that one of them makes it while the others wait.
fn template() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(2).expect("a folder of builds");
    let tools = target.join("test-tools");
    fs::create_dir_all(&tools).unwrap();
    let lock = File::create(tools.join("initdb.lock")).unwrap();
    lock.lock().unwrap();
    let owner = if is_root() { "nobody" } else { "me" };
    let whole = tools.join(format!("initdb-{}-{owner}", version()));
    if !whole.exists() {
        let folder = own_folder();
        let made = folder.path().join("data");
        initialize(&made);
        // Under its own name only once it is whole.
        let part = whole.with_extension("part");
        let _ = fs::remove_dir_all(&part);
        copy(&made, &part);
        fs::rename(part, &whole).unwrap();
    }
    whole
}

/// Such as `initdbPostgreSQL15.14`: another server may want other files.
fn version() -> String {
    let said = command("initdb").arg("--version").output();
    let said = said.expect("initdb of PostgreSQL: see docs/testing.md");
    let said = String::from_utf8(said.stdout).unwrap();
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '.';
    said.chars().filter(is_plain).collect()
}

fn initialize(data: &Path) {
    let mut initdb = command("initdb");
    initdb.args(["-N", "-A", "trust", "-U", "postgres", "-E", "UTF8"]);
    succeeds(initdb.args(["--no-locale", "-D"]).arg(data));
}

/// With owners and rights, for which PostgreSQL looks.
fn copy(from: &Path, to: &Path) {
    succeeds(Command::new("cp").arg("-a").arg(from).arg(to));
}

fn succeeds(command: &mut Command) {
    let done = command.output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {told}");
}

/// The ids of a process's children.
fn children(parent: u32) -> Vec<String> {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let ids = fs::read_to_string(file).unwrap_or_default();
    ids.split_whitespace().map(str::to_owned).collect()
}

fn command(name: &str) -> Command {
    let mut command = Command::new(find(name));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// In the folder that `POSTGRES_BIN` names, if it is there; else the system's newest. Debian keeps the
/// server's programs out of PATH.
fn find(name: &str) -> PathBuf {
    let given = std::env::var_os("POSTGRES_BIN").map(|folder| Path::new(&folder).join(name));
    if let Some(given) = given.filter(|given| given.exists()) {
        return given;
    }
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
