//! The line item's own maximum, from what was read before or from upstream.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::page::{read, unusable};
use crate::error::Refusal;
use crate::gateway::Worker;
use crate::handoff::Credentialed;
use crate::line_item::LineItem;
use crate::maxima::{Key, Read};
use crate::routing::{Operation, write_line_item};
use crate::score::Decimal;

/// How long a score is held up for what only a report policy asks for.
const IN_PASSING: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "scoreMaximum")]
    maximum: Option<Box<RawValue>>,
}

/// What the line item is out of; nothing where it says no number that a score could be of. Zero is one:
/// it is no scale, and policy leaves such a score as it is.
pub async fn line_item_maximum(
    credentialed: &Credentialed,
    item: &LineItem,
    worker: &Worker,
) -> Result<Option<Decimal>, Refusal> {
    let key = key(credentialed, item);
    let maxima = &worker.shared.maxima;
    match maxima.get(&key) {
        Some(Read::Maximum(maximum)) => Ok(maximum),
        Some(Read::Failed) | None => {
            let maximum = ask(credentialed, item, worker).await?;
            maxima.keep(key, Read::Maximum(maximum));
            Ok(maximum)
        }
    }
}

/// The same for a report, which does without where it can't be had at once.
pub async fn maximum_in_passing(
    credentialed: &Credentialed,
    item: &LineItem,
    worker: &Worker,
) -> Read {
    let key = key(credentialed, item);
    let maxima = &worker.shared.maxima;
    if let Some(read) = maxima.get(&key) {
        return read;
    }
    let asked = timeout(IN_PASSING, ask(credentialed, item, worker)).await;
    let read = match asked {
        Ok(Ok(maximum)) => Read::Maximum(maximum),
        Ok(Err(_)) | Err(_) => Read::Failed,
    };
    maxima.keep(key, read);
    read
}

fn key(credentialed: &Credentialed, item: &LineItem) -> Key {
    let account = credentialed.caller.account.name.as_str();
    (account.into(), item.normalized().into())
}

async fn ask(
    credentialed: &Credentialed,
    item: &LineItem,
    worker: &Worker,
) -> Result<Option<Decimal>, Refusal> {
    let target = write_line_item(item).map_err(unusable)?;
    let item: Item = read(credentialed, Operation::ReadLineItem, &target, worker).await?;
    let maximum = item.maximum.as_deref();
    let maximum = maximum.and_then(|raw| Decimal::from_json(raw.get()).ok());
    Ok(maximum.filter(|maximum| !maximum.is_negative()))
}
