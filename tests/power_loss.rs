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

use disk::{Files, Unsynced};
use image::{DATABASE, Found, Image};
use story::Story;

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
    // Nothing waited for the disk yet: one that forgot nothing would prove nothing.
    let early = story.files_after(story.lines()[4], Unsynced::Lost);
    let found = story.image(&early).found().unwrap();
    assert!(found.chain.is_empty(), "{:?}", found.chain);
}
