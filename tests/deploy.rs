//! What `config/deploy/` promises: that its commands exist, that the configurations in it are
//! good, and that its numbers agree with them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/deploy")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

fn kubernetes(kind: &str) -> Value {
    let manifest = yaml(&format!("kubernetes/{}.yaml", kind.to_lowercase()));
    assert_eq!(manifest["kind"], kind);
    assert_eq!(manifest["metadata"]["name"], "scoregate");
    manifest
}

fn succeeds(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    assert!(status.success(), "{command:?}: {status}: {shown}");
    shown
}

/// What the configurations name, commented keys included.
const SECRETS: [&str; 4] = [
    "ltiaas-api-key",
    "admin-token",
    "log-id-key",
    "ledger-password",
];

/// A configuration that `check` has found good, once its secrets are here.
struct Configuration(toml::Table);

impl Configuration {
    /// `secrets` is where the deployment puts them.
    fn checked(text: &str, secrets: &str) -> Self {
        let here = tempfile::tempdir().unwrap();
        for name in SECRETS {
            fs::write(
                here.path().join(name),
                "a-secret-that-is-long-enough-for-a-key",
            )
            .unwrap();
        }
        let file = here.path().join("scoregate.toml");
        assert!(text.contains(&format!("\"{secrets}/ltiaas-api-key\"")));
        fs::write(&file, text.replace(secrets, here.path().to_str().unwrap())).unwrap();
        let shown = succeeds(scoregate().args(["check", "--config"]).arg(&file));
        // What the comments in the files say: TLS is spoken in front, and the key is an example.
        let expected = ["plain HTTP", "never expires"];
        for warning in shown.lines().filter(|line| line.starts_with("warning")) {
            let is_expected = expected.iter().any(|part| warning.contains(part));
            assert!(is_expected, "{warning}");
        }
        Self(text.parse().unwrap())
    }

    fn text(&self, table: &str, key: &str) -> &str {
        let value = self.0.get(table).and_then(|table| table.get(key));
        value.map_or("0s", |value| value.as_str().unwrap())
    }

    fn port(&self, table: &str) -> u64 {
        let (_, port) = self.text(table, "listen").rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    fn seconds(&self, key: &str) -> u64 {
        seconds(self.text("server", key))
    }

    fn drain(&self) -> u64 {
        self.seconds("drain_delay") + self.seconds("drain_deadline")
    }
}

fn scoregate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_scoregate"))
}

fn seconds(text: &str) -> u64 {
    text.strip_suffix('s').unwrap().parse().unwrap()
}

/// That the command line knows these words; no gateway is started.
fn assert_known(words: &[&str]) {
    succeeds(scoregate().args(words).arg("--help"));
}

fn words(value: &Value) -> Vec<&str> {
    let words = value.as_array().unwrap().iter();
    words.map(|word| word.as_str().unwrap()).collect()
}

/// The one instruction of this name that the Dockerfile's last stage has.
fn instruction(name: &str) -> String {
    let text = text("Dockerfile").replace("\\\n", "");
    let (_, last) = text.rsplit_once("\nFROM ").unwrap();
    let start = format!("{name} ");
    let mut lines = last.lines().filter_map(|line| line.strip_prefix(&start));
    let found = lines.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(lines.next(), None, "more than one {name}");
    found.trim().to_owned()
}

const CONFIG: &str = "/etc/scoregate/scoregate.toml";

/// Where a SQLite ledger is.
const STATE: &str = "/var/lib/scoregate";

#[test]
fn the_image_is_built_with_the_rust_that_the_crate_asks_for() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let version = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(text("Dockerfile").contains(&format!("\nFROM rust:{version}-")));
}

#[test]
fn the_image_has_one_name() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let version = manifest["package"]["version"].as_str().unwrap();
    let image = format!("scoregate:{version}");
    assert_eq!(
        yaml("compose.yaml")["services"]["scoregate"]["image"],
        image
    );
    let pod = kubernetes("Deployment")["spec"]["template"]["spec"].clone();
    assert_eq!(pod["containers"][0]["image"], image);
    let tag = format!("--tag {image} .");
    let docs = fs::read_to_string("docs/deploy.md").unwrap();
    assert!(docs.contains(&tag) && text("Dockerfile").contains(&tag));
}

