use std::sync::{Arc, Mutex};

use detente_client::{Collection, Error, Since, Watch};

use crate::fake::{Answer, Ask, Fake, Reply};
use crate::updates::Counter;

fn event(seq: u64) -> String {
    let data = format!(
        r#"{{"seq":{seq},"collection":"c","id":"{}","version":1,"etag":"\"1-{seq}\"","updated_at":"t","updated_by":"bob","data":{{"n":{seq}}},"paths":["/n"]}}"#,
        seq % 3
    );
    format!("id: {seq}\nevent: change\ndata: {data}\n\n")
}

/// Where the client wants to continue.
fn place(ask: &Ask) -> u64 {
    let since = ask.path.split("since=").nth(1).unwrap();
    let place = ask.header("last-event-id").unwrap_or(since);
    place.parse().unwrap_or(5)
}

fn greeting(seq: u64) -> String {
    format!("id: {seq}\nretry: 1000\n\n")
}

async fn seen(watch: &mut Watch<Counter>, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        let change = watch.next().await.unwrap().unwrap();
        assert_eq!(change.row.document.unwrap().n, change.seq);
        seqs.push(change.seq);
    }
    seqs
}

/// The connection breaks after every possible number of bytes.
#[tokio::test]
async fn wherever_the_stream_is_cut_no_change_is_missed_or_repeated() {
    let mut cut = 0;
    let fake = Fake::start(move |ask| {
        let from = place(ask);
        let events: String = (from + 1..from + 4).map(event).collect();
        let mut stream = greeting(from) + &events;
        cut = (cut + 7) % stream.len();
        stream.truncate(cut);
        Reply::Events(stream)
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let mut watch = counters.watch(Since::After(5.into())).await.unwrap();
    assert_eq!(seen(&mut watch, 200).await, (6..206).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_watch_from_now_on_knows_where_it_began() {
    let mut connections = 0;
    let fake = Fake::start(move |ask| {
        connections += 1;
        match connections {
            // Cut before it said where it starts: nothing was promised yet.
            1 => Reply::Events("id: 5".into()),
            2 => Reply::Events(greeting(5)),
            _ => Reply::Events(greeting(place(ask)) + &event(place(ask) + 1)),
        }
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let mut watch = counters.watch_document("2", Since::Now).await.unwrap();
    assert_eq!(fake.asks().len(), 2, "it returns once it knows");
    assert_eq!(seen(&mut watch, 2).await, [6, 7]);
    let places: Vec<_> = fake
        .asks()
        .iter()
        .map(|ask| ask.header("last-event-id").map(str::to_owned))
        .collect();
    assert_eq!(places, [None, None, Some("5".into()), Some("6".into())]);
    let ask = &fake.asks()[0];
    assert_eq!(ask.line(), "GET /api/c/2/_changes?since=now");
    assert_eq!(ask.header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn what_a_server_sends_twice_is_seen_once() {
    let fake = Fake::start(|_| Reply::Events((1..=9).map(event).collect())).await;
    let counters = fake.client().collection::<Counter>("c");
    let mut watch = counters.watch(Since::After(3.into())).await.unwrap();
    assert_eq!(seen(&mut watch, 6).await, [4, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn a_change_tells_who_what_and_where() {
    let gone = r#"{"seq":7,"collection":"c","id":"1","version":2,"updated_at":"t","updated_by":"ann","deleted":true}"#;
    let fake = Fake::start(move |_| {
        let deleted = format!("id: 7\nevent: change\ndata: {gone}\n\n");
        Reply::Events(event(6) + "event: other\ndata: {}\n\n:\n\n" + &deleted)
    })
    .await;
    let documents: Collection = fake.client().collection("c");
    let mut watch = documents.watch(Since::Beginning).await.unwrap();
    let change = watch.next().await.unwrap().unwrap();
    let paths: Vec<_> = change.paths.iter().map(ToString::to_string).collect();
    assert_eq!(
        (change.seq, &*change.collection, &*paths[0]),
        (6, "c", "/n")
    );
    assert_eq!((&*change.row.id, &*change.row.updated_by), ("0", "bob"));
    assert_eq!(
        change.row.document.unwrap().tag().unwrap().to_string(),
        "\"1-6\""
    );
    let change = watch.next().await.unwrap().unwrap();
    assert_eq!((change.seq, change.row.version), (7, 2));
    assert!(change.row.document.is_none());
}

#[tokio::test]
async fn a_watch_outlives_a_server_that_fails_and_ends_when_it_is_refused() {
    let replies = Arc::new(Mutex::new(vec![
        Answer::new(401, r#"{"detail":"The token is not known."}"#).into(),
        Reply::Events(event(2)),
        Answer::new(500, "").into(),
        Reply::Cut,
        Answer::new(503, "").header("retry-after", "0").into(),
        Reply::Events(event(1)),
        Reply::Cut,
    ]));
    let fake = Fake::start(move |_| replies.lock().unwrap().pop().unwrap()).await;
    let counters = fake.client().collection::<Counter>("c");
    let mut watch = counters.watch(Since::Beginning).await.unwrap();
    assert_eq!(seen(&mut watch, 2).await, [1, 2]);
    let error = watch.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_document_that_does_not_fit_is_told_and_passed() {
    let fake = Fake::start(|_| {
        let odd = event(2).replace(r#""data":{"n":2}"#, r#""data":{"n":"two"}"#);
        Reply::Events(event(1) + &odd + "id: 3\ndata: no json\n\n" + &event(4))
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let mut watch = counters.watch(Since::Beginning).await.unwrap();
    assert_eq!(seen(&mut watch, 1).await, [1]);
    for _ in 0..2 {
        assert!(matches!(watch.next().await, Some(Err(Error::Content(_)))));
    }
    assert_eq!(seen(&mut watch, 1).await, [4]);
}

#[tokio::test]
async fn what_is_no_feed_is_told_at_once() {
    for (status, body) in [(200, "<html>"), (404, ""), (400, "{}")] {
        let fake = Fake::start(move |_| Answer::new(status, body).into()).await;
        let client = fake.client();
        let watch = client.watch::<Counter>(Since::Now).await;
        assert!(watch.is_err(), "{status}");
        assert_eq!(fake.lines(), ["GET /api/_changes?since=now"], "{status}");
    }
}
