//! The line item's own maximum, kept for a while: it changes when a teacher edits the column.

use std::time::Duration;

use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::page::{number, read, unusable};
use crate::error::Refusal;
use crate::gateway::Worker;
use crate::handoff::Credentialed;
use crate::line_item::LineItem;
use crate::routing::{Operation, write_line_item};
use crate::score::Decimal;

/// Line items whose maximum is kept.
const ITEMS: usize = 10_000;

/// How long a maximum is believed.
const FRESH: Duration = Duration::from_secs(60);

/// Maxima read before, by account and normalized line item. Shared by all workers.
pub struct Maxima(Cache<(Box<str>, Box<str>), Kept>);

#[derive(Clone, Copy)]
struct Kept {
    maximum: Decimal,
    until: Instant,
}

impl Default for Maxima {
    fn default() -> Self {
        Self(Cache::new(ITEMS))
    }
}

impl Maxima {
    fn get(&self, key: &(Box<str>, Box<str>)) -> Option<Decimal> {
        let kept = self.0.get(key)?;
        (Instant::now() < kept.until).then_some(kept.maximum)
    }

    fn keep(&self, key: (Box<str>, Box<str>), maximum: Decimal) {
        let until = Instant::now() + FRESH;
        self.0.insert(key, Kept { maximum, until });
    }
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "scoreMaximum")]
    maximum: Option<Box<RawValue>>,
}

/// What the line item is out of.
pub async fn line_item_maximum(
    credentialed: &Credentialed,
    item: &LineItem,
    worker: &Worker,
) -> Result<Decimal, Refusal> {
    let account = credentialed.caller.account.name.as_str();
    let key = (account.into(), item.normalized().into());
    let maxima = &worker.shared.maxima;
    if let Some(maximum) = maxima.get(&key) {
        return Ok(maximum);
    }
    let target = write_line_item(item).map_err(unusable)?;
    let item: Item = read(credentialed, Operation::ReadLineItem, &target, worker).await?;
    let maximum = number(item.maximum.as_deref())?
        .filter(|maximum| !maximum.is_zero() && !maximum.is_negative())
        .ok_or_else(|| unusable("the line item has no usable scoreMaximum"))?;
    maxima.keep(key, maximum);
    Ok(maximum)
}