#[test]
fn the_images_commands_exist_and_need_no_shell() {
    let entry: Value = serde_json::from_str(&instruction("ENTRYPOINT")).unwrap();
    assert_eq!(words(&entry), ["/scoregate"]);
    let run: Value = serde_json::from_str(&instruction("CMD")).unwrap();
    assert_eq!(words(&run), ["run", "--config", CONFIG]);
    assert_known(&words(&run));

    let check = instruction("HEALTHCHECK");
    let (options, check) = check.split_once("CMD ").unwrap();
    let check: Value = serde_json::from_str(check).unwrap();
    assert_eq!(words(&check), ["/scoregate", "health", "--config", CONFIG]);
    assert_known(&words(&check)[1..]);
    // The command's own limit, 2 s, ends first.
    let option = |name: &str| {
        let mut options = options.split_whitespace();
        seconds(
            options
                .find_map(|option| option.strip_prefix(name))
                .unwrap(),
        )
    };
    assert!(option("--timeout=") > 2);
    assert!(option("--start-period=") >= 15);
}

#[test]
fn the_image_runs_as_a_numbered_user_who_can_write_one_folder() {
    let user = instruction("USER");
    let (user_id, group_id) = user.split_once(':').unwrap();
    assert!(user_id.parse::<u32>().unwrap() > 0 && group_id.parse::<u32>().unwrap() > 0);
    let (above, name) = STATE.rsplit_once('/').unwrap();
    let dockerfile = text("Dockerfile");
    // A runtime would make one that goes with the container, and a ledger with it.
    assert!(!dockerfile.contains("\nVOLUME "));
    // The folder above is root's, which only holds where it is there before.
    assert!(dockerfile.contains(&format!("mkdir -p /rootfs{above} ")));
    assert!(dockerfile.contains(&format!("install -d -m 0700 /state/{name}\n")));
    let all = "\nCOPY --from=build /rootfs/ /\n";
    let owned = format!("\nCOPY --from=build --chown={user} /state/ {above}/\n");
    let places = [all, &owned].map(|line| dockerfile.find(line));
    assert!(places[0].is_some() && places[0] < places[1], "{places:?}");
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
}

