//! The contenders: what each is called, what it does, and how it is started.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use scoregate::gateway_key::{digest, written};
use serde_json::json;

use crate::process::Process;
use crate::setting::{
    API_KEY, AUDIENCE, ISSUER, PLATFORM, SECRET, Setting, free_port, submission, token,
};

/// How long its tokens live, in seconds: longer than any comparison.
const LIFETIME: i64 = 24 * 3600;

/// A gateway key of the usual length.
const GATEWAY_KEY: &str = "sgk_comparecomparecomparecomparecomparecomparecompa12";

/// Where Debian and Ubuntu keep nginx's modules.
const NGINX_MODULES: &str = "/usr/lib/nginx/modules";

/// Where `run.sh` builds it.
const HYPER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/peers/release/hyper-peer"
);

/// Callers and policies beside the one that matters, where there are many.
const MANY: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    NginxPlain,
    HaproxyPlain,
    /// What hyper and tokio alone cost.
    HyperPlain,
    NginxJob,
    HaproxyJob,
    NodeJob,
    Scoregate(Variant),
}

/// What is different from the full job with a token and without an access line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Plain,
    AccessLine,
    GatewayKey,
    ManyPolicies,
    Ledger,
}

pub const ALL: &[Contender] = &[
    Contender::NginxPlain,
    Contender::HaproxyPlain,
    Contender::HyperPlain,
    Contender::NginxJob,
    Contender::HaproxyJob,
    Contender::NodeJob,
    Contender::Scoregate(Variant::Plain),
    Contender::Scoregate(Variant::GatewayKey),
    Contender::Scoregate(Variant::AccessLine),
    Contender::Scoregate(Variant::ManyPolicies),
    Contender::Scoregate(Variant::Ledger),
];

/// A contender that has been started.
pub struct Running {
    pub address: SocketAddr,
    pub process: Process,
    /// What it says.
    pub log: PathBuf,
}

impl Contender {
    pub fn name(self) -> &'static str {
        match self {
            Self::NginxPlain => "nginx, plain",
            Self::HaproxyPlain => "HAProxy, plain",
            Self::HyperPlain => "hyper alone, plain",
            Self::NginxJob => "nginx + Lua, job",
            Self::HaproxyJob => "HAProxy + Lua, job",
            Self::NodeJob => "Node, job",
            Self::Scoregate(Variant::Plain) => "scoregate, job",
            Self::Scoregate(Variant::AccessLine) => "scoregate, job, access line",
            Self::Scoregate(Variant::GatewayKey) => "scoregate, job, gateway key",
            Self::Scoregate(Variant::ManyPolicies) => "scoregate, job, 1,000 policies and callers",
            Self::Scoregate(Variant::Ledger) => "scoregate, job, ledger",
        }
    }

    /// Whether it verifies, validates and judges, or only forwards.
    pub fn has_job(self) -> bool {
        !matches!(
            self,
            Self::NginxPlain | Self::HaproxyPlain | Self::HyperPlain
        )
    }

    /// A credential that it accepts.
    pub fn credential(self) -> io::Result<String> {
        match self {
            Self::Scoregate(Variant::GatewayKey) => Ok(GATEWAY_KEY.to_owned()),
            _ => token(LIFETIME, SECRET),
        }
    }

    /// The submission it is measured with.
    pub fn request(self, body: &str) -> io::Result<Arc<[u8]>> {
        Ok(submission(&self.credential()?, body))
    }

    /// Starts it on a port of its own.
    pub fn start(self, setting: &Setting) -> io::Result<Running> {
        let port = free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let directory = setting.directory.join(format!("{self:?}-{port}"));
        fs::create_dir_all(&directory)?;
        let log = directory.join("log");
        let mut command = self.command(setting, &directory, address)?;
        let process = Process::start(&mut command, &log)?;
        Ok(Running {
            address,
            process,
            log,
        })
    }

    fn command(
        self,
        setting: &Setting,
        directory: &Path,
        address: SocketAddr,
    ) -> io::Result<Command> {
        let fill = |name: &str| fill_in(setting, directory, address, name);
        match self {
            Self::NginxPlain => Ok(nginx(directory, &fill("nginx.conf")?)),
            Self::NginxJob => Ok(nginx(directory, &fill("nginx-job.conf")?)),
            Self::HaproxyPlain => Ok(haproxy(&fill("haproxy.cfg")?)),
            Self::HyperPlain => Ok(hyper(setting, address)),
            Self::HaproxyJob => Ok(haproxy(&fill("haproxy-job.cfg")?)),
            Self::NodeJob => Ok(node(setting, address)),
            Self::Scoregate(variant) => scoregate(variant, setting, directory, address),
        }
    }
}

