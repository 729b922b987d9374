//! The changed cells as CSV.

use std::borrow::Cow;
use std::io::{self, Write};

use ::csv::Writer;

use crate::cli::spreadsheet::inert;
use crate::policy::Marks;
use crate::replay::{Change, Outcome};
use crate::score::Decimal;

const HEADER: [&str; 8] = [
    "account",
    "line_item",
    "user",
    "before_given",
    "before_maximum",
    "after_given",
    "after_maximum",
    "difference_percent",
];

pub fn write(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let mut writer = Writer::from_writer(out);
    writer.write_record(HEADER)?;
    for change in &outcome.changes {
        writer.write_record(record(change).iter().map(|cell| cell.as_bytes()))?;
    }
    writer.flush()
}

fn record(change: &Change) -> [Cow<'_, str>; 8] {
    let Change {
        account,
        line_item,
        user,
        before,
        after,
        difference_percent,
    } = change;
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let number = |number: Option<Decimal>| {
        number.map_or_else(Default::default, |number| number.to_string().into())
    };
    let Marks { given, maximum } = before;
    let [before_given, before_maximum] = [given, maximum].map(number);
    let [after_given, after_maximum] = [after.given, after.maximum].map(number);
    [
        inert(account),
        inert(line_item),
        inert(user),
        before_given,
        before_maximum,
        after_given,
        after_maximum,
        difference_percent.to_string().into(),
    ]
}
