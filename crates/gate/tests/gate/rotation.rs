use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use detente_core::Moment;
use detente_gate::{FileSource, Jwt, MAX_KEY_SET, Source, Unknown};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::watch;

use crate::signer::Signer;
use crate::{NOW, NOW_S, exact};

/// Where keys are published, or not.
struct Host {
    document: Mutex<Result<String, String>>,
    fetches: AtomicUsize,
    /// Whether it answers.
    answers: watch::Sender<bool>,
}

impl Host {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            document: Mutex::new(Err("down".into())),
            fetches: AtomicUsize::new(0),
            answers: watch::Sender::new(true),
        })
    }

    fn publish(&self, keys: &[(&str, &Signer)]) {
        let keys: Vec<_> = keys
            .iter()
            .map(|(id, signer)| signer.jwk(&format!(r#","kid":"{id}""#)))
            .collect();
        self.say(Ok(format!(r#"{{"keys":[{}]}}"#, keys.join(","))));
    }

    fn say(&self, document: Result<String, String>) {
        *self.document.lock().unwrap() = document;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn jwt(self: &Arc<Self>) -> Jwt {
        Jwt::new(exact(), Vec::new(), Some(self.clone()))
    }
}

impl Source for Host {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.subscribe();
        async move {
            answers.wait_for(|answers| *answers).await.unwrap();
            self.document.lock().unwrap().clone().map(Bytes::from)
        }
        .boxed()
    }
}

fn token(signer: &Signer, id: &str) -> String {
    let claims = format!(r#"{{"sub":"ann","exp":{}}}"#, NOW_S + 1_000_000);
    signer.token_with(&format!(r#","kid":"{id}""#), &claims)
}

fn after(seconds: u64) -> Moment {
    Moment(NOW.0 + seconds * 1000)
}

async fn judged(jwt: &Jwt, token: &str, now: Moment) -> Result<(), Unknown> {
    jwt.know(token, now).await.map(|_| ())
}

#[tokio::test]
async fn a_new_key_is_fetched_once_by_all_who_need_it() {
    let (host, old, new) = (Host::new(), Signer::fresh(), Signer::fresh());
    let jwt = host.jwt();
    host.publish(&[("old", &old)]);
    let old_token = token(&old, "old");
    let all = join_all((0..50).map(|_| judged(&jwt, &old_token, NOW))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(host.fetches(), 1);
    host.publish(&[("old", &old), ("new", &new)]);
    let new_token = token(&new, "new");
    // A minute must have passed.
    assert_eq!(
        judged(&jwt, &new_token, after(59)).await,
        Err(Unknown::NoKey)
    );
    assert_eq!(host.fetches(), 1);
    let all = join_all((0..50).map(|_| judged(&jwt, &new_token, after(60)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(host.fetches(), 2);
    assert_eq!(judged(&jwt, &old_token, after(60)).await, Ok(()));
    assert_eq!(host.fetches(), 2);
}

#[tokio::test]
async fn strangers_cannot_have_keys_fetched_more_than_once_a_minute() {
    let (host, signer) = (Host::new(), Signer::fresh());
    host.publish(&[("one", &signer)]);
    let jwt = host.jwt();
    for answer in [true, false] {
        let before = host.fetches();
        let from = 10_000 * before as u64;
        for number in 0..600 {
            if !answer {
                host.say(Err("down".into()));
            }
            let stranger = token(&signer, &format!("made up {number}"));
            let now = after(from + number / 5);
            assert_eq!(judged(&jwt, &stranger, now).await, Err(Unknown::NoKey));
        }
        assert_eq!(host.fetches() - before, 2, "in two minutes");
    }
    // A known id with a wrong signature is no reason to fetch anything.
    let before = host.fetches();
    let forged = token(&Signer::fresh(), "one");
    let judged = judged(&jwt, &forged, after(90_000)).await;
    assert_eq!(judged, Err(Unknown::Signature));
    tokio::task::yield_now().await;
    // An hour has passed, so they are fetched for that; but not for the forgery again.
    assert_eq!(host.fetches(), before + 1);
}

#[tokio::test]
async fn without_any_keys_nobody_is_told_that_their_token_is_wrong() {
    let (host, signer) = (Host::new(), Signer::fresh());
    let jwt = host.jwt();
    let good = token(&signer, "one");
    for now in [NOW, after(1), after(59)] {
        assert_eq!(judged(&jwt, &good, now).await, Err(Unknown::KeysAway));
    }
    assert_eq!(host.fetches(), 1);
    // What is wrong whatever the keys are, is wrong.
    let unsigned = signer.signed(r#"{"alg":"none"}"#, "{}");
    assert_eq!(
        judged(&jwt, &unsigned, after(59)).await,
        Err(Unknown::Algorithm)
    );
    let [one, huge] = ["<html>".into(), "x".repeat(MAX_KEY_SET + 1)];
    for (number, nonsense) in [(1, one), (2, huge)] {
        host.say(Ok(nonsense));
        let judged = judged(&jwt, &good, after(60 * number)).await;
        assert_eq!(judged, Err(Unknown::KeysAway));
    }
    host.publish(&[("one", &signer)]);
    assert_eq!(judged(&jwt, &good, after(180)).await, Ok(()));
    // From now on there are some, even while the host is down.
    host.say(Err("down".into()));
    assert_eq!(judged(&jwt, &good, after(9000)).await, Ok(()));
    let other = token(&signer, "other");
    assert_eq!(
        judged(&jwt, &other, after(18_000)).await,
        Err(Unknown::NoKey)
    );
    // A set without a usable key is one, too: its host answered.
    let (host, jwt) = (host.clone(), host.jwt());
    host.publish(&[]);
    assert_eq!(judged(&jwt, &good, NOW).await, Err(Unknown::NoKey));
}

#[tokio::test]
async fn keys_of_the_configuration_need_no_host() {
    let (host, fixed, published) = (Host::new(), Signer::hs256(), Signer::fresh());
    let jwt = Jwt::new(exact(), vec![fixed.key()], Some(host.clone()));
    assert_eq!(judged(&jwt, &token(&fixed, "any"), NOW).await, Ok(()));
    assert_eq!(host.fetches(), 0);
    let named = fixed.key().with_id("fixed");
    let named = Jwt::new(exact(), vec![named], Some(host.clone()));
    let forged = token(&Signer::Hs256(vec![1; 32]), "fixed");
    assert_eq!(judged(&named, &forged, NOW).await, Err(Unknown::Signature));
    assert_eq!(host.fetches(), 0);
    let good = token(&published, "one");
    assert_eq!(judged(&jwt, &good, NOW).await, Err(Unknown::KeysAway));
    host.publish(&[("one", &published)]);
    assert_eq!(judged(&jwt, &good, after(60)).await, Ok(()));
    let claims = format!(r#"{{"sub":"bob","exp":{}}}"#, NOW_S + 99);
    assert_eq!(judged(&jwt, &fixed.token(&claims), after(60)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn tokens_of_known_keys_do_not_wait_for_a_slow_host() {
    let (host, signer) = (Host::new(), Signer::fresh());
    host.publish(&[("one", &signer)]);
    let jwt = host.jwt();
    let good = token(&signer, "one");
    assert_eq!(judged(&jwt, &good, NOW).await, Ok(()));
    host.answers.send_replace(false);
    let begun = tokio::time::Instant::now();
    let unknown = token(&signer, "new");
    let waiting = judged(&jwt, &unknown, after(60));
    tokio::pin!(waiting);
    assert_eq!(waiting.as_mut().now_or_never(), None);
    tokio::task::yield_now().await;
    let fresh = signer.token_with(
        r#","kid":"one""#,
        &format!(r#"{{"sub":"bob","exp":{}}}"#, NOW_S + 99),
    );
    for token in [&good, &fresh] {
        let judged = judged(&jwt, token, after(61)).now_or_never();
        assert_eq!(judged, Some(Ok(())), "it waited");
    }
    // Nor for the fetch that an hour is reason for.
    let judged_later = judged(&jwt, &good, after(4000)).now_or_never();
    assert_eq!(judged_later, Some(Ok(())), "it waited");
    assert_eq!(host.fetches(), 1 + 1);
    assert_eq!(waiting.await, Err(Unknown::NoKey));
    assert_eq!(begun.elapsed().as_secs(), Duration::from_secs(5).as_secs());
}

#[tokio::test]
async fn whoever_hangs_up_does_not_keep_new_keys_out() {
    let (host, signer) = (Host::new(), Signer::fresh());
    let jwt = host.jwt();
    host.publish(&[("one", &signer)]);
    host.answers.send_replace(false);
    let good = token(&signer, "one");
    assert_eq!(judged(&jwt, &good, NOW).now_or_never(), None);
    let other = judged(&jwt, &good, after(1));
    tokio::pin!(other);
    assert_eq!(other.as_mut().now_or_never(), None);
    host.answers.send_replace(true);
    assert_eq!(other.await, Ok(()));
    assert_eq!(host.fetches(), 1);
}

#[tokio::test]
async fn withdrawn_keys_go_within_the_hour_and_what_they_signed_with_them() {
    let (host, old, new) = (Host::new(), Signer::fresh(), Signer::fresh());
    let jwt = host.jwt();
    host.publish(&[("old", &old)]);
    let (old_token, new_token) = (token(&old, "old"), token(&new, "new"));
    assert_eq!(judged(&jwt, &old_token, NOW).await, Ok(()));
    host.publish(&[("new", &new)]);
    assert_eq!(judged(&jwt, &old_token, after(3599)).await, Ok(()));
    assert_eq!(host.fetches(), 1);
    // This one begins the fetch, and does not wait for it.
    assert_eq!(judged(&jwt, &old_token, after(3600)).await, Ok(()));
    tokio::task::yield_now().await;
    assert_eq!(host.fetches(), 2);
    jwt.refresh(after(3600)).await;
    assert_eq!(host.fetches(), 2);
    assert_eq!(
        judged(&jwt, &old_token, after(3601)).await,
        Err(Unknown::NoKey)
    );
    assert_eq!(judged(&jwt, &new_token, after(3601)).await, Ok(()));
    // A host that is down, or gives away a secret, changes nothing.
    for (number, document) in [
        (2, Err("down".to_owned())),
        (
            3,
            Ok(format!(r#"{{"keys":[{}]}}"#, Signer::hs256().jwk(""))),
        ),
    ] {
        host.say(document);
        jwt.refresh(after(3600 * number)).await;
        assert_eq!(judged(&jwt, &new_token, after(3600 * number)).await, Ok(()));
    }
    assert_eq!(host.fetches(), 4);
    // With the same id, another key.
    host.publish(&[("new", &old)]);
    jwt.refresh(after(20_000)).await;
    let judged = judged(&jwt, &new_token, after(20_000)).await;
    assert_eq!(judged, Err(Unknown::Signature));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_it() {
    let (host, signer) = (Host::new(), Signer::fresh());
    let jwt = host.jwt();
    let claims = r#"{"sub":"ann","exp":200000}"#;
    let good = signer.token_with(r#","kid":"one""#, claims);
    assert_eq!(judged(&jwt, &good, NOW).await, Err(Unknown::KeysAway));
    host.publish(&[("one", &signer)]);
    assert_eq!(judged(&jwt, &good, Moment(1000)).await, Ok(()));
}

#[tokio::test]
async fn a_key_set_may_be_a_file() {
    let signer = Signer::es256();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let good = token(&signer, "one");
    write!(file, r#"{{"keys":[{}]}}"#, signer.jwk(r#","kid":"one""#)).unwrap();
    let source =
        |path: &std::path::Path| Some(Arc::new(FileSource(path.into())) as Arc<dyn Source>);
    let jwt = Jwt::new(exact(), Vec::new(), source(file.path()));
    assert_eq!(judged(&jwt, &good, NOW).await, Ok(()));
    let absent = file.path().with_extension("absent");
    let jwt = Jwt::new(exact(), Vec::new(), source(&absent));
    assert_eq!(judged(&jwt, &good, NOW).await, Err(Unknown::KeysAway));
    let endless = std::path::Path::new("/dev/zero");
    let read = FileSource(endless.into()).fetch().await.unwrap();
    assert_eq!(read.len(), MAX_KEY_SET + 1);
}
