//! Numbers of policies: exact decimals within bounds.

use crate::config::findings::At;
use crate::config::number::Number;
use crate::score::Decimal;

/// The one place where a number of the configuration becomes one of the scores.
fn decimal(number: &Number, at: &At<'_>) -> Option<Decimal> {
    match Decimal::from_json(number.text()) {
        Ok(decimal) => Some(decimal),
        Err(_) => at.problem("must be a plain number of at most 28 digits"),
    }
}

pub(super) fn not_negative(number: &Number, at: &At<'_>) -> Option<Decimal> {
    match number.text().starts_with('-') {
        true => at.problem("must be 0 or more"),
        false => decimal(number, at),
    }
}

pub(super) fn positive(number: &Number, at: &At<'_>) -> Option<Decimal> {
    let decimal = not_negative(number, at)?;
    match decimal.is_zero() {
        true => at.problem("must be greater than 0"),
        false => Some(decimal),
    }
}

/// A share of the maximum that must be there. A person who thinks of a half may write `0.5`.
pub(super) fn share(percent: &Option<Number>, at: &At<'_>) -> Option<Decimal> {
    let share = self::percent(percent, at)?;
    warn_of_fraction(share, &at.key("percent"));
    Some(share)
}

/// The same for one that is there.
pub(super) fn share_of(share: &Number, at: &At<'_>) -> Option<Decimal> {
    let share = not_negative(share, at)?;
    warn_of_fraction(share, at);
    Some(share)
}

fn warn_of_fraction(share: Decimal, at: &At<'_>) {
    let meant = moved(share, 2).filter(|_| Decimal::ONE >= share && !share.is_zero());
    if let Some(meant) = meant {
        at.warn(format_args!(
            "is {share} % of the maximum; for {meant} % write {meant}"
        ));
    }
}

/// What is taken off, which must be there. One percent may be meant, less is mostly a fraction.
pub(super) fn deduction(percent: &Option<Number>, at: &At<'_>) -> Option<Decimal> {
    let taken = self::percent(percent, at)?;
    let meant = moved(taken, 2).filter(|_| Decimal::ONE > taken && !taken.is_zero());
    if let Some(meant) = meant {
        at.key("percent").warn(format_args!(
            "takes off {taken} %; for {meant} % write {meant}"
        ));
    }
    Some(taken)
}

/// How near two shares of the maximum are. A person who thinks of percent may write `5`.
pub(super) fn nearness(number: &Number, at: &At<'_>) -> Option<Decimal> {
    let nearness = not_negative(number, at)?;
    if nearness >= Decimal::ONE {
        return at.problem("must be less than 1, the whole maximum; for 1 % write 0.01");
    }
    let is_coarse = moved(nearness, 1).is_some_and(|tenfold| tenfold >= Decimal::ONE);
    if let Some(percent) = moved(nearness, 2).filter(|_| is_coarse) {
        at.warn(format_args!(
            "holds back scores that differ by less than {percent} % of the maximum"
        ));
    }
    Some(nearness)
}

/// With the point so many places further to the right.
fn moved(decimal: Decimal, places: i32) -> Option<Decimal> {
    let (integer, power) = decimal.parts();
    Decimal::from_parts(integer, power + places).ok()
}

/// A percentage that must be there.
pub(super) fn percent(percent: &Option<Number>, at: &At<'_>) -> Option<Decimal> {
    let at = at.key("percent");
    not_negative(at.required(percent)?, &at)
}
