//! Pages of a record that is longer than one look at it.

use std::time::Instant;

use futures_util::future::try_join_all;

use super::sample::{Home, entry};
use super::suite::soon;
use crate::ledger::{Browse, Filter, Ledger, Order, Reader, Receipt};

/// More than one statement looks at.
const COUNT: usize = 2_100;

/// The receipts on each page, from the first to the last.
fn pages(reader: &mut Reader, order: Order, until: Instant, user: &str) -> Vec<Vec<Receipt>> {
    let filter = Filter::default();
    let is_meant = |other: &str| other == user;
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let leaf = reader.browse(&Browse {
            filter: &filter,
            order,
            after: after.as_ref(),
            most: 10,
            until,
            is_meant: Some(&is_meant),
        });
        let leaf = leaf.unwrap().expect("an entry to go on behind");
        let receipts = leaf.entries.into_iter().map(|kept| kept.entry.receipt);
        pages.push(receipts.collect());
        after = leaf.next;
        if after.is_none() {
            return pages;
        }
        assert!(pages.len() < 100, "the pages never end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_is_over_goes_on_where_it_ended_and_misses_nothing() {
    for home in [Home::sqlite(), Home::postgres()] {
        let ledger = Ledger::open(&home.settings).unwrap();
        let (first, last) = (entry("rare", "1"), entry("rare", "2"));
        ledger.record(first.clone()).await.unwrap();
        let others = (0..COUNT).map(|_| ledger.record(entry("42", "3")));
        try_join_all(others).await.unwrap();
        ledger.record(last.clone()).await.unwrap();
        let (first, last) = (first.receipt, last.receipt);
        let settings = home.settings.clone();
        let check = move || {
            let mut reader = Reader::open(&settings).unwrap();
            for (order, expected) in [
                (Order::OldestFirst, [&first, &last]),
                (Order::NewestFirst, [&last, &first]),
            ] {
                let whole = pages(&mut reader, order, soon(), "rare");
                assert_eq!(whole, [expected.map(Receipt::clone)], "{order:?}");
                let parts = pages(&mut reader, order, Instant::now(), "rare");
                let found: Vec<_> = parts.iter().flatten().collect();
                assert_eq!(found, expected, "{order:?}");
                assert!(parts.len() > 2, "{order:?}");
                let nobody = pages(&mut reader, order, soon(), "nobody");
                assert_eq!(nobody, [[]], "{order:?}");
            }
        };
        tokio::task::spawn_blocking(check).await.unwrap();
    }
}
