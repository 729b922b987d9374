//! What a gateway did from its start to its end, and what it promised by it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;

use tempfile::TempDir;

use super::disk::{Disk, Files, Unsynced};
use super::image::{DATABASE, Found, Image, put, settings};
use super::strace::{Call, calls, synced, traced};
use super::support::{Gateway, Upstream, score_with};

const CALLERS: usize = 4;

/// A receipt, and the line of the trace at which something of it began to leave.
type Moment = (usize, String);

pub struct Story {
    pub durability: &'static str,
    upstream: Upstream,
    folder: TempDir,
    /// The disk that it started on.
    before: Files,
    calls: Vec<Call>,
    /// Scores, to LTIAAS. What was intended already left long ago.
    pub left: Vec<Moment>,
    /// Answers, to whoever submitted. What was recorded already was answered long ago.
    answered: Vec<Moment>,
    /// All receipts in the end, in their order.
    pub chain: Vec<String>,
    /// The line at which the log was synced after all of it, while the gateway was still running.
    pub synced: usize,
}

impl Story {
    /// Of one that records so much that SQLite copies its log back into the database, and begins it anew.
    pub fn of(durability: &'static str, rounds: usize) -> Self {
        let story = Self::on(Files::new(), &Found::default(), durability, 0..rounds);
        let (lines, moments) = (story.lines(), story.disk().moments());
        let mut copied = moments.iter().filter(|(_, name)| name == DATABASE);
        let is_between = |line| lines[0] < line && line < lines[lines.len() - 1];
        let was_copied = copied.any(|(line, _)| is_between(*line));
        assert!(was_copied, "the log was never copied");
        story
    }

    /// Of one that starts on what another left, and goes on with these rounds.
    pub fn on(
        before: Files,
        found: &Found,
        durability: &'static str,
        rounds: Range<usize>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(&before, folder.path());
        let (database, trace) = (folder.path().join(DATABASE), folder.path().join("trace"));
        let upstream = Upstream::accepting();
        let settings = settings(&upstream, durability, &database);
        let program = traced(env!("CARGO_BIN_EXE_scoregate"), &trace);
        let mut gateway = Gateway::start_by(program, &settings);
        let submitted = submit_all(&gateway, rounds);
        let synced = synced(&trace, "-wal");
        gateway.signal("TERM");
        assert!(gateway.ended().success(), "{}", gateway.log());
        let calls = calls(&trace);
        let (mut left, mut answered) = moments(&calls, submitted);
        let long_ago = |receipt: &String| (0, receipt.clone());
        left.extend(found.intents.iter().map(long_ago));
        answered.extend(found.chain.iter().map(long_ago));
        let chain = Found::by(&gateway.config_file(), &database).unwrap().chain;
        assert_eq!(chain.len(), answered.len() + found.intents.len());
        Self {
            durability,
            upstream,
            folder,
            before,
            calls,
            left,
            answered,
            chain,
            synced,
        }
    }

    pub fn disk(&self) -> Disk<'_> {
        let database = self.folder.path().join(DATABASE);
        Disk::new(&database, &self.before, &self.calls)
    }

    pub fn image(&self, files: &Files) -> Image {
        Image::of(files, &self.upstream, self.durability)
    }

    /// What is on the disk if the power goes after a line of the trace.
    pub fn files_after(&self, line: usize, unsynced: Unsynced) -> Files {
        let mut disk = self.disk();
        disk.go_to(line);
        disk.files(unsynced)
    }

    /// When anything left.
    pub fn lines(&self) -> Vec<usize> {
        let lines = self.left.iter().chain(&self.answered);
        let lines: BTreeSet<_> = lines.map(|(line, _)| *line).collect();
        lines.into_iter().filter(|line| *line > 0).collect()
    }

    /// Whether an answer had left that the disk then knew nothing of.
    pub fn was_ahead_of_the_disk(&self) -> bool {
        let is_ahead = |(line, receipt): &Moment| {
            let files = self.files_after(*line, Unsynced::Lost);
            !self.image(&files).found().unwrap().chain.contains(receipt)
        };
        self.answered.iter().any(is_ahead)
    }

    /// Whether nothing is missing that was promised until then, and nothing but an end is missing at all.
    pub fn is_kept(&self, found: &Found, line: usize, unsynced: Unsynced) -> Result<(), String> {
        if !self.chain.starts_with(&found.chain) {
            return Err(format!("{:?} is not the chain's beginning", found.chain));
        }
        let recorded: BTreeSet<_> = found.chain.iter().collect();
        let intended = found.intents.iter().collect();
        let is_always = self.durability == "always";
        if is_always || unsynced == Unsynced::Written {
            all_of("answered", &self.answered, line, &recorded)?;
        }
        match is_always {
            true => all_of("left", &self.left, line, &(&recorded | &intended)),
            false => Ok(()),
        }
    }
}