/// Writes a peer's configuration, with what stands between at signs filled in.
fn fill_in(
    setting: &Setting,
    directory: &Path,
    address: SocketAddr,
    name: &str,
) -> io::Result<PathBuf> {
    let mut text = fs::read_to_string(setting.peers.join(name))?;
    for (mark, value) in [
        ("@LISTEN@", address.to_string().as_str()),
        ("@UPSTREAM@", &setting.upstream.to_string()),
        ("@WORKERS@", &setting.workers.to_string()),
        ("@DIRECTORY@", &directory.to_string_lossy()),
        ("@PEERS@", &setting.peers.to_string_lossy()),
        ("@MODULES@", NGINX_MODULES),
        ("@SECRET@", SECRET),
        ("@ISSUER@", ISSUER),
        ("@AUDIENCE@", AUDIENCE),
        ("@API_KEY@", API_KEY),
    ] {
        text = text.replace(mark, value);
    }
    let path = directory.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

fn nginx(directory: &Path, configuration: &Path) -> Command {
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(directory)
        .arg("-c")
        .arg(configuration);
    command.args(["-e", "stderr"]);
    command
}

fn haproxy(configuration: &Path) -> Command {
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(configuration);
    command
}

/// Built as the gateway is.
fn hyper(setting: &Setting, address: SocketAddr) -> Command {
    let mut command = Command::new(HYPER);
    command.args([address.to_string(), setting.upstream.to_string()]);
    command.arg(setting.workers.to_string());
    command
}

fn node(setting: &Setting, address: SocketAddr) -> Command {
    let settings = json!({
        "port": address.port(), "upstream": setting.upstream.to_string(), "secret": SECRET,
        "issuer": ISSUER, "audience": AUDIENCE, "apiKey": API_KEY,
    });
    let mut command = Command::new("node");
    command.arg(setting.peers.join("node/server.mjs"));
    command
        .env("NODE_ENV", "production")
        .env("COMPARE", settings.to_string());
    command
}

fn scoregate(
    variant: Variant,
    setting: &Setting,
    directory: &Path,
    address: SocketAddr,
) -> io::Result<Command> {
    fs::write(directory.join("api-key"), API_KEY)?;
    fs::write(directory.join("secret"), SECRET)?;
    let path = directory.join("scoregate.toml");
    fs::write(&path, configuration(variant, setting, address))?;
    let mut command = Command::new(&setting.gateway);
    command.arg("run").arg("--config").arg(path);
    Ok(command)
}

fn configuration(variant: Variant, setting: &Setting, address: SocketAddr) -> String {
    let access = variant == Variant::AccessLine;
    let ledger = match variant {
        Variant::Ledger => "sqlite:ledger.db",
        Variant::Plain | Variant::AccessLine | Variant::GatewayKey | Variant::ManyPolicies => {
            "none"
        }
    };
    let many = if variant == Variant::ManyPolicies {
        MANY
    } else {
        0
    };
    let (workers, upstream) = (setting.workers, setting.upstream);
    let digest = written(&digest(GATEWAY_KEY));
    format!(
        r#"
[server]
listen = "{address}"
workers = {workers}
[admin]
listen = "127.0.0.1:0"
[log]
access = {access}
[ledger]
url = "{ledger}"
[[account]]
name = "main"
url = "http://{upstream}"
api_keys = [{{ file = "api-key" }}]
platforms = ["{PLATFORM}"]
[[issuer]]
name = "idp"
account = "main"
issuer = "{ISSUER}"
audiences = ["{AUDIENCE}"]
algorithms = ["HS256"]
secret = {{ file = "secret" }}
allow = ["scores:write"]
line_items = ["{PLATFORM}/**"]
[[caller]]
name = "quiz-app"
account = "main"
keys = ["{digest}"]
allow = ["scores:write"]
line_items = ["{PLATFORM}/**"]
[[policy]]
name = "institution"
maximum = {{ percent = 100, over = "cap" }}
{}"#,
        (0..many).map(one_more).collect::<String>(),
    )
}

/// A caller and a policy of other courses.
fn one_more(number: u32) -> String {
    let digest = written(&digest(&number.to_string()));
    format!(
        r#"
[[caller]]
name = "caller-{number}"
account = "main"
keys = ["{digest}"]
allow = ["scores:write"]
[[policy]]
name = "policy-{number}"
match = {{ line_items = ["{PLATFORM}/api/lti/courses/x{number}/**"] }}
maximum = {{ percent = 105, over = "cap" }}
"#
    )
}
