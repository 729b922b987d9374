//! The demo's cast: a stand-in LTIAAS, a gateway with a configuration like anybody's, and a tool's
//! key. All on loopback, on free ports, with secrets made for this run.

use std::fs;
use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;

use super::Cause;
use super::client::{Answer, post};
use super::samples::{As, Sample, Upstream};
use crate::app::Gateway;
use crate::config::{Loaded, load};
use crate::gateway_key;
use crate::line_item::encode_component;
use crate::sandbox::{Fault, Handle, Kind, Match, Options, Sandbox};

const LINE_ITEM: &str = "https://lms.example.com/course/1/lineitems/1";

pub struct Stage {
    pub ltiaas: SocketAddr,
    pub gateway: SocketAddr,
    pub admin: SocketAddr,
    /// The scores route of the demo's line item.
    pub target: String,
    key: SecretString,
    sandbox: Handle,
    _gateway: Gateway,
}

/// What one sample led to.
pub struct Shown {
    pub answer: Answer,
    /// The body that the stand-in LTIAAS got, if it got any.
    pub received: Option<String>,
}

impl Stage {
    /// Starts everything. The configuration is written, loaded and deleted again.
    pub async fn set() -> Result<Self, Cause> {
        let (account_key, _) = gateway_key::generate()?;
        let account_key = account_key.expose_secret().replace("sgk_", "ltiaas-");
        let sandbox = Sandbox::bind(Options {
            api_keys: vec![account_key.clone()],
            ..Options::default()
        })
        .await?;
        let (ltiaas, handle) = (sandbox.address(), sandbox.handle());
        tokio::spawn(sandbox.serve(std::future::pending::<()>()));

        let (key, digest) = gateway_key::generate()?;
        let loaded = configuration(ltiaas, &account_key, &digest)?;
        // It blocks while it starts.
        let gateway = spawn_blocking(|| Gateway::start(loaded, None)).await??;
        let mut target = String::from("/api/lineitems/");
        encode_component(LINE_ITEM, &mut target);
        target.push_str("/scores");
        Ok(Self {
            ltiaas,
            gateway: gateway.listen,
            admin: gateway.admin,
            target,
            key,
            sandbox: handle,
            _gateway: gateway,
        })
    }

    /// The header that the demo's tool sends.
    pub fn authorization(&self) -> String {
        format!("LTIK-AUTH-V2 {}:demo-ltik", self.key.expose_secret())
    }

    pub async fn submit(&self, sample: &Sample) -> Result<Shown, Cause> {
        if sample.upstream == Upstream::Breaks {
            self.sandbox.add_faults(vec![bad_gateway()]);
        }
        let before = self.sandbox.requests().len();
        let authorization = match sample.caller {
            As::Tool => self.authorization(),
            As::Stranger => "LTIK-AUTH-V2 sgk_somebody-elses-key:demo-ltik".to_owned(),
        };
        let answer = post(self.gateway, &self.target, &authorization, sample.body).await?;
        let received = self
            .sandbox
            .requests()
            .into_iter()
            .nth(before)
            .map(|request| request.body);
        Ok(Shown { answer, received })
    }
}

/// What a load balancer in front of LTIAAS says on a bad day.
fn bad_gateway() -> Fault {
    Fault {
        times: 1,
        matching: Match::default(),
        delay_ms: 0,
        apply: false,
        fault: Kind::Status {
            status: 502,
            body: "<html><body><h1>502 Bad Gateway</h1></body></html>".to_owned(),
            content_type: Some("text/html".to_owned()),
            headers: Vec::new(),
        },
    }
}

/// A configuration file like anybody's, through the same loader.
fn configuration(
    ltiaas: SocketAddr,
    account_key: &str,
    digest: &[u8; 32],
) -> Result<Loaded, Cause> {
    let folder = std::env::temp_dir().join(format!("scoregate-demo-{:016x}", getrandom::u64()?));
    fs::create_dir(&folder)?;
    let file = folder.join("scoregate.toml");
    let written = fs::write(folder.join("ltiaas.key"), account_key)
        .and_then(|()| fs::write(&file, text(ltiaas, digest)));
    let loaded = written
        .map_err(Cause::from)
        .and_then(|()| load(&file).map_err(Cause::from));
    fs::remove_dir_all(&folder)?;
    loaded
}

fn text(ltiaas: SocketAddr, digest: &[u8; 32]) -> String {
    let digest = gateway_key::written(digest);
    format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        [admin]
        listen = "127.0.0.1:0"
        [log]
        access = false
        [ledger]
        url = "none"
        [[account]]
        name = "main"
        url = "http://{ltiaas}"
        api_keys = [{{ file = "ltiaas.key" }}]
        platforms = ["https://lms.example.com"]
        [[caller]]
        name = "quiz-app"
        account = "main"
        keys = ["{digest}"]
        allow = ["scores:write", "scores:read"]
        line_items = ["https://lms.example.com/**"]
        [[policy]]
        name = "institution"
        maximum = {{ percent = 100, over = "cap" }}
        "#
    )
}