/// Fails where something is not there that left until then.
fn all_of(
    what: &str,
    moments: &[Moment],
    line: usize,
    there: &BTreeSet<&String>,
) -> Result<(), String> {
    let before = moments.iter().filter(|(at, _)| *at <= line);
    let missing = |(_, receipt): &&Moment| !there.contains(receipt);
    match before.filter(missing).collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        missing => Err(format!("{what}, and not there: {missing:?}")),
    }
}

/// The receipt, and the points where the score left.
type Submitted = (String, Option<usize>);

fn submit_all(gateway: &Gateway, rounds: Range<usize>) -> Vec<Submitted> {
    let of_one = |caller| {
        let rounds = rounds.clone();
        rounds
            .map(move |round| submit(gateway, round, caller))
            .collect::<Vec<_>>()
    };
    let of_one = &of_one;
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| scope.spawn(move || of_one(caller)))
            .collect();
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect()
    })
}

fn submit(gateway: &Gateway, round: usize, caller: usize) -> Submitted {
    // No points twice, and in each cell they rise: what leaves is what came.
    let points = 1 + round * CALLERS + caller;
    // One in four fits into a page of the database, the others need fifteen.
    let comment = "well done ".repeat([300, 6_000, 6_000, 6_000][points % 4]);
    let maximum = match round % 5 {
        4 => "-1",
        _ => "100",
    };
    let answer = gateway.submit(score_with(&[
        ("userId", &format!("\"learner-{caller}-{}\"", round % 3)),
        ("scoreGiven", &points.to_string()),
        ("scoreMaximum", maximum),
        ("comment", &format!("\"{comment}\"")),
    ]));
    let receipt = answer.header("scoregate-receipt").unwrap().to_owned();
    match answer.status {
        204 => (receipt, Some(points)),
        422 => (receipt, None),
        _ => panic!("{}", answer.everything()),
    }
}

/// When scores left, and when answers.
fn moments(calls: &[Call], submitted: Vec<Submitted>) -> (Vec<Moment>, Vec<Moment>) {
    let is_sent = |call: &&Call| call.file().is_some_and(|file| file.starts_with("socket:"));
    let text = |call: &Call| String::from_utf8_lossy(&call.bytes()).into_owned();
    let sent = calls
        .iter()
        .filter(is_sent)
        .map(|call| (call.began, text(call)));
    let sent: Vec<_> = sent.collect();
    let first = |text: &str| {
        let found = sent.iter().find(|(_, sent)| sent.contains(text));
        found.map_or_else(|| panic!("`{text}` is not in the trace"), |(line, _)| *line)
    };
    let (mut left, mut answered) = (Vec::new(), Vec::new());
    for (receipt, points) in submitted {
        if let Some(points) = points {
            left.push((first(&format!("\"scoreGiven\":{points},")), receipt.clone()));
        }
        answered.push((first(&format!("scoregate-receipt: {receipt}")), receipt));
    }
    (left, answered)
}
