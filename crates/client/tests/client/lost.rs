use std::sync::{Arc, Mutex};
use std::time::Duration;

use detente_client::{Client, Collection, Condition, Error, Json, Retry, Tag};
use tokio::net::TcpListener;

use crate::fake::{Answer, Ask, Fake, Reply, at_once};
use crate::shelf::{DIALECTS, Dialect, Shelf};
use crate::updates::{Counter, count};

/// What happens to the first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It never reaches the store.
    Before,
    /// It is applied, and the answer is lost.
    After,
    /// It is applied, and half the answer arrives.
    Half,
    /// It is applied, and a proxy answers that it knows nothing.
    Gateway,
}

const FAULTS: [Fault; 4] = [Fault::Before, Fault::After, Fault::Half, Fault::Gateway];

type Shared = Arc<Mutex<Shelf>>;

async fn faulty(dialect: Dialect, fault: Fault) -> (Fake, Shared, Client) {
    let shelf = Shelf::new(dialect).with("1", r#"{"n":0}"#);
    let shelf = Arc::new(Mutex::new(shelf));
    let served = Arc::clone(&shelf);
    let mut first = true;
    let fake = Fake::start(move |ask| {
        let mut shelf = served.lock().unwrap();
        if !ask.is_write() || !std::mem::take(&mut first) {
            return shelf.reply(ask);
        }
        if fault == Fault::Before {
            return Reply::Cut;
        }
        let answer = shelf.answer(ask);
        match fault {
            Fault::Half => Answer::new(200, "{\"n\": cut off here}").cut_in_half(),
            Fault::Gateway => Answer::new(504, "<html>").into(),
            _ => {
                drop(answer);
                Reply::Cut
            }
        }
    })
    .await;
    let client = fake.client();
    (fake, shelf, client)
}

fn text(shelf: &Shared, id: &str) -> String {
    shelf.lock().unwrap().text(id)
}

fn versions(shelf: &Shared, id: &str) -> usize {
    shelf.lock().unwrap().versions[id].len()
}

#[tokio::test]
async fn a_conditional_write_is_applied_once_on_every_server() {
    for dialect in DIALECTS {
        for fault in FAULTS {
            let (fake, shelf, client) = faulty(dialect, fault).await;
            let counters = client.collection::<Counter>("c");
            let counter = counters.update("1", count).await.unwrap();
            assert_eq!(counter.n, 1, "{dialect:?} {fault:?}");
            assert_eq!(text(&shelf, "1"), r#"{"n":1}"#, "{dialect:?} {fault:?}");
            assert_eq!(versions(&shelf, "1"), 2, "{dialect:?} {fault:?}");
            assert_eq!(
                counter.tag().unwrap().to_string(),
                "\"2-1\"",
                "{dialect:?} {fault:?}"
            );
            let writes = fake.writes();
            let key = |ask: &Ask| ask.header("idempotency-key").map(str::to_owned);
            assert_eq!(writes.len(), 2);
            assert_eq!(
                key(&writes[0]),
                key(&writes[1]),
                "the same request has the same key"
            );

            let (_fake, shelf, client) = faulty(dialect, fault).await;
            let documents: Collection = client.collection("c");
            let mut draft = documents.edit("1").await.unwrap();
            draft.set("title", "Plan");
            draft.save().await.unwrap();
            assert_eq!(versions(&shelf, "1"), 2, "{dialect:?} {fault:?}");

            let (_fake, shelf, client) = faulty(dialect, fault).await;
            let documents: Collection = client.collection("c");
            let mut document = documents.get("1").await.unwrap();
            document.set("title", "Plan");
            documents.replace(&document).await.unwrap();
            assert_eq!(versions(&shelf, "1"), 2, "{dialect:?} {fault:?}");

            let (_fake, shelf, client) = faulty(dialect, fault).await;
            let documents: Collection = client.collection("c");
            documents.insert("2", &Json::object()).await.unwrap();
            assert_eq!(versions(&shelf, "2"), 1, "{dialect:?} {fault:?}");

            let (_fake, shelf, client) = faulty(dialect, fault).await;
            let documents: Collection = client.collection("c");
            documents
                .delete("1", Tag::new("\"1-1\"").unwrap())
                .await
                .unwrap();
            assert_eq!(versions(&shelf, "1"), 2, "{dialect:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_write_without_condition_is_sent_again_only_to_a_server_that_keeps_keys() {
    for fault in FAULTS {
        let (fake, shelf, client) = faulty(Dialect::Detente, fault).await;
        let documents: Collection = client.collection("c");
        let created = documents.create(&Json::object()).await.unwrap();
        assert_eq!(created.id(), "new-1", "{fault:?}");
        assert!(
            !shelf.lock().unwrap().versions.contains_key("new-2"),
            "{fault:?}"
        );
        assert_eq!(fake.writes().len(), 2);

        let (_fake, shelf, client) = faulty(Dialect::Detente, fault).await;
        let documents: Collection = client.collection("c");
        documents
            .put("1", &Json::object(), Condition::Exists)
            .await
            .unwrap();
        assert_eq!(versions(&shelf, "1"), 2, "{fault:?}");
        for dialect in [Dialect::Curt, Dialect::Chatty] {
            let (fake, _, client) = faulty(dialect, fault).await;
            let documents: Collection = client.collection("c");
            let error = documents.create(&Json::object()).await.unwrap_err();
            assert!(
                matches!(error, Error::Uncertain(_)),
                "{dialect:?} {fault:?}: {error:?}"
            );
            assert_eq!(fake.writes().len(), 1, "{dialect:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn that_a_server_keeps_keys_can_be_said() {
    let mut asked = 0;
    let fake = Fake::start(move |_| {
        asked += 1;
        match asked {
            1 => Reply::Cut,
            _ => Answer::new(201, "")
                .header("location", "/c/7")
                .header("etag", "\"a\"")
                .into(),
        }
    })
    .await;
    let client = fake.builder().keeps_keys(true).build().unwrap();
    let documents: Collection = client.collection("c");
    let created = documents
        .create_once("order-7", &Json::object())
        .await
        .unwrap();
    assert_eq!(created.id(), "7");
    let asks = fake.asks();
    let keys: Vec<_> = asks
        .iter()
        .map(|ask| ask.header("idempotency-key"))
        .collect();
    assert_eq!(keys, [Some("\"order-7\""), Some("\"order-7\"")]);
    for key in ["a\"b", "a\nb", "é"] {
        let error = documents
            .create_once(key, &Json::object())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Name(..)), "{key:?}: {error:?}");
    }
}

/// Applied, then overwritten: on a server without keys that looks the same as not applied.
#[tokio::test]
async fn what_cannot_be_known_is_not_guessed() {
    for dialect in [Dialect::Curt, Dialect::Chatty] {
        for applied in [true, false] {
            let mut shelf = Shelf::new(dialect).with("1", r#"{"n":0}"#);
            let mut first = true;
            let fake = Fake::start(move |ask| {
                if !ask.is_write() || !std::mem::take(&mut first) {
                    return shelf.reply(ask);
                }
                if applied {
                    shelf.answer(ask);
                }
                shelf.set("1", r#"{"n":7}"#);
                Reply::Cut
            })
            .await;
            let counters = fake.client().collection::<Counter>("c");
            let error = counters.update("1", count).await.unwrap_err();
            assert!(
                matches!(error, Error::Uncertain(_)),
                "{dialect:?}: {error:?}"
            );
        }
    }
}

/// With keys, the client knows.
#[tokio::test]
async fn an_attempt_that_was_overtaken_counts_once_on_a_server_with_keys() {
    for (applied, expected) in [(true, 10), (false, 11)] {
        let shelf = Arc::new(Mutex::new(
            Shelf::new(Dialect::Detente).with("1", r#"{"n":0}"#),
        ));
        let served = Arc::clone(&shelf);
        let mut first = true;
        let fake = Fake::start(move |ask| {
            let mut shelf = served.lock().unwrap();
            if !ask.is_write() || !std::mem::take(&mut first) {
                return shelf.reply(ask);
            }
            if applied {
                shelf.answer(ask);
            }
            shelf.set("1", r#"{"n":10}"#);
            Reply::Cut
        })
        .await;
        let counters = fake.client().collection::<Counter>("c");
        counters.update("1", count).await.unwrap();
        assert_eq!(text(&shelf, "1"), format!(r#"{{"n":{expected}}}"#));
    }
}

#[tokio::test]
async fn a_busy_server_gets_the_same_request_again() {
    let in_progress = r#"{"type":"/problems/request-in-progress"}"#;
    for (status, body) in [(503, ""), (429, ""), (409, in_progress)] {
        let mut shelf = Shelf::new(Dialect::Curt).with("1", r#"{"n":0}"#);
        let mut busy = 3;
        let fake = Fake::start(move |ask| {
            if ask.is_write() && busy > 0 {
                busy -= 1;
                return Answer::new(status, body).header("retry-after", "0").into();
            }
            shelf.reply(ask)
        })
        .await;
        let counters = fake.client().collection::<Counter>("c");
        counters.update("1", count).await.unwrap();
        let writes = fake.writes();
        assert_eq!(writes.len(), 4, "{status}");
        let key = writes[0].header("idempotency-key");
        assert!(
            writes
                .iter()
                .all(|ask| ask.header("idempotency-key") == key)
        );
        // The answer said that nothing was written, so there was nothing to find out.
        assert_eq!(fake.asks().len(), 5, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_for_longer_than_the_budget_is_not_waited_for() {
    let fake = Fake::start(|_| {
        let problem = r#"{"detail":"Too many writes are waiting."}"#;
        Answer::new(503, problem)
            .header("retry-after", "3600")
            .into()
    })
    .await;
    let documents: Collection = fake.client().collection("c");
    let error = documents.create(&Json::object()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let problem = error.problem().unwrap();
    assert_eq!(problem.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(fake.asks().len(), 1);
}

#[tokio::test]
async fn a_read_is_repeated_freely() {
    let mut shelf = Shelf::new(Dialect::Curt).with("1", r#"{"n":5}"#);
    let mut faults = vec![
        Answer::new(502, "").into(),
        Answer::new(503, "").into(),
        Answer::new(200, r#"{"n":0}"#).cut_in_half(),
        Reply::Cut,
    ];
    let fake = Fake::start(move |ask| faults.pop().unwrap_or_else(|| shelf.reply(ask))).await;
    let counters = fake.client().collection::<Counter>("c");
    assert_eq!(counters.get("1").await.unwrap().n, 5);
    assert_eq!(fake.asks().len(), 5);
}

#[tokio::test]
async fn a_server_that_is_not_there_has_applied_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder(&url).retry(at_once()).build().unwrap();
    let documents: Collection = client.collection("c");
    let error = documents.create(&Json::object()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn how_often_a_request_is_sent_is_bounded() {
    let fake = Fake::start(|_| Reply::Cut).await;
    let retry = Retry {
        attempts: 3,
        ..at_once()
    };
    let client = fake
        .builder()
        .retry(retry)
        .keeps_keys(true)
        .build()
        .unwrap();
    let documents: Collection = client.collection("c");
    let error = documents.create(&Json::object()).await.unwrap_err();
    assert!(matches!(error, Error::Uncertain(_)), "{error:?}");
    assert_eq!(fake.asks().len(), 3);
    let error = documents.get("1").await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert_eq!(fake.asks().len(), 6);
}