#[test]
fn the_root_file_system_has_all_that_the_binary_needs() {
    let root = tempfile::tempdir().unwrap();
    succeeds(
        Command::new("sh")
            .arg(folder().join("rootfs.sh"))
            .arg(env!("CARGO_BIN_EXE_scoregate"))
            .arg(root.path()),
    );
    let files = files(root.path());
    let variable = instruction("ENV");
    let certificates = variable.strip_prefix("SSL_CERT_FILE=/").unwrap();
    let certificates = root.path().join(certificates);
    assert!(
        fs::read_to_string(certificates)
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );

    let is_loader = |path: &&PathBuf| name(path).starts_with("ld-");
    let loader = files.iter().find(is_loader).expect("no loader");
    let libraries = files.iter().find(|path| name(path) == "libc.so.6").unwrap();
    // The loader of that root, with the libraries of that root and no others.
    let from_root = |arguments: &[&str]| {
        let mut command = Command::new(loader);
        command
            .args(["--inhibit-cache", "--library-path"])
            .arg(libraries.parent().unwrap())
            .args(arguments)
            .arg(root.path().join("scoregate"));
        command
    };
    let listed = succeeds(&mut from_root(&["--list"]));
    for library in listed.lines().filter_map(|line| line.split_once(" => ")) {
        let (_, path) = library;
        let is_loader = path.contains("/ld-");
        assert!(
            is_loader || path.starts_with(root.path().to_str().unwrap()),
            "{path}"
        );
    }
    let shown = succeeds(from_root(&[]).arg("--version"));
    assert!(shown.starts_with("scoregate "), "{shown}");
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn files(within: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(within).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn the_build_gets_its_sources_and_no_secrets() {
    let ignored = text("Dockerfile.dockerignore");
    let mut lines = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"));
    let allowed: Vec<_> = lines.map(|line| line.strip_prefix('!').unwrap()).collect();
    for needed in ["Cargo.toml", "Cargo.lock", "src", "config/deploy/rootfs.sh"] {
        assert!(allowed.contains(&needed), "{needed}");
        assert!(Path::new(needed).exists(), "{needed}");
    }
    assert!(
        !allowed
            .iter()
            .any(|path| path.contains("secret") || *path == "config")
    );
}

#[test]
fn compose_gives_the_image_what_it_reads_and_time_to_drain() {
    let compose = yaml("compose.yaml");
    let service = &compose["services"]["scoregate"];
    let secrets = "/run/secrets/scoregate";
    let configuration = Configuration::checked(&text("compose/scoregate.toml"), secrets);
    assert!(seconds(service["stop_grace_period"].as_str().unwrap()) > configuration.drain());
    assert_eq!(service["read_only"], true);
    assert_eq!(words(&service["cap_drop"]), ["ALL"]);
    let (config, name) = CONFIG.rsplit_once('/').unwrap();
    assert!(folder().join("compose").join(name).exists());
    // Folders: a file that is mounted by itself never changes by a rename.
    let mounts = [
        ("bind", "./compose", config),
        ("bind", "./secrets", secrets),
        ("volume", "state", STATE),
    ];
    let volumes = service["volumes"].as_array().unwrap();
    assert_eq!(volumes.len(), mounts.len());
    for (volume, (kind, source, target)) in volumes.iter().zip(mounts) {
        let found = ["type", "source", "target"].map(|key| volume[key].as_str().unwrap());
        assert_eq!(found, [kind, source, target]);
        assert_eq!(volume["read_only"] == true, kind == "bind", "{volume}");
    }
    assert!(
        compose["volumes"]
            .as_object()
            .unwrap()
            .contains_key("state")
    );
    let built = folder().join(service["build"]["context"].as_str().unwrap());
    assert!(
        built
            .join(service["build"]["dockerfile"].as_str().unwrap())
            .exists()
    );
    // The public port, for what speaks TLS before it, and the admin port only where the health check runs.
    let port = configuration.port("server");
    assert_eq!(
        words(&service["ports"]),
        [format!("127.0.0.1:{port}:{port}")]
    );
    assert_eq!(instruction("EXPOSE"), port.to_string());
    assert!(configuration.text("admin", "listen").starts_with("127."));
}

/// The values of a key of a systemd unit.
fn settings<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

fn setting<'a>(unit: &'a str, key: &str) -> &'a str {
    let values = settings(unit, key);
    assert_eq!(values.len(), 1, "{key}: {values:?}");
    values[0]
}

#[test]
fn the_unit_runs_a_known_command_and_leaves_time_to_drain() {
    let unit = text("systemd/scoregate.service");
    let secrets = "/run/credentials/scoregate.service";
    let configuration = Configuration::checked(&text("systemd/scoregate.toml"), secrets);
    let stop: u64 = setting(&unit, "TimeoutStopSec").parse().unwrap();
    assert!(stop > configuration.drain());
    // Otherwise five starts within ten seconds, systemd's limit, are the last ones.
    assert_eq!(setting(&unit, "Restart"), "on-failure");
    let pause: u64 = setting(&unit, "RestartSec").parse().unwrap();
    assert!(4 * pause > 10);
    let start: Vec<_> = setting(&unit, "ExecStart").split(' ').collect();
    assert_eq!(
        start,
        ["/usr/local/bin/scoregate", "run", "--config", CONFIG]
    );
    assert_known(&start[1..]);
    assert!(setting(&unit, "LoadCredential").starts_with("ltiaas-api-key:/"));
    assert_eq!(setting(&unit, "ExecReload"), "/bin/kill -HUP $MAINPID");
    // Callers' connections at their default bound, and as many upstream.
    let files: u64 = setting(&unit, "LimitNOFILE").parse().unwrap();
    assert!(files > 2 * 16_384);
}

