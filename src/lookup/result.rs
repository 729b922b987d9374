//! The result that the LMS shows for one learner.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::page::{number, read, unusable};
use crate::error::Refusal;
use crate::gateway::Worker;
use crate::handoff::Credentialed;
use crate::line_item::LineItem;
use crate::routing::{Operation, write_results};
use crate::score::{Decimal, Points};

/// Pages that are read at most where an LMS ignores the filter by learner.
const MOST_PAGES: usize = 50;

#[derive(Deserialize)]
struct Page {
    scores: Vec<Shown>,
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    user_id: Option<Box<RawValue>>,
    result_score: Option<Box<RawValue>>,
    result_maximum: Option<Box<RawValue>>,
}

/// The learner's result; `None` where there is none, or one without a score.
pub async fn shown_result(
    credentialed: &Credentialed,
    item: &LineItem,
    user: &str,
    worker: &Worker,
) -> Result<Option<Points>, Refusal> {
    let mut next = None;
    for _ in 0..MOST_PAGES {
        let target = write_results(item, user, next.as_ref()).map_err(unusable)?;
        let page: Page = read(credentialed, Operation::ReadResults, &target, worker).await?;
        if let Some(shown) = page.scores.iter().find(|shown| shown.is_of(user)) {
            return shown.points();
        }
        let Some(following) = page.next else {
            return Ok(None);
        };
        next = Some(beneath(credentialed, item, &following)?);
    }
    Err(unusable("the results have too many pages"))
}

/// LTIAAS fetches the next page's address with the LMS's token, so it must be one of the item's.
fn beneath(credentialed: &Credentialed, item: &LineItem, next: &str) -> Result<LineItem, Refusal> {
    let next = LineItem::parse(next).map_err(unusable)?;
    let platforms = &credentialed.caller.account.platforms;
    let known = platforms.iter().any(|platform| platform.covers(&next));
    match known && item.contains(&next) {
        true => Ok(next),
        false => Err(unusable("the next page of the results lies elsewhere")),
    }
}

impl Shown {
    /// An id is a text, but some send it as a number.
    fn is_of(&self, user: &str) -> bool {
        let Some(raw) = self.user_id.as_deref().map(RawValue::get) else {
            return false;
        };
        raw == user || serde_json::from_str::<String>(raw).is_ok_and(|text| text == user)
    }

    /// A maximum that is left out is 1 (AGS 2.0, "resultMaximum").
    fn points(&self) -> Result<Option<Points>, Refusal> {
        let Some(given) = number(self.result_score.as_deref())? else {
            return Ok(None);
        };
        let maximum = number(self.result_maximum.as_deref())?;
        let maximum = maximum.filter(|maximum| !maximum.is_zero() && !maximum.is_negative());
        Ok(Some(Points {
            given,
            maximum: maximum.unwrap_or(Decimal::ONE),
        }))
    }
}
