//! Gateway keys: which of them stand for whom, and until when.

use jiff::{SignedDuration, Timestamp};

use super::setting::caller;
use crate::auth::Unverified;
use crate::auth::gateway_keys::GatewayKeys;
use crate::config::{Caller, KeyDigest};
use crate::gateway_key::digest;

const FIRST: &str = "sgk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const SECOND: &str = "sgk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";

fn entry(key: &str, not_after: Option<Timestamp>) -> KeyDigest {
    KeyDigest {
        digest: digest(key),
        not_after,
    }
}

fn keys_of(callers: &[Caller]) -> GatewayKeys {
    GatewayKeys::new(callers, None)
}

fn name(keys: &GatewayKeys, key: &str, now: Timestamp) -> Option<String> {
    let caller = keys.verify(key, now).ok()?;
    assert_eq!(caller.name, caller.label);
    Some(caller.name.to_string())
}

#[test]
fn a_key_stands_for_its_caller_and_for_no_other() {
    let keys = keys_of(&[
        caller("one", vec![entry(FIRST, None)]),
        caller("two", vec![entry(SECOND, None)]),
    ]);
    let now = Timestamp::now();
    assert_eq!(name(&keys, FIRST, now).as_deref(), Some("one"));
    assert_eq!(name(&keys, SECOND, now).as_deref(), Some("two"));
}

#[test]
fn an_unknown_or_clipped_key_stands_for_nobody() {
    let keys = keys_of(&[caller("one", vec![entry(FIRST, None)])]);
    let clipped = &FIRST[..FIRST.len() - 1];
    let longer = format!("{FIRST}A");
    let lower = FIRST.to_lowercase();
    for key in [SECOND, clipped, &longer, &lower, "sgk_", ""] {
        let refusal = keys.verify(key, Timestamp::now()).unwrap_err();
        assert!(matches!(refusal, Unverified::UnknownKey), "{key}");
    }
}

#[test]
fn digests_that_begin_alike_are_told_apart() {
    let mut other = entry(FIRST, None);
    other.digest[31] ^= 1;
    let keys = keys_of(&[
        caller("other", vec![other.clone()]),
        caller("one", vec![entry(FIRST, None)]),
    ]);
    assert_eq!(name(&keys, FIRST, Timestamp::now()).as_deref(), Some("one"));
    let keys = keys_of(&[caller("other", vec![other])]);
    assert_eq!(name(&keys, FIRST, Timestamp::now()), None);
}

#[test]
fn a_key_is_good_up_to_the_instant_it_names() {
    let end: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
    let keys = keys_of(&[caller("one", vec![entry(FIRST, Some(end))])]);
    let before = end - SignedDuration::from_nanos(1);
    let after = end + SignedDuration::from_nanos(1);
    assert_eq!(name(&keys, FIRST, before).as_deref(), Some("one"));
    assert_eq!(name(&keys, FIRST, end).as_deref(), Some("one"));
    let refusal = keys.verify(FIRST, after).unwrap_err();
    assert!(matches!(refusal, Unverified::KeyExpired));
}

#[test]
fn in_a_rotation_the_new_key_outlives_the_old_one() {
    let end: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
    let both = vec![entry(FIRST, Some(end)), entry(SECOND, None)];
    let keys = keys_of(&[caller("one", both)]);
    let after = end + SignedDuration::from_secs(1);
    for (key, now, known) in [
        (FIRST, end, true),
        (SECOND, end, true),
        (FIRST, after, false),
        (SECOND, after, true),
    ] {
        assert_eq!(name(&keys, key, now).is_some(), known);
    }
}
