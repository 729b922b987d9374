//! What tests need beside Rust: Express under Node.js, and the official Python SDK. Installed
//! once for each lock file, below `target/test-tools/`; a test that needs one fails without it.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder with `node_modules`, both Expresses within, and `oracle.mjs`.
pub fn express() -> PathBuf {
    let files = ["package.json", "package-lock.json", "oracle.mjs"].map(|name| ("express", name));
    installed("express", &files, |folder| {
        for (_, name) in files {
            std::fs::copy(source("express", name), folder.join(name)).unwrap();
        }
        let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
        run(Command::new("npm").args(arguments).current_dir(folder));
    })
}

/// The Python that knows the SDK.
pub fn python() -> PathBuf {
    let folder = installed("python", &[("python", "requirements.txt")], |folder| {
        let requirements = source("python", "requirements.txt");
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder));
        let pip = [
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
        ];
        run(Command::new(folder.join("bin/python"))
            .args(pip)
            .args(["--quiet", "--no-deps", "--requirement"])
            .arg(requirements));
    });
    folder.join("bin/python")
}

/// A file of the tests.
pub fn source(folder: &str, name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    tests.join(folder).join(name)
}

/// A folder that `install` has filled from these files. Test binaries run beside each other, so
/// that one of them installs while the others wait.
fn installed(name: &str, files: &[(&str, &str)], install: impl FnOnce(&Path)) -> PathBuf {
    let tools = tools();
    std::fs::create_dir_all(&tools).unwrap();
    let lock = File::create(tools.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let folder = tools.join(format!("{name}-{:016x}", digest(files)));
    // Outside of the folder, which a tool may empty first.
    let marker = folder.with_extension("installed");
    if !marker.exists() || !folder.exists() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        install(&folder);
        File::create(marker).unwrap();
    }
    folder
}

/// Below the target folder, wherever that is.
fn tools() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = scratch.parent().expect("the target folder");
    target.join("test-tools")
}

fn digest(files: &[(&str, &str)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (folder, name) in files {
        std::fs::read(source(folder, name))
            .unwrap()
            .hash(&mut hasher);
    }
    hasher.finish()
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|cause| panic!("{command:?} can't be run: {cause}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
