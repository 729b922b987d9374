//! What a ledger in a SQLite file keeps when the power goes. The system calls of a gateway that records are
//! written down; from them the disk is built anew as it may be found after some moment, and other processes
//! look at it. What is taken for granted of disks stands in `support/disk.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#[path = "support/disk.rs"]
mod disk;
#[path = "support/image.rs"]
mod image;
#[path = "support/sectors.rs"]
mod sectors;
#[path = "support/story.rs"]
mod story;
#[path = "support/strace.rs"]
mod strace;
#[allow(dead_code, unused_imports)]
mod support;

use std::fs;

use disk::{Disk, Files, Unsynced};
use image::{DATABASE, Found, Image, settings};
use story::Story;
use strace::{calls, traced};
use support::{Gateway, SCORE, Upstream, score_with};

/// The power goes after a line of the trace.
#[derive(Clone, Copy)]
struct Cut {
    line: usize,
    unsynced: Unsynced,
}

/// With nothing of what was not synced, after each score and each answer that left; with all or some of it, after a
/// part of them and of all moments at which a file is changed.
fn cuts(story: &Story) -> Vec<Cut> {
    let lines = story.lines();
    let moments = story.disk().moments().into_iter();
    let (copying, others): (Vec<_>, _) = moments.partition(|(_, name)| name == DATABASE);
    let changes = some(12, copying)
        .chain(some(12, others))
        .map(|(line, _)| line);
    let written = some(12, lines.clone()).map(|line| (line, Unsynced::Written));
    let torn = torn(changes.chain(some(12, lines.clone())));
    let lost = lines.into_iter().map(|line| (line, Unsynced::Lost));
    sorted(lost.chain(written).chain(torn))
}

/// While a gateway starts, until something leaves.
fn cuts_of_the_start(story: &Story) -> Vec<Cut> {
    let first = story.lines()[0];
    let lines = story.disk().moments().into_iter().map(|(line, _)| line);
    sorted(torn(some(8, lines.filter(|line| *line < first).collect())))
}

/// About so many, from the first on.
fn some<T>(count: usize, all: Vec<T>) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(count);
    all.into_iter().step_by(step)
}

fn torn(lines: impl Iterator<Item = usize>) -> impl Iterator<Item = (usize, Unsynced)> {
    lines
        .zip(1..)
        .map(|(line, seed)| (line, Unsynced::Torn(seed)))
}

fn sorted(cuts: impl Iterator<Item = (usize, Unsynced)>) -> Vec<Cut> {
    let mut cuts: Vec<_> = cuts
        .map(|(line, unsynced)| Cut { line, unsynced })
        .collect();
    cuts.sort_by_key(|cut| cut.line);
    cuts
}

/// Tries each, and lets a gateway start on one of so many.
fn survives(story: &Story, cuts: &[Cut], one_of: usize) {
    let mut disk = story.disk();
    let mut last = (Files::new(), Found::default());
    // How many entries are found whatever else is lost: now, and ever after.
    let mut safe = 0;
    for (cut, number) in cuts.iter().zip(1..) {
        disk.go_to(cut.line);
        let files = disk.files(cut.unsynced);
        let image = story.image(&files);
        // Mostly nothing was synced meanwhile.
        let known = (files == last.0).then(|| last.1.clone());
        let kept = known.map_or_else(|| image.found(), Ok).and_then(|found| {
            story.is_kept(&found, cut.line, cut.unsynced)?;
            if found.chain.len() < safe {
                return Err(format!("of {safe} entries that were safe some are gone"));
            }
            if number % one_of == 0 {
                image.goes_on(&found)?;
            }
            Ok(found)
        });
        let found = kept.unwrap_or_else(|why| fail(story, cut, image, &why));
        if cut.unsynced == Unsynced::Lost {
            safe = found.chain.len();
        }
        last = (files, found);
    }
}

fn fail(story: &Story, Cut { line, unsynced }: &Cut, image: Image, why: &str) -> ! {
    let (durability, disk) = (story.durability, image.keep());
    let disk = disk.display();
    panic!("`{durability}`, the power goes after line {line}, {unsynced}: {why}\nthe disk: {disk}")
}

#[test]
fn always_keeps_what_left_and_what_was_answered() {
    let story = Story::of("always", 12);
    survives(&story, &cuts(&story), 30);
    survives(&story, &cuts_of_the_start(&story), 1);
    // And once more, while another gateway takes up what was under way.
    let (line, receipt) = &story.left[story.left.len() / 2];
    let files = story.files_after(*line, Unsynced::Lost);
    let found = story.image(&files).found().unwrap();
    assert!(found.intents.contains(receipt), "{:?}", found.intents);
    let next = Story::on(files, &found, "always", 12..15);
    survives(&next, &cuts(&next), 30);
    survives(&next, &cuts_of_the_start(&next), 3);
}

#[test]
fn batched_loses_an_end_at_most_and_to_a_kill_nothing_that_was_answered() {
    let story = Story::of("batched", 26);
    survives(&story, &cuts(&story), 30);
    survives(&story, &cuts_of_the_start(&story), 1);
    // A disk that forgot nothing would prove nothing.
    assert!(story.was_ahead_of_the_disk());
    // And soon it has all.
    let files = story.files_after(story.synced, Unsynced::Lost);
    assert_eq!(story.image(&files).found().unwrap().chain, story.chain);
}

const FORGOTTEN: &str = "learner-to-be-forgotten";

fn names_the_forgotten(files: &Files) -> bool {
    let learner = FORGOTTEN.as_bytes();
    let names = |content: &Vec<u8>| content.windows(learner.len()).any(|bytes| bytes == learner);
    files.values().any(names)
}

/// SQLite's log names them until the erasure empties it.
#[test]
fn who_was_erased_does_not_come_back() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::accepting());
    let (database, trace) = (folder.path().join(DATABASE), folder.path().join("trace"));
    let mut gateway = Gateway::start(&settings(&upstream, "batched", &database));
    let user = format!("\"{FORGOTTEN}\"");
    assert_eq!(gateway.submit(score_with(&[("userId", &user)])).status, 204);
    assert_eq!(gateway.submit(SCORE).status, 204);
    gateway.signal("KILL");
    gateway.ended();
    let left = [DATABASE.to_owned(), format!("{DATABASE}-wal")];
    let left = left.map(|name| (name.clone(), fs::read(folder.path().join(name)).unwrap()));
    let left = Files::from(left);
    assert!(names_the_forgotten(&left));

    let mut erase = traced(env!("CARGO_BIN_EXE_scoregate"), &trace);
    erase.args(["ledger", "erase", "--user", FORGOTTEN, "--yes", "--config"]);
    let erased = erase.arg(gateway.config_file()).output().unwrap();
    assert!(erased.status.success(), "{erased:?}");
    let calls = calls(&trace);
    let mut disk = Disk::new(&database, &left, &calls);
    let lines = disk.moments().into_iter().map(|(line, _)| line);
    for Cut { line, unsynced } in sorted(torn(some(20, lines.collect()))) {
        disk.go_to(line);
        let image = Image::of(&disk.files(unsynced), &upstream, "batched");
        let entries = image.found().map(|found| found.chain.len());
        assert_eq!(entries, Ok(2), "line {line}, {unsynced}");
    }
    // Once it has said that it is done.
    disk.go_to(usize::MAX - 1);
    let any = [
        Unsynced::Lost,
        Unsynced::Written,
        Unsynced::Torn(1),
        Unsynced::Torn(2),
    ];
    for unsynced in any {
        assert!(!names_the_forgotten(&disk.files(unsynced)), "{unsynced}");
    }
}
