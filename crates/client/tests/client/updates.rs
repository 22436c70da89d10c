use std::sync::{Arc, Mutex};

use detente_client::{Collection, Error, Json, Retry, TryUpdateError};
use serde::{Deserialize, Serialize};

use crate::fake::{Answer, Ask, Fake, Reply, at_once};
use crate::shelf::{DIALECTS, Dialect, Shelf};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) n: u64,
}

pub(crate) fn count(counter: &mut Counter) {
    counter.n += 1;
}

fn counters(fake: &Fake) -> Collection<Counter> {
    fake.client().collection("c")
}

/// A server on which somebody else also counts, before each of the first `overtakes` writes.
async fn overtaken(dialect: Dialect, overtakes: usize) -> Fake {
    let mut shelf = Shelf::new(dialect).with("1", r#"{"n":0}"#);
    let mut left = overtakes;
    Fake::start(move |ask| {
        if ask.is_write() && left > 0 {
            left -= 1;
            let n = 100 * (overtakes - left);
            shelf.set("1", &format!(r#"{{"n":{n}}}"#));
        }
        shelf.reply(ask)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_count_at_once_none_is_lost() {
    for dialect in DIALECTS {
        let shelf = Arc::new(Mutex::new(Shelf::new(dialect).with("1", r#"{"n":0}"#)));
        let served = Arc::clone(&shelf);
        let fake = Fake::start(move |ask| served.lock().unwrap().reply(ask)).await;
        let retry = Retry {
            attempts: 1000,
            ..at_once()
        };
        let tasks = (0..16).map(|_| {
            let client = fake.builder().retry(retry.clone()).build().unwrap();
            tokio::spawn(async move {
                let counters = client.collection("c");
                for _ in 0..5 {
                    counters.update("1", count).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(
            shelf.lock().unwrap().text("1"),
            r#"{"n":80}"#,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn the_first_retry_needs_no_read_and_later_ones_do() {
    let get_put = ["GET /api/c/1", "PUT /api/c/1"];
    let cases = [
        // (dialect, how often somebody else is faster, requests)
        (Dialect::Detente, 0, "GP"),
        (Dialect::Detente, 1, "GPP"),
        (Dialect::Detente, 3, "GPPGPGP"),
        (Dialect::Curt, 0, "GP"),
        (Dialect::Curt, 1, "GPGP"),
        (Dialect::Curt, 3, "GPGPGPGP"),
        (Dialect::Chatty, 1, "GPGP"),
    ];
    for (dialect, overtakes, expected) in cases {
        let fake = overtaken(dialect, overtakes).await;
        let counter = counters(&fake).update("1", count).await.unwrap();
        let expected: Vec<_> = expected
            .chars()
            .map(|c| get_put[usize::from(c == 'P')])
            .collect();
        assert_eq!(fake.lines(), expected, "{dialect:?} {overtakes}");
        assert_eq!(
            counter.n,
            100 * overtakes as u64 + 1,
            "{dialect:?} {overtakes}"
        );
    }
}

#[tokio::test]
async fn every_attempt_is_a_request_of_its_own_that_is_not_to_be_merged() {
    let fake = overtaken(Dialect::Detente, 2).await;
    counters(&fake).update("1", count).await.unwrap();
    let writes = fake.writes();
    let mut keys: Vec<_> = writes
        .iter()
        .map(|ask| ask.header("idempotency-key").unwrap())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    for ask in &writes {
        assert_eq!(ask.header("prefer"), Some("conflict=reject"), "{ask:?}");
    }
}

#[tokio::test]
async fn what_a_rule_refuses_is_sent_once() {
    let cases = [
        (409, "duplicate-entry", "Duplicate"),
        (409, "state-conflict", "Refused"),
        (409, "deleted", "Deleted"),
        (422, "invalid-document", "Invalid"),
        (423, "locked", "Locked"),
        (403, "forbidden", "Unauthorized"),
        (428, "precondition-required", "Failed"),
        (500, "internal", "Failed"),
    ];
    for (status, kind, variant) in cases {
        let fake = Fake::start(move |ask| match ask.is_write() {
            false => Answer::new(200, r#"{"n":0}"#)
                .header("etag", "\"1\"")
                .into(),
            true => {
                let body = format!(r#"{{"type":"/problems/{kind}","current_etag":"\"1\"","x":1}}"#);
                Answer::new(status, body).into()
            }
        })
        .await;
        let error = counters(&fake).update("1", count).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(variant),
            "{kind}: {error:?}"
        );
        let problem = error.problem().unwrap();
        assert_eq!(problem.get("x").unwrap().to_text(), "1", "{kind}");
        assert_eq!(fake.lines().len(), 2, "{kind}");
    }
}

/// The current tag shows whether an unexplained 409 means a stale tag or a rule.
#[tokio::test]
async fn a_rule_of_an_unknown_server_is_told_by_the_tag_that_did_not_change() {
    for status in [409, 412] {
        let fake = Fake::start(move |ask| match ask.is_write() {
            false => Answer::new(200, r#"{"n":0}"#)
                .header("etag", "\"1\"")
                .into(),
            true => Answer::new(status, r#"{"message":"cart is checked out"}"#).into(),
        })
        .await;
        let error = counters(&fake).update("1", count).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert_eq!(error.to_string(), "cart is checked out");
        assert_eq!(fake.writes().len(), 1);
    }
}

#[tokio::test]
async fn an_update_that_is_called_off_or_changes_nothing_writes_nothing() {
    let fake = overtaken(Dialect::Detente, 0).await;
    let counters = counters(&fake);
    let aborted = counters.try_update("1", |_| Err("sold out")).await;
    assert!(matches!(aborted, Err(TryUpdateError::Aborted("sold out"))));
    let unchanged = counters.update("1", |_| {}).await.unwrap();
    assert_eq!((unchanged.n, unchanged.version()), (0, Some(1)));
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn it_gives_up_when_others_are_faster_each_time() {
    for dialect in DIALECTS {
        let fake = overtaken(dialect, usize::MAX).await;
        let error = counters(&fake).update("1", count).await.unwrap_err();
        let Error::Contended { attempts, last } = error else {
            panic!("{error:?}");
        };
        assert_eq!((attempts, fake.writes().len()), (10, 10), "{dialect:?}");
        assert!(last.current.is_some());
    }
}

#[tokio::test]
async fn it_can_begin_with_a_copy_even_an_old_one() {
    let fake = overtaken(Dialect::Detente, 1).await;
    let counters = counters(&fake);
    let copy = counters.get("1").await.unwrap();
    let change = |counter: &mut Counter| {
        count(counter);
        Ok::<_, ()>(())
    };
    let counter = counters.try_update_from(copy, change).await.unwrap();
    assert_eq!(counter.n, 101);
    assert_eq!(
        fake.lines(),
        ["GET /api/c/1", "PUT /api/c/1", "PUT /api/c/1"]
    );
}

#[tokio::test]
async fn what_the_type_does_not_show_is_kept() {
    let text = r#"{"big":12345678901234567890.10,"n":0,"more":{"x":[1.0]}}"#;
    let mut shelf = Shelf::new(Dialect::Detente).with("1", text);
    let fake = Fake::start(move |ask| shelf.reply(ask)).await;
    let counter = counters(&fake).update("1", count).await.unwrap();
    let expected = text.replace(r#""n":0"#, r#""n":1"#);
    assert_eq!(fake.writes()[0].body, expected);
    assert_eq!(counter.whole().to_string(), expected);
    let documents: Collection = fake.client().collection("c");
    let set = |document: &mut Json| document.set("n", 18_446_744_073_709_551_615);
    let document = documents.update("1", set).await.unwrap();
    assert_eq!(
        document.to_string(),
        expected.replace(r#""n":1"#, r#""n":18446744073709551615"#)
    );
}

#[tokio::test]
async fn without_a_tag_nothing_is_written() {
    let fake = Fake::start(|_| Answer::new(200, r#"{"n":0}"#).into()).await;
    let error = counters(&fake).update("1", count).await.unwrap_err();
    assert!(matches!(error, Error::Untagged), "{error:?}");
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn a_refusal_without_the_document_is_followed_by_a_read() {
    let mut shelf = Shelf::new(Dialect::Detente).with("1", r#"{"n":0}"#);
    let mut first = true;
    let fake = Fake::start(move |ask: &Ask| -> Reply {
        if ask.is_write() && std::mem::take(&mut first) {
            shelf.set("1", r#"{"n":7}"#);
            let body = r#"{"type":"/problems/stale-version","current_etag":"\"2-1\"","conflicts":[],"current_href":"/api/c/1"}"#;
            return Answer::new(409, body).into();
        }
        shelf.reply(ask)
    })
    .await;
    assert_eq!(counters(&fake).update("1", count).await.unwrap().n, 8);
    assert_eq!(fake.lines().len(), 4);
}

#[tokio::test]
async fn an_update_can_run_in_a_task_of_its_own() {
    let fake = overtaken(Dialect::Detente, 1).await;
    let counters = counters(&fake);
    let task = tokio::spawn(async move {
        let mut runs = 0;
        let change = |counter: &mut Counter| {
            runs += 1;
            count(counter);
        };
        counters.update("1", change).await.unwrap();
        runs
    });
    assert_eq!(task.await.unwrap(), 2);
}
