//! `/metrics`: what is counted, and what is looked at for the page alone.

use super::Admin;
use crate::auth::KeySetState;
use crate::ledger::{Ledger, LedgerMeter};
use crate::meter::{Page, list};
use crate::telemetry::log_lines_dropped;

impl Admin {
    pub(super) fn metrics(&self) -> String {
        let mut page = Page::default();
        let current = self.generations.current();
        let (lasting, verifier) = (&current.shared.lasting, &current.shared.verifier);
        let cached = verifier.cached();
        let mut limits = vec![("verified_tokens", cached)];
        limits.extend(lasting.ledger.iter().flat_map(Ledger::fills));
        let named: Vec<_> = verifier.in_flight().chain(verifier.waiting()).collect();
        let named = named.iter().map(|(name, fill)| (name.as_str(), *fill));
        let limits = [limits, named.collect()].concat();
        lasting.meters.write(&mut page, &limits);
        page.family(&list::LOG_LINES_DROPPED)
            .sample(&[], log_lines_dropped());
        write_key_sets(&mut page, &verifier.key_sets());
        write_certificates(&mut page, &current.shared.expiries);
        let mut family = page.family(&list::GATEWAY_KEY_EXPIRY);
        for (caller, end) in verifier.key_ends() {
            family.sample(&[caller], end.as_second());
        }
        write_ledger(&mut page, lasting.ledger.as_ref());
        let (serving, takes) = (lasting.lifecycle.is_serving(), lasting.takes_submissions());
        let ready = serving && verifier.is_ready() && takes;
        page.family(&list::READY).sample(&[], u8::from(ready));
        page.finish()
    }
}

fn write_certificates(page: &mut Page, expiries: &[(&'static str, u64)]) {
    let mut family = page.family(&list::CERTIFICATE_EXPIRY);
    for (certificate, expiry) in expiries {
        family.sample(&[certificate], expiry);
    }
}

/// Where nothing is recorded, nothing was counted.
fn write_ledger(page: &mut Page, ledger: Option<&Ledger>) {
    let mut family = page.family(&list::LEDGER_AVAILABLE);
    ledger.map(|ledger| family.sample(&[], u8::from(ledger.is_healthy())));
    let mut family = page.family(&list::LEDGER_CELLS);
    let (held, waiting) = ledger.map(Ledger::cells).unwrap_or_default();
    family.sample(&["held"], held).sample(&["waiting"], waiting);
    match ledger {
        Some(ledger) => ledger.meter().write(page),
        None => LedgerMeter::default().write(page),
    }
}

fn write_key_sets(page: &mut Page, key_sets: &[KeySetState]) {
    let mut family = page.family(&list::KEY_SET_LOADED);
    for KeySetState { issuer, keys, .. } in key_sets {
        family.sample(&[issuer], u8::from(keys.is_some()));
    }
    let mut family = page.family(&list::KEY_SET_KEYS);
    for KeySetState { issuer, keys, .. } in key_sets {
        family.sample(&[issuer], keys.unwrap_or(0));
    }
    let fetched = || {
        key_sets
            .iter()
            .filter_map(|set| Some((&*set.issuer, set.reads?)))
    };
    let mut family = page.family(&list::KEY_SET_AGE);
    for (issuer, reads) in fetched() {
        reads
            .age
            .map(|age| family.sample(&[issuer], age.as_secs_f64()));
    }
    let mut family = page.family(&list::KEY_SET_READS);
    for (issuer, reads) in fetched() {
        family
            .sample(&[issuer, "good"], reads.good)
            .sample(&[issuer, "failed"], reads.failed);
    }
}