#[test]
fn the_unit_holds_capabilities_only_for_ports_below_1024() {
    let unit = text("systemd/scoregate.service");
    let drop_in = text("systemd/privileged-port.conf");
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert_eq!(setting(&unit, key), "");
        assert_eq!(setting(&drop_in, key), "CAP_NET_BIND_SERVICE");
    }
    let configuration: toml::Table = text("systemd/scoregate.toml").parse().unwrap();
    assert!(Configuration(configuration).port("server") >= 1024);
}

#[test]
fn systemd_takes_the_unit_and_finds_it_hardened() {
    let here = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_scoregate");
    let unit = text("systemd/scoregate.service").replace("/usr/local/bin/scoregate", binary);
    let file = here.path().join("scoregate.service");
    fs::write(&file, unit).unwrap();
    let drop_ins = here.path().join("scoregate.service.d");
    for with_drop_in in [false, true] {
        if with_drop_in {
            fs::create_dir(&drop_ins).unwrap();
            let drop_in = text("systemd/privileged-port.conf");
            fs::write(drop_ins.join("privileged-port.conf"), drop_in).unwrap();
        }
        let shown = succeeds(Command::new("systemd-analyze").arg("verify").arg(&file));
        // A misspelt key is only a line, and no failure.
        assert!(!shown.contains("scoregate.service"), "{shown}");
    }
    // Of 100, where an unhardened service has 96.
    succeeds(
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=20"])
            .arg(&file),
    );
}

#[test]
fn kubernetes_probes_fit_the_drain_and_the_start() {
    let configuration = config_map();
    let pod = kubernetes("Deployment")["spec"]["template"]["spec"].clone();
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(grace > configuration.drain());
    let container = &pod["containers"][0];
    let probe = |name: &str, path: &str| {
        let probe = &container[name];
        assert_eq!(probe["httpGet"]["path"], path);
        assert_eq!(probe["httpGet"]["port"], "admin");
        let number = |key: &str| probe[key].as_u64().unwrap();
        number("periodSeconds") * number("failureThreshold")
    };
    assert!(probe("readinessProbe", "/readyz") < configuration.seconds("drain_delay"));
    probe("livenessProbe", "/healthz");
    // The gateway listens within 15 s, but for one that brings millions of entries up to date.
    let start = probe("startupProbe", "/healthz");
    assert!(start >= 30 * 60);
    let progress = &kubernetes("Deployment")["spec"]["progressDeadlineSeconds"];
    assert!(progress.as_u64().unwrap() > start);
    assert_known(&words(&container["args"]));
    assert_eq!(words(&container["args"]), ["run", "--config", CONFIG]);
}

fn config_map() -> Configuration {
    let map = kubernetes("ConfigMap");
    let files = map["data"].as_object().unwrap();
    assert_eq!(files.len(), 1);
    let text = files["scoregate.toml"].as_str().unwrap();
    Configuration::checked(text, "/run/secrets/scoregate")
}

