//! Gateway keys: `sgk_…`, known by their SHA-256 digest.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use jiff::Timestamp;

use super::{Caller, Places, Quota, Unverified};
use crate::config::{self, KeyDigest};
use crate::gateway_key::digest;
use crate::meter::{CallerHandle, Fill};

/// All keys of all callers.
#[derive(Default)]
pub struct GatewayKeys {
    /// By the digest's first bytes. Whoever doesn't know a key can't steer its digest, so this
    /// look-up tells nothing; the digest itself is compared in constant time.
    entries: HashMap<[u8; 8], Vec<Entry>>,
    /// By the caller's name.
    quotas: HashMap<String, Arc<Quota>>,
    /// By the caller's name, in the order of the metrics.
    places: BTreeMap<String, Places>,
}

struct Entry {
    digest: [u8; 32],
    not_after: Option<Timestamp>,
    caller: Arc<Caller>,
}

impl GatewayKeys {
    /// Takes the place of `before`, and goes on with the quotas that have not changed, and with the places
    /// that are taken.
    pub fn new(callers: &[config::Caller], before: Option<&Self>) -> Self {
        let mut keys = Self::default();
        for caller in callers {
            let spent = before.and_then(|before| before.quotas.get(&caller.name));
            let quota = caller
                .rate_limit
                .map(|limit| Quota::kept_or_new(limit, spent));
            if let Some(quota) = &quota {
                keys.quotas.insert(caller.name.clone(), quota.clone());
            }
            let taken = before.and_then(|before| before.places.get(&caller.name));
            let places = caller.max_in_flight.map(|most| Places::after(taken, most));
            if let Some(places) = &places {
                keys.places.insert(caller.name.clone(), places.clone());
            }
            let known = Arc::new(known(caller, quota, places));
            for key in &caller.keys {
                keys.add(key, &known);
            }
        }
        keys
    }

    fn add(&mut self, key: &KeyDigest, caller: &Arc<Caller>) {
        let entry = Entry {
            digest: key.digest,
            not_after: key.not_after,
            caller: caller.clone(),
        };
        self.entries
            .entry(beginning(&key.digest))
            .or_default()
            .push(entry);
    }

    /// How full the places are of each caller that has so many.
    pub fn places(&self) -> impl Iterator<Item = (&str, Fill)> {
        let places = self.places.iter();
        places.map(|(name, places)| (name.as_str(), places.fill()))
    }

    /// When the last key of each caller ends whose keys all do.
    pub fn ends(&self) -> BTreeMap<&str, Timestamp> {
        let mut ends: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
        for Entry {
            not_after, caller, ..
        } in self.entries.values().flatten()
        {
            ends.entry(&caller.name)
                .and_modify(|end| *end = end.zip(*not_after).map(|(one, other)| one.max(other)))
                .or_insert(*not_after);
        }
        let ends = ends.into_iter();
        ends.filter_map(|(caller, end)| Some((caller, end?)))
            .collect()
    }

    pub fn verify(&self, key: &str, now: Timestamp) -> Result<Arc<Caller>, Unverified> {
        let digest = digest(key);
        let entries = self.entries.get(&beginning(&digest));
        let is_it = |entry: &&Entry| verify_slices_are_equal(&entry.digest, &digest).is_ok();
        let entry = entries.and_then(|entries| entries.iter().find(is_it));
        match entry.ok_or(Unverified::UnknownKey)? {
            Entry {
                not_after: Some(end),
                ..
            } if *end < now => Err(Unverified::KeyExpired),
            entry => Ok(entry.caller.clone()),
        }
    }
}

fn beginning(digest: &[u8; 32]) -> [u8; 8] {
    let mut beginning = [0; 8];
    beginning
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = *from);
    beginning
}

fn known(caller: &config::Caller, quota: Option<Arc<Quota>>, places: Option<Places>) -> Caller {
    let name: Arc<str> = caller.name.as_str().into();
    Caller {
        name: name.clone(),
        label: name,
        meter: CallerHandle::default(),
        account: caller.account.clone(),
        permissions: caller.allow,
        line_items: caller.line_items.as_slice().into(),
        quota,
        places,
    }
}
