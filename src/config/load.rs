//! Loads a configuration: file, overrides, tree, document, checks. All that is wrong with it is
//! reported at once, save for syntax errors: behind those nothing can be told for sure.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde_json::Value;

use super::Config;
use super::document::Document;
use super::environment::{Environment, Process, WithoutAccountKeys};
use super::files;
use super::findings::Findings;
use super::mask;
use super::misspelt;
use super::problem::{Named, Place, Problem, Problems};
use super::read::{Read, read};
use super::tree::{self, Node};
use crate::bounded::{read_file, read_file_or_pipe};
use crate::hex::hex;

/// A longer file is no configuration.
const LONGEST: usize = 4 * 1024 * 1024;

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// What is allowed, but risky.
    pub warnings: Vec<Problem>,
    /// The effective configuration, secrets and learners' ids as `***`.
    pub view: Value,
    /// Its policies whole, to tell one set of them from another. Never shown: they name learners.
    pub policies: Value,
    /// SHA-256, in hex, of the file and the overrides.
    pub hash: String,
    /// Every file that it names: certificates, secrets, key sets.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    pub fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!(target: "scoregate::config", %warning, "a risky setting");
        }
    }
}

/// Loads the file at `path` with the overrides of the process's environment, for a gateway that will
/// read it again and again: a pipe won't do.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    load_by(read_file, path, &Process)
}

/// The same for a command that sends nothing, and so needs no keys of accounts.
pub fn load_to_read(path: &Path) -> Result<Loaded, Problems> {
    load_with(path, &WithoutAccountKeys)
}

/// Loads the file at `path`, which may be a pipe, with the overrides and secrets of `environment`.
pub fn load_with(path: &Path, environment: &dyn Environment) -> Result<Loaded, Problems> {
    load_by(read_file_or_pipe, path, environment)
}

fn load_by(read: Reading, path: &Path, environment: &dyn Environment) -> Result<Loaded, Problems> {
    let name: Arc<str> = path.display().to_string().into();
    let text = text_by(read, &name, path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    load_text(&name, &text, folder, environment)
}

/// Loads a configuration's text, as the file `name` whose relative file names start at `folder`.
pub fn load_text(
    name: &Arc<str>,
    text: &str,
    folder: &Path,
    environment: &dyn Environment,
) -> Result<Loaded, Problems> {
    let mut tree = tree::parse(name, text)?;
    let problems = apply_overrides(&mut tree, environment);
    let hash = hash_of(text, environment);
    load_tree(tree, problems, hash, folder, environment)
}

/// Loads the configuration at `path` with the `[[policy]]` tables of the file `candidate` in place
/// of its own. Nothing else of that file is read; the warnings are those of its tables.
pub fn load_candidate(
    path: &Path,
    candidate: &Path,
    environment: &dyn Environment,
) -> Result<Loaded, Problems> {
    let name = |path: &Path| -> Arc<str> { path.display().to_string().into() };
    let (of_config, of_candidate) = (name(path), name(candidate));
    let text = text_by(read_file_or_pipe, &of_config, path)?;
    let mut tree = tree::parse(&of_config, &text)?;
    let problems = apply_overrides(&mut tree, environment);
    let tables = text_by(read_file_or_pipe, &of_candidate, candidate)?;
    let tables = tree::parse(&of_candidate, &tables)?;
    let Some(policies) = tables.into_member("policy") else {
        let place = Place::File(of_candidate);
        return Err(Problems::one(place, "there is no `[[policy]]`"));
    };
    tree.put("policy", policies);
    let folder = path.parent().unwrap_or(Path::new(""));
    let hash = hash_of(&text, environment);
    let mut loaded = load_tree(tree, problems, hash, folder, environment)?;
    let is_of_candidate = |warning: &Problem| warning.place.is_in(&of_candidate);
    loaded.warnings.retain(is_of_candidate);
    Ok(loaded)
}

fn load_tree(
    mut tree: Node,
    mut problems: Vec<Problem>,
    hash: String,
    folder: &Path,
    environment: &dyn Environment,
) -> Result<Loaded, Problems> {
    let Read {
        document,
        problems: of_reading,
        unread,
    } = read(&mut tree);
    problems.extend(of_reading);
    let Some(document) = document else {
        return Err(Problems::only(problems));
    };

    let findings = Findings::new(&tree, &unread, environment, folder);
    let config = document.check(&findings.top(), Timestamp::now());
    let (of_checks, mut warnings, files) = findings.into_lists();
    problems.extend(of_checks);
    warnings.extend(misspelt::warnings(&tree, environment));
    in_file_order(&mut problems);
    in_file_order(&mut warnings);
    match config {
        Some(config) if problems.is_empty() => {
            let (view, policies) = views_of(&document);
            Ok(Loaded {
                config,
                warnings,
                view,
                policies,
                hash,
                files,
            })
        }
        _ => Err(Problems {
            problems,
            warnings,
            files: Named(files),
        }),
    }
}

/// How a configuration's file is read.
type Reading = fn(&Path, usize) -> io::Result<Vec<u8>>;

pub(super) fn text_by(read: Reading, name: &Arc<str>, path: &Path) -> Result<String, Problems> {
    let bytes = read(path, LONGEST).map_err(|cause| {
        let message = format!("the file can't be read: {}", files::unreadable(&cause));
        Problems::one(Place::File(name.clone()), message)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(good);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Problems::one(Place::Line(name.clone(), line), "this line is not UTF-8")
    })
}

pub(super) fn apply_overrides(tree: &mut Node, environment: &dyn Environment) -> Vec<Problem> {
    let overrides = environment.starting_with(tree::PREFIX);
    let apply = |(name, text): (&String, &String)| {
        let cause = tree::apply_override(tree, name, text).err()?;
        Some(Problem {
            place: Place::Variable(name.clone()),
            key: String::new(),
            given: None,
            message: cause.to_string(),
        })
    };
    overrides.iter().filter_map(apply).collect()
}

fn in_file_order(problems: &mut Vec<Problem>) {
    problems.sort_by(|one, other| one.place.cmp(&other.place));
    problems.dedup();
}

/// What is shown, and the policies whole. Secrets are masked by the types that hold their places.
fn views_of(document: &Document) -> (Value, Value) {
    let mut view = serde_json::to_value(document).unwrap_or_default();
    let policies = view.get("policy").cloned().unwrap_or_default();
    mask::mask_learners(&mut view);
    (view, policies)
}

fn hash_of(text: &str, environment: &dyn Environment) -> String {
    let mut context = Context::new(&SHA256);
    context.update(text.as_bytes());
    for (name, value) in environment.starting_with(tree::PREFIX) {
        for part in ["\0", &name, "=", &value] {
            context.update(part.as_bytes());
        }
    }
    hex(context.finish().as_ref())
}