#[test]
fn kubernetes_takes_a_record_in_postgresql_and_a_key_of_hashes_out_of_their_comments() {
    let map = kubernetes("ConfigMap");
    let config = map["data"]["scoregate.toml"].as_str().unwrap();
    let config = config.replace("\nurl = \"none\"\n#url = ", "\nurl = ");
    let config = config.replace("\n#password = ", "\npassword = ");
    let config = config.replace("\n#id_key = ", "\nid_key = ");
    let configuration = Configuration::checked(&config, "/run/secrets/scoregate");
    assert!(
        configuration
            .text("ledger", "url")
            .starts_with("postgres://")
    );
    for (table, key) in [("ledger", "password"), ("log", "id_key")] {
        assert!(
            configuration.0[table][key]["file"].is_str(),
            "{table}.{key}"
        );
    }
    // Each rule by itself, so that one port isn't opened with the other.
    let policy = text("kubernetes/networkpolicy.yaml").replace("    #-", "    -");
    let policy = policy.replace("    #    -", "        -");
    let policy: Value = serde_saphyr::from_str(&policy).unwrap();
    let rules = policy["spec"]["egress"].as_array().unwrap();
    for port in [5432, 4318] {
        let rule = |rule: &&Value| rule["ports"][0]["port"] == port;
        let rule = rules.iter().find(rule).unwrap();
        assert_eq!(rule["ports"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn kubernetes_shows_the_public_port_and_hides_the_admin_port() {
    let configuration = config_map();
    let deployment = kubernetes("Deployment");
    let ports = &deployment["spec"]["template"]["spec"]["containers"][0]["ports"];
    let named = |name: &str| {
        let mut ports = ports.as_array().unwrap().iter();
        ports.find(|port| port["name"] == name).unwrap()["containerPort"].clone()
    };
    assert_eq!(named("http"), configuration.port("server"));
    assert_eq!(named("admin"), configuration.port("admin"));
    assert!(
        configuration
            .text("admin", "listen")
            .starts_with("0.0.0.0:")
    );
    let service = kubernetes("Service");
    let shown = service["spec"]["ports"].as_array().unwrap();
    assert_eq!((shown.len(), &shown[0]["targetPort"]), (1, &"http".into()));
    let policy = kubernetes("NetworkPolicy");
    for rule in policy["spec"]["ingress"].as_array().unwrap() {
        let admin = rule["ports"]
            .as_array()
            .unwrap()
            .iter()
            .any(|port| port["port"] == "admin");
        assert_eq!(admin, rule["from"].is_array(), "{rule}");
    }
}

#[test]
fn kubernetes_gives_the_pod_what_it_reads_and_no_rights() {
    let deployment = kubernetes("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let user = instruction("USER");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let id = &pod["securityContext"]["runAsUser"];
    assert_eq!(
        format!("{id}:{}", pod["securityContext"]["runAsGroup"]),
        user
    );
    assert_eq!(pod["automountServiceAccountToken"], false);
    let rights = &container["securityContext"];
    assert_eq!(rights["readOnlyRootFilesystem"], true);
    assert_eq!(rights["allowPrivilegeEscalation"], false);
    assert_eq!(words(&rights["capabilities"]["drop"]), ["ALL"]);
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mounted = |path: &str| {
        let mount = mounts
            .iter()
            .find(|mount| mount["mountPath"] == path)
            .unwrap();
        let volumes = pod["volumes"].as_array().unwrap();
        volumes
            .iter()
            .find(|volume| volume["name"] == mount["name"])
            .unwrap()
    };
    assert_eq!(mounted("/etc/scoregate")["configMap"]["name"], "scoregate");
    let secret = &mounted("/run/secrets/scoregate")["secret"];
    // All its keys: a list would hide those that come later.
    assert!(secret["secretName"] == "scoregate" && secret["items"].is_null());
    // Nothing that can be written and that goes with the pod: no SQLite file by mistake.
    assert!(mounts.iter().all(|mount| mount["readOnly"] == true));
    assert_eq!(config_map().text("ledger", "url"), "none");
}

#[test]
fn kubernetes_selects_one_set_of_pods_and_keeps_one_of_them_up() {
    let deployment = kubernetes("Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&kubernetes("Service")["spec"]["selector"], labels);
    let budget = kubernetes("PodDisruptionBudget");
    assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
    let policy = kubernetes("NetworkPolicy");
    assert_eq!(&policy["spec"]["podSelector"]["matchLabels"], labels);
    // Otherwise no node could ever be drained.
    let replicas = deployment["spec"]["replicas"].as_u64().unwrap();
    assert!(replicas > budget["spec"]["minAvailable"].as_u64().unwrap());
    for resource in words(&yaml("kubernetes/kustomization.yaml")["resources"]) {
        assert!(
            folder().join("kubernetes").join(resource).exists(),
            "{resource}"
        );
    }
}
