//! A disk once the power is back, and what other processes find on it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use super::disk::Files;
use super::support::{Gateway, Ran, SCORE, Settings, Upstream};

pub const DATABASE: &str = "scoregate.db";

pub struct Image {
    folder: TempDir,
    settings: Settings,
}

/// What commands find.
#[derive(Clone, Default)]
pub struct Found {
    /// Receipts of entries, in their order.
    pub chain: Vec<String>,
    /// Receipts of intents, in theirs.
    pub intents: Vec<String>,
}

pub fn put(files: &Files, folder: &Path) {
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
}

pub fn settings(upstream: &Upstream, durability: &str, database: &Path) -> Settings {
    let mut settings = Settings::new(upstream.address);
    settings.server = "listen = \"127.0.0.1:0\"\nworkers = 2".to_owned();
    settings.tables = format!(
        "[[policy]]\nname = \"best\"\nkeep = \"highest\"\n\
         [ledger]\nurl = \"sqlite:{}\"\ndurability = \"{durability}\"\n",
        database.display()
    );
    settings
}

impl Image {
    pub fn of(files: &Files, upstream: &Upstream, durability: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(files, folder.path());
        let settings = settings(upstream, durability, &folder.path().join(DATABASE));
        let text = settings.write(folder.path());
        fs::write(folder.path().join("scoregate.toml"), text).unwrap();
        Self { folder, settings }
    }

    pub fn found(&self) -> Result<Found, String> {
        let folder = self.folder.path();
        Found::by(&folder.join("scoregate.toml"), &folder.join(DATABASE))
    }

    /// A gateway starts on it, takes up what was intended, and records.
    pub fn goes_on(&self, found: &Found) -> Result<(), String> {
        let mut gateway = Gateway::try_start(&self.settings)?;
        let answer = gateway.submit(SCORE);
        gateway.signal("TERM");
        assert!(gateway.ended().success(), "{}", gateway.log());
        let receipt = answer.header("scoregate-receipt");
        let receipt = receipt.ok_or_else(|| answer.everything())?.to_owned();
        let chain = self.found()?.chain;
        let before = found.chain.iter().chain(&found.intents);
        match chain.iter().eq(before.chain([&receipt])) {
            true => Ok(()),
            false => Err(format!("a gateway went on with {chain:?}")),
        }
    }

    /// For whoever looks into a failure.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

impl Found {
    /// The commands come first: they find the files as the disk has them.
    pub fn by(config: &Path, database: &Path) -> Result<Self, String> {
        let config = config.to_str().unwrap();
        let command = |name| Ran::of(&["ledger", name, "--json", "--config", config]);
        let verified = command("verify");
        // Not even the tables, or the file.
        if verified.stderr.contains("no gateway has") {
            return Ok(Self::default());
        }
        let listed = command("list");
        let mut both = [&verified, &listed].into_iter();
        if let Some(ran) = both.find(|ran| ran.code != Some(0)) {
            return Err(format!("{}{}", ran.stdout, ran.stderr));
        }
        match looked_into(database) {
            Ok((told, intents)) if told == "ok" => Ok(Self {
                chain: receipts(&listed.stdout),
                intents,
            }),
            Ok((told, _)) => Err(told),
            Err(cause) => Err(cause.to_string()),
        }
    }
}

fn receipts(entries: &str) -> Vec<String> {
    let entries: Vec<Value> = serde_json::from_str(entries).unwrap();
    let receipt = |entry: &Value| entry["receipt"].as_str().unwrap().to_owned();
    entries.iter().map(receipt).collect()
}

/// What SQLite says of the file, and the intents.
fn looked_into(database: &Path) -> rusqlite::Result<(String, Vec<String>)> {
    let database = Connection::open(database)?;
    let told = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let mut intents = database.prepare("SELECT receipt FROM intents ORDER BY receipt")?;
    let intents = intents.query_map([], |row| row.get(0))?;
    Ok((told, intents.collect::<Result<_, _>>()?))
}
