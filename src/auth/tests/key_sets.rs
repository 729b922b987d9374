//! Fetched key sets: when they are read, who waits for that, and what a failed read changes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::keys::{AUDIENCE, Key, key_set};
use super::provider::{Answer, Provider};
use super::setting::{issuer, issuer_with, verifier, verifier_after, verifier_with};
use crate::auth::timing::Timing;
use crate::auth::{Readers, Unverified, Verifier};
use crate::config::Issuer;

const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(20);

/// Far less than any wait for a provider that hangs, far more than verifying takes.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A provider's answer that nothing can be read from, and what it is.
fn bad_answers(elsewhere: &Provider, key: &Key) -> Vec<(&'static str, Answer)> {
    let set = key_set(&[key]).to_string();
    let (head, padding) = (set.trim_end_matches('}'), " ".repeat(10 * 1024 * 1024));
    let text = |body: &str| Answer::Body(200, body.to_owned(), "");
    let crate::config::IssuerKeys::Url(url) = elsewhere.keys() else {
        unreachable!()
    };
    let redirect: &'static str = format!("location: {url}\r\n").leak();
    vec![
        (
            "a page",
            Answer::Body(200, "<html>".to_owned(), "content-type: text/html\r\n"),
        ),
        ("nothing", text("")),
        ("null", text("null")),
        ("an object", text("{}")),
        ("a list", text("[]")),
        ("a list in a list", text("[[]]")),
        ("keys that are none", text(r#"{"keys":null}"#)),
        ("keys by name", text(r#"{"keys":{}}"#)),
        ("an error", text(r#"{"error":"try later"}"#)),
        ("two lists", text(r#"{"keys":[],"keys":[]}"#)),
        ("a set, cut off", text(head)),
        ("10 MB", text(&format!("{head}{padding}}}"))),
        ("a failure", Answer::Body(500, set.clone(), "")),
        ("another success", Answer::Body(203, set.clone(), "")),
        ("a redirect", Answer::Body(302, String::new(), redirect)),
        ("a lasting redirect", Answer::Body(308, set, redirect)),
        ("silence", Answer::Hang),
        ("silence in the body", Answer::HangInBody),
        ("a closed connection", Answer::Close),
    ]
}

/// A verifier that keeps its key sets current until this is dropped.
struct Kept {
    verifier: Arc<Verifier>,
    readers: Readers,
}

impl Kept {
    fn new(verifier: Verifier) -> Self {
        let verifier = Arc::new(verifier);
        let mut readers = Readers::default();
        readers.follow(&verifier);
        Self { verifier, readers }
    }

    async fn ready(verifier: Verifier) -> Self {
        let kept = Self::new(verifier);
        until("it is ready", || kept.verifier.is_ready()).await;
        kept
    }

    async fn refusal(&self, token: &str) -> Option<Unverified> {
        self.verifier.verify(token, Timestamp::now()).await.err()
    }

    async fn accepts(&self, token: &str) -> bool {
        self.refusal(token).await.is_none()
    }
}

/// Waits for a condition, for a generous while.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let within = timeout(Duration::from_secs(30), waiting).await;
    assert!(within.is_ok(), "in vain: {what}");
}

/// Waits until a read that began after this call has ended.
async fn until_read_again(provider: &Provider) {
    let before = provider.reads();
    until("another read", || provider.reads() >= before + 2).await;
}

/// Reads again and again.
fn busy(provider: &Provider) -> Verifier {
    let mut issuer = issuer(provider.keys());
    issuer.refresh = SHORT;
    verifier_with(vec![issuer], Duration::from_millis(200), often())
}

fn often() -> Timing {
    Timing {
        unknown_key: LONG,
        cold: (SHORT, SHORT),
        warm: SHORT,
        ..Timing::default()
    }
}

/// Reads once, and then only for the sake of an unknown key.
fn calm(provider: &Provider, timeout: Duration) -> Verifier {
    let mut issuer = issuer(provider.keys());
    issuer.refresh = LONG;
    let timing = Timing {
        unknown_key: LONG,
        ..Timing::default()
    };
    verifier_with(vec![issuer], timeout, timing)
}

#[tokio::test]
async fn any_number_of_unknown_keys_lead_to_one_read() {
    let known = Key::p256("known");
    let provider = Provider::new(Answer::keys(&key_set(&[&known])));
    let kept = Kept::ready(calm(&provider, Duration::from_secs(30))).await;
    assert_eq!(provider.reads(), 1);
    let tokens: Vec<_> = (0..200)
        .map(|at| {
            known
                .clone()
                .with_kid(Some(&at.to_string()))
                .token(&json!({}))
        })
        .collect();
    for _ in ["a burst", "another"] {
        let refusals = join_all(tokens.iter().map(|token| kept.refusal(token))).await;
        let unknown = |refusal: &Option<Unverified>| matches!(refusal, Some(Unverified::NoKey(_)));
        assert!(refusals.iter().all(unknown));
        assert_eq!(provider.reads(), 2);
    }
}

#[tokio::test]
async fn unknown_keys_are_asked_for_again_after_a_while() {
    let known = Key::p256("known");
    let provider = Provider::new(Answer::keys(&key_set(&[&known])));
    let timing = Timing {
        unknown_key: SHORT,
        ..Timing::default()
    };
    let verifier = verifier_with(vec![issuer(provider.keys())], AT_ONCE, timing);
    let kept = Kept::ready(verifier).await;
    let token = known.with_kid(Some("other")).token(&json!({}));
    let asking = async {
        while provider.reads() < 4 {
            assert!(!kept.accepts(&token).await);
            sleep(Duration::from_millis(2)).await;
        }
    };
    let within = timeout(Duration::from_secs(30), asking).await;
    assert!(within.is_ok(), "in vain: more reads");
}

#[tokio::test]
async fn a_new_key_verifies_at_once() {
    let (old, new) = (Key::p256("old"), Key::p256("new"));
    let provider = Provider::new(Answer::keys(&key_set(&[&old])));
    let kept = Kept::ready(calm(&provider, Duration::from_secs(30))).await;
    provider.set(Answer::keys(&key_set(&[&old, &new])));
    let tokens: Vec<_> = (0..50).map(|at| new.token(&json!({"at": at}))).collect();
    let refusals = join_all(tokens.iter().map(|token| kept.refusal(token))).await;
    assert!(refusals.iter().all(Option::is_none), "{refusals:?}");
    assert!(kept.accepts(&old.token(&json!({}))).await);
    assert_eq!(provider.reads(), 2);
}

/// The provider had the key only after it had begun to answer.
#[tokio::test]
async fn a_new_key_verifies_although_a_read_that_began_before_it_is_under_way() {
    let (old, new) = (Key::p256("old"), Key::p256("new"));
    let before = key_set(&[&old]);
    let provider = Provider::new(Answer::keys(&before));
    let mut busy = issuer(provider.keys());
    busy.refresh = SHORT;
    let verifier = verifier_with(vec![busy], Duration::from_secs(30), often());
    let kept = Kept::ready(verifier).await;
    provider.set(Answer::late_keys(&before));
    let reads = provider.reads();
    until("a read is under way", || provider.reads() > reads).await;
    let (verifier, token) = (kept.verifier.clone(), new.token(&json!({})));
    let verified = tokio::spawn(async move { verifier.verify(&token, Timestamp::now()).await });
    until("it waits", || waits(&kept.verifier) == 1).await;
    provider.set(Answer::keys(&key_set(&[&old, &new])));
    assert!(verified.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_provider_that_is_down_at_first_is_retried_until_it_is_up() {
    let key = Key::p256("key");
    for down in [
        Answer::Close,
        Answer::Hang,
        Answer::Body(503, String::new(), ""),
    ] {
        let provider = Provider::new(down);
        let timing = Timing {
            unknown_key: LONG,
            ..often()
        };
        let issuer = issuer(provider.keys());
        let limit = Duration::from_millis(200);
        let kept = Kept::new(verifier_with(vec![issuer], limit, timing));
        let refusal = kept.refusal(&key.token(&json!({}))).await;
        assert!(matches!(refusal, Some(Unverified::NoKeySet)));
        until_read_again(&provider).await;
        assert!(!kept.verifier.is_ready());
        provider.set(Answer::keys(&key_set(&[&key])));
        until("it is ready", || kept.verifier.is_ready()).await;
        assert!(kept.accepts(&key.token(&json!({}))).await);
    }
}

#[tokio::test]
async fn a_first_read_that_hangs_is_given_up_in_time_whatever_its_timeout() {
    let key = Key::p256("key");
    let provider = Provider::new(Answer::Hang);
    let timing = Timing {
        cold_read: Duration::from_millis(50),
        ..often()
    };
    let kept = Kept::new(verifier_with(vec![issuer(provider.keys())], LONG, timing));
    until("another read", || provider.reads() >= 3).await;
    provider.set(Answer::keys(&key_set(&[&key])));
    until("it is ready", || kept.verifier.is_ready()).await;
}

#[tokio::test]
async fn a_bad_answer_changes_nothing() {
    let (key, new) = (Key::p256("key"), Key::p256("new"));
    let elsewhere = Provider::new(Answer::keys(&key_set(&[&new])));
    for (what, answer) in bad_answers(&elsewhere, &new) {
        let provider = Provider::new(Answer::keys(&key_set(&[&key])));
        let kept = Kept::ready(busy(&provider)).await;
        provider.set(answer);
        until_read_again(&provider).await;
        assert!(kept.verifier.is_ready(), "{what}");
        assert!(kept.accepts(&key.token(&json!({}))).await, "{what}");
        assert!(!kept.accepts(&new.token(&json!({}))).await, "{what}");
        provider.set(Answer::keys(&key_set(&[&new])));
        until_read_again(&provider).await;
        assert!(kept.accepts(&new.token(&json!({}))).await, "{what}");
    }
    assert_eq!(elsewhere.reads(), 0);
}

#[tokio::test]
async fn a_bad_answer_at_the_start_is_no_key_set() {
    let new = Key::p256("new");
    let elsewhere = Provider::new(Answer::keys(&key_set(&[&new])));
    for (what, answer) in bad_answers(&elsewhere, &new) {
        let provider = Provider::new(answer);
        let kept = Kept::new(busy(&provider));
        until_read_again(&provider).await;
        assert!(!kept.verifier.is_ready(), "{what}");
        assert!(!kept.accepts(&new.token(&json!({}))).await, "{what}");
    }
    assert_eq!(elsewhere.reads(), 0);
}

#[tokio::test]
async fn a_key_that_is_no_longer_listed_is_refused_although_its_token_is_cached() {
    let (old, new) = (Key::p256("old"), Key::p256("new"));
    for next in [key_set(&[&new]), json!({"keys": []})] {
        let provider = Provider::new(Answer::keys(&key_set(&[&old, &new])));
        let kept = Kept::ready(busy(&provider)).await;
        let token = old.token(&json!({}));
        assert!(kept.accepts(&token).await);
        assert!(kept.accepts(&token).await);
        provider.set(Answer::keys(&next));
        until_read_again(&provider).await;
        assert!(!kept.accepts(&token).await);
        assert!(kept.verifier.is_ready());
    }
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_name_no_longer_verifies() {
    let (old, new) = (Key::p256("same"), Key::p256("same"));
    let provider = Provider::new(Answer::keys(&key_set(&[&old])));
    let kept = Kept::ready(busy(&provider)).await;
    let token = old.token(&json!({}));
    assert!(kept.accepts(&token).await);
    provider.set(Answer::keys(&key_set(&[&new])));
    until_read_again(&provider).await;
    assert!(!kept.accepts(&token).await);
    assert!(kept.accepts(&new.token(&json!({}))).await);
}

#[tokio::test]
async fn only_an_unknown_key_waits_for_a_provider_that_hangs() {
    let (key, other) = (Key::p256("key"), Key::p384("other"));
    let provider = Provider::new(Answer::keys(&key_set(&[&key])));
    let kept = Kept::ready(calm(&provider, Duration::from_secs(30))).await;
    provider.set(Answer::Hang);
    let unknown = other.token(&json!({}));
    let waiting = {
        let verifier = kept.verifier.clone();
        tokio::spawn(async move { verifier.verify(&unknown, Timestamp::now()).await.is_ok() })
    };
    until("the read", || provider.reads() == 2).await;
    let known = timeout(AT_ONCE, kept.accepts(&key.token(&json!({})))).await;
    assert_eq!(known, Ok(true));
    for (what, refused) in [
        ("another algorithm", other.clone().with_kid(Some("key"))),
        ("no key id", other.clone().with_kid(None)),
        ("a bad signature", Key::p256("key")),
    ] {
        let verified = timeout(AT_ONCE, kept.accepts(&refused.token(&json!({})))).await;
        assert_eq!(verified, Ok(false), "{what}");
    }
    assert!(!waiting.is_finished());
    provider.set(Answer::keys(&key_set(&[&key, &other])));
    waiting.abort();
}

/// Anybody can send a token of an unknown key, and whoever waits has a place in flight.
#[tokio::test]
async fn only_so_many_wait_for_a_provider_that_hangs() {
    let (key, other) = (Key::p256("key"), Key::p256("other"));
    let provider = Provider::new(Answer::keys(&key_set(&[&key])));
    let kept = Kept::ready(calm(&provider, Duration::from_secs(30))).await;
    provider.set(Answer::Hang);
    let unknown = other.token(&json!({}));
    let waiting = || {
        let (verifier, unknown) = (kept.verifier.clone(), unknown.clone());
        tokio::spawn(async move { verifier.verify(&unknown, Timestamp::now()).await })
    };
    // A sixteenth of what may be in flight.
    let waiting: Vec<_> = (0..256).map(|_| waiting()).collect();
    until("all of them wait", || waits(&kept.verifier) == 256).await;
    let refusal = timeout(AT_ONCE, kept.refusal(&unknown)).await;
    assert!(matches!(refusal, Ok(Some(Unverified::TooManyWait))));
    assert!(kept.accepts(&key.token(&json!({}))).await);
    until("the one read", || provider.reads() == 2).await;
    // Whoever leaves gives its place back.
    waiting.iter().for_each(JoinHandle::abort);
    until("nobody waits", || waits(&kept.verifier) == 0).await;
}

/// How many requests wait for the only key set there is.
fn waits(verifier: &Verifier) -> u64 {
    let (name, fill) = verifier.waiting().next().unwrap();
    assert_eq!(name, "issuer.id.jwks");
    fill.used
}

#[tokio::test]
async fn a_wait_for_a_provider_that_hangs_ends() {
    let (key, other) = (Key::p256("key"), Key::p256("other"));
    let provider = Provider::new(Answer::keys(&key_set(&[&key])));
    let kept = Kept::ready(calm(&provider, Duration::from_millis(200))).await;
    provider.set(Answer::Hang);
    for _ in ["first", "second"] {
        let verified = timeout(AT_ONCE, kept.accepts(&other.token(&json!({})))).await;
        assert_eq!(verified, Ok(false));
    }
}

#[tokio::test]
async fn an_entry_whose_provider_hangs_holds_up_no_other_of_its_issuer() {
    let key = Key::p256("key");
    let provider = Provider::new(Answer::Hang);
    let mut second = issuer_with(&key_set(&[&key]));
    second.name = "second".to_owned();
    let mut first = issuer(provider.keys());
    first.audiences = vec!["elsewhere".to_owned()];
    let issuers = vec![first, second];
    let kept = Kept::new(verifier_with(
        issuers,
        Duration::from_secs(30),
        Timing::default(),
    ));
    until("the read", || provider.reads() == 1).await;
    let verified = timeout(AT_ONCE, kept.accepts(&key.token(&json!({})))).await;
    assert_eq!(verified, Ok(true));
}

/// Else it would depend on the moment who the caller is.
#[tokio::test]
async fn a_token_for_several_entries_is_the_first_ones_also_before_its_keys_are_here() {
    let key = Key::p256("key");
    let provider = Provider::new(Answer::late_keys(&key_set(&[&key])));
    let mut second = issuer_with(&key_set(&[&key]));
    second.name = "second".to_owned();
    second.audiences = vec!["elsewhere".to_owned()];
    let issuers = vec![issuer(provider.keys()), second];
    let kept = Kept::new(verifier_with(issuers, Duration::from_secs(30), often()));
    until("the read", || provider.reads() == 1).await;
    let both = json!({"aud": ["elsewhere", AUDIENCE]});
    // Nothing is waited for without a key's name, so it is refused at once.
    let nameless = key.clone().with_kid(None).token(&both);
    let refusal = timeout(AT_ONCE, kept.refusal(&nameless)).await;
    assert!(matches!(refusal, Ok(Some(Unverified::NoKeySet))));
    let (verifier, token) = (kept.verifier.clone(), key.token(&both));
    let verified =
        tokio::spawn(async move { verifier.verify(&token, Timestamp::now()).await.unwrap() });
    until("it waits", || waits(&kept.verifier) == 1).await;
    provider.set(Answer::keys(&key_set(&[&key])));
    assert_eq!(&*verified.await.unwrap().name, "id/tool");
    // Whoever is meant by one audience alone waits for no other.
    let token = key.token(&json!({"aud": "elsewhere"}));
    let caller = kept.verifier.verify(&token, Timestamp::now()).await;
    assert_eq!(&*caller.unwrap().name, "second/tool");
}

/// A key that somebody knows is worth no wait; and who knows it may change with the next read.
#[tokio::test]
async fn a_token_whose_key_a_later_entry_knows_waits_for_no_earlier_one() {
    let (key, other) = (Key::p256("key"), Key::p256("other"));
    let provider = Provider::new(Answer::keys(&key_set(&[&other])));
    let mut second = issuer_with(&key_set(&[&key]));
    second.name = "second".to_owned();
    second.audiences = vec!["elsewhere".to_owned()];
    let issuers = vec![issuer(provider.keys()), second];
    let kept = Kept::new(verifier_with(issuers, Duration::from_secs(30), often()));
    until("its keys are here", || kept.verifier.is_ready()).await;
    provider.set(Answer::Hang);
    let token = key.token(&json!({"aud": ["elsewhere", AUDIENCE]}));
    let verified = timeout(AT_ONCE, kept.verifier.verify(&token, Timestamp::now())).await;
    assert_eq!(&*verified.unwrap().unwrap().name, "second/tool");
    provider.set(Answer::keys(&key_set(&[&other, &key])));
    let own = key.token(&json!({}));
    assert!(kept.accepts(&own).await);
    let verified = kept.verifier.verify(&token, Timestamp::now()).await;
    assert_eq!(&*verified.unwrap().name, "id/tool");
}

#[tokio::test]
async fn readiness_waits_for_every_issuer_that_is_required_and_for_no_other() {
    let key = Key::p256("key");
    let (up, down) = (
        Provider::new(Answer::keys(&key_set(&[&key]))),
        Provider::new(Answer::Close),
    );
    let optional = |provider: &Provider| Issuer {
        required: false,
        ..issuer(provider.keys())
    };
    assert!(verifier(vec![]).is_ready());
    assert!(verifier(vec![optional(&down)]).is_ready());
    assert!(!verifier(vec![optional(&down), issuer(up.keys())]).is_ready());
    let both = vec![issuer(up.keys()), issuer(down.keys())];
    let kept = Kept::new(verifier_with(both, AT_ONCE, often()));
    until_read_again(&down).await;
    assert!(kept.accepts(&key.token(&json!({}))).await);
    assert!(!kept.verifier.is_ready());
    down.set(Answer::keys(&json!({"keys": []})));
    until("it is ready", || kept.verifier.is_ready()).await;
}

#[tokio::test]
async fn nothing_is_read_once_maintenance_is_dropped() {
    let provider = Provider::new(Answer::Hang);
    let mut kept = Kept::new(busy(&provider));
    until("a read", || provider.reads() > 0).await;
    kept.readers = Readers::default();
    let reads = provider.reads();
    let refusal = timeout(AT_ONCE, kept.refusal(&Key::p256("x").token(&json!({})))).await;
    assert!(matches!(refusal, Ok(Some(Unverified::NoKeySet))));
    assert_eq!(provider.reads(), reads);
}

/// The verifier of a configuration that takes the place of `before`'s.
fn reloaded(issuers: Vec<Issuer>, before: &Verifier) -> Verifier {
    verifier_after(
        issuers,
        Duration::from_secs(5),
        Timing::default(),
        Some(before),
    )
}

#[tokio::test]
async fn the_keys_of_an_issuer_that_did_not_change_are_kept() {
    let key = Key::p256("x");
    let provider = Provider::new(Answer::keys(&key_set(&[&key])));
    let mut kept = Kept::ready(verifier(vec![issuer(provider.keys())])).await;
    let token = key.token(&json!({}));
    assert!(kept.accepts(&token).await);
    provider.set(Answer::Hang);
    let stricter = Issuer {
        audiences: vec!["another".to_owned()],
        ..issuer(provider.keys())
    };
    for (issuers, is_accepted) in [
        (vec![issuer(provider.keys())], true),
        (vec![stricter], false),
        (vec![issuer(provider.keys())], true),
    ] {
        let next = reloaded(issuers, &kept.verifier);
        kept.readers.follow(&next);
        kept.verifier = Arc::new(next);
        assert!(kept.verifier.is_ready());
        // Though it was verified under the configuration before.
        assert_eq!(kept.accepts(&token).await, is_accepted);
    }
    assert_eq!(provider.reads(), 1);
}

/// They are read again at once, and are good for as long as that takes.
#[tokio::test]
async fn the_keys_of_an_issuer_that_is_read_in_another_way_are_kept_until_they_are_read() {
    let (key, new) = (Key::p256("x"), Key::p256("y"));
    let provider = Provider::new(Answer::keys(&key_set(&[&key])));
    let mut kept = Kept::ready(verifier(vec![issuer(provider.keys())])).await;
    let token = key.token(&json!({}));
    provider.set(Answer::Hang);
    let age = |verifier: &Verifier| verifier.key_sets()[0].reads.unwrap().age.unwrap();
    for (reads, limit) in [(2, 5), (3, 4)] {
        let rarer = Issuer {
            refresh: LONG,
            ..issuer(provider.keys())
        };
        let (limit, before) = (Duration::from_secs(limit), age(&kept.verifier));
        let next = verifier_after(vec![rarer], limit, Timing::default(), Some(&kept.verifier));
        kept.readers.follow(&next);
        kept.verifier = Arc::new(next);
        assert!(kept.verifier.is_ready());
        assert!(kept.accepts(&token).await);
        assert!(age(&kept.verifier) > before);
        until("a read", || provider.reads() == reads).await;
    }
    provider.set(Answer::keys(&key_set(&[&new])));
    let newer = new.token(&json!({}));
    // May still wait for the read that hung.
    let _ = kept.refusal(&newer).await;
    assert!(kept.accepts(&newer).await);
    assert!(!kept.accepts(&token).await);
}

/// A request ends under the configuration it began with, also where that is not in force any more.
#[tokio::test]
async fn whoever_waits_for_a_read_gets_it_although_the_issuer_is_read_in_another_way_by_then() {
    let (old, new) = (Key::p256("old"), Key::p256("new"));
    let provider = Provider::new(Answer::keys(&key_set(&[&old])));
    let mut kept = Kept::ready(calm(&provider, Duration::from_secs(30))).await;
    provider.set(Answer::late_keys(&key_set(&[&old, &new])));
    let before = kept.verifier.clone();
    let (verifier, token) = (before.clone(), new.token(&json!({})));
    let verified = tokio::spawn(async move { verifier.verify(&token, Timestamp::now()).await });
    until("the read", || provider.reads() == 2).await;
    let next = reloaded(vec![issuer(provider.keys())], &before);
    kept.readers.follow(&next);
    kept.verifier = Arc::new(next);
    assert_eq!(kept.readers.count(), 1);
    until("the other way", || provider.reads() == 3).await;
    assert_eq!(waits(&before), 1);
    provider.set(Answer::Hang);
    let verified = timeout(AT_ONCE, verified).await;
    assert!(verified.unwrap().unwrap().is_ok());
    // Nobody reads in the old way any more, so nobody waits for it.
    let token = Key::p256("another").token(&json!({}));
    let refusal = timeout(AT_ONCE, before.verify(&token, Timestamp::now())).await;
    assert!(matches!(refusal, Ok(Err(Unverified::NoKey(_)))));
    assert_eq!(provider.reads(), 3);
}

#[tokio::test]
async fn the_keys_of_an_issuer_that_changed_are_read_again() {
    let key = Key::p256("x");
    let set = Answer::keys(&key_set(&[&key]));
    let (old, new) = (Provider::new(set.clone()), Provider::new(set));
    let mut kept = Kept::ready(verifier(vec![issuer(old.keys())])).await;
    let next = Arc::new(reloaded(vec![issuer(new.keys())], &kept.verifier));
    assert!(!next.is_ready());
    kept.readers.follow(&next);
    until("it is ready", || next.is_ready()).await;
    assert_eq!(kept.readers.count(), 1);
    assert_eq!((old.reads(), new.reads()), (1, 1));
}

#[tokio::test]
async fn nothing_is_left_of_an_issuer_that_is_removed() {
    let key = Key::p256("x");
    let provider = Provider::new(Answer::keys(&key_set(&[&key])));
    let mut kept = Kept::ready(verifier(vec![issuer(provider.keys())])).await;
    let token = key.token(&json!({}));
    assert!(kept.accepts(&token).await);
    kept.verifier = Arc::new(reloaded(vec![], &kept.verifier));
    kept.readers.follow(&kept.verifier.clone());
    assert_eq!(kept.readers.count(), 0);
    assert!(matches!(
        kept.refusal(&token).await,
        Some(Unverified::UnknownIssuer)
    ));
}
