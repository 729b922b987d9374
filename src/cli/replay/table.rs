//! What a replay found, for people.

use std::io::{self, Write};

use crate::cli::terminal::harmless;
use crate::count::Count;
use crate::policy::{Figure, Marks};
use crate::replay::{Change, OfLineItem, Outcome};

pub fn write(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let all = outcome.all;
    writeln!(
        out,
        "{}: {} up, {} down, {} unchanged",
        Count(all.cells, "cell"),
        all.up,
        all.down,
        all.unchanged
    )?;
    // Both lists have one order.
    let mut changes = outcome.changes.iter().peekable();
    for item in &outcome.line_items {
        write_line_item(item, out)?;
        let is_of_item =
            |change: &&Change| change.account == item.account && change.line_item == item.line_item;
        while let Some(change) = changes.next_if(is_of_item) {
            write_change(change, out)?;
        }
    }
    Ok(())
}

fn write_line_item(item: &OfLineItem, out: &mut impl Write) -> io::Result<()> {
    let OfLineItem {
        account,
        line_item,
        tally,
        largest_percent,
    } = item;
    let line_item = harmless(line_item);
    writeln!(out, "\n{line_item} (account `{account}`)")?;
    write!(
        out,
        "  {}: {} up, {} down, {} unchanged",
        Count(tally.cells, "cell"),
        tally.up,
        tally.down,
        tally.unchanged
    )?;
    match largest_percent {
        Some(largest) => writeln!(out, "; largest change {} %", Figure::of(*largest)),
        None => writeln!(out),
    }
}

fn write_change(change: &Change, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "  {}: {} -> {} ({} %)",
        harmless(&change.user),
        shown(change.before),
        shown(change.after),
        Figure::of(change.difference_percent)
    )
}

fn shown(marks: Option<Marks>) -> String {
    marks.unwrap_or_default().in_figures()
}
