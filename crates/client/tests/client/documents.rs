use detente_client::{Client, Collection, Condition, Error, Json, Patch};

use crate::fake::{Answer, Fake, Reply};
use crate::shelf::{DIALECTS, Dialect, Shelf};
use crate::updates::Counter;

async fn server(dialect: Dialect) -> (Fake, Collection) {
    let mut shelf = Shelf::new(dialect).with("1", r#"{"title":"Draft","n":1}"#);
    let fake = Fake::start(move |ask| shelf.reply(ask)).await;
    let documents = fake.client().collection("c");
    (fake, documents)
}

fn json(text: &str) -> Json {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_document_from_creation_to_deletion() {
    for dialect in DIALECTS {
        let (_fake, documents) = server(dialect).await;
        let inserted = documents.insert("2", &json(r#"{"a":1.0}"#)).await.unwrap();
        let mut read = documents.get("2").await.unwrap();
        assert_eq!(read.to_string(), r#"{"a":1.0}"#);
        assert_eq!(read.tag(), inserted.tag());
        assert!(!documents.refresh(&mut read).await.unwrap(), "{dialect:?}");

        let error = documents.insert("2", &json("{}")).await.unwrap_err();
        let Error::Exists(stale) = error else {
            panic!("{dialect:?}: {error:?}");
        };
        assert_eq!(stale.current, Some(json(r#"{"a":1}"#)));
        let found = documents.get_or_insert("2", &json("{}")).await.unwrap();
        assert_eq!(found.to_string(), r#"{"a":1.0}"#);

        let mut copy = read.clone();
        copy.set("a", 2);
        let replaced = documents.replace(&copy).await.unwrap();
        assert_eq!(replaced.to_string(), r#"{"a":2}"#);
        let mut other = read.clone();
        other.set("b", 1);
        let error = documents.replace(&other).await.unwrap_err();
        let Error::Stale(stale) = error else {
            panic!("{dialect:?}: {error:?}");
        };
        assert_eq!(stale.merged, Some(json(r#"{"a":2,"b":1}"#)), "{dialect:?}");
        assert!(documents.refresh(&mut read).await.unwrap());
        assert_eq!(read.to_string(), r#"{"a":2}"#);

        let old = inserted.tag().unwrap();
        let error = documents.delete("2", old).await.unwrap_err();
        assert!(matches!(error, Error::Stale(_)), "{dialect:?}: {error:?}");
        documents.delete("2", read.tag().unwrap()).await.unwrap();
        let error = documents.get("2").await.unwrap_err();
        assert!(
            matches!(error, Error::Missing(_) | Error::Deleted(_)),
            "{error:?}"
        );
        let again = documents
            .get_or_insert("2", &json(r#"{"new":true}"#))
            .await
            .unwrap();
        assert_eq!(again.to_string(), r#"{"new":true}"#);
    }
}

/// An answer of `{"ok":true}` is not the document.
#[tokio::test]
async fn what_another_server_answers_to_a_write_is_not_taken_for_the_document() {
    let (_fake, documents) = server(Dialect::Chatty).await;
    let mut document = documents.get("1").await.unwrap();
    document.set("n", 2);
    let replaced = documents.replace(&document).await.unwrap();
    assert_eq!(replaced.to_string(), r#"{"title":"Draft","n":2}"#);
    assert_eq!(replaced.tag().unwrap().to_string(), "\"2-1\"");
}

#[tokio::test]
async fn a_patch_says_what_changes() {
    let fake = Fake::start(|ask| match (&*ask.method, &*ask.body) {
        ("PATCH", r#"{"n":2}"#) => Answer::new(204, "").into(),
        ("PATCH", _) => {
            Answer::new(409, r#"{"type":"/problems/patch-conflict","path":"/n"}"#).into()
        }
        _ => Answer::new(200, r#"{"n":2}"#)
            .header("etag", "\"b\"")
            .into(),
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let patch = Patch::merge(&Counter { n: 2 }).unwrap();
    let patched = counters
        .patch("1", &patch, Condition::Exists)
        .await
        .unwrap();
    assert_eq!(
        (patched.n, fake.asks().len()),
        (2, 2),
        "what came of it is read"
    );
    let first = &fake.asks()[0];
    assert_eq!(
        first.header("content-type"),
        Some("application/merge-patch+json")
    );
    assert_eq!(first.header("if-match"), Some("*"));
    let operations = json(r#"[{"op":"test","path":"/n","value":1}]"#);
    let patch = Patch::operations(&operations).unwrap();
    let error = counters
        .patch("1", &patch, Condition::None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(
        fake.asks()[2].header("content-type"),
        Some("application/json-patch+json")
    );
}

/// The write was applied; only its result does not match the type.
#[tokio::test]
async fn a_result_that_cannot_be_read_does_not_undo_the_write() {
    let fake = Fake::start(|ask| match &*ask.method {
        "PATCH" => Answer::new(200, r#"{"n":"two"}"#)
            .header("document-version", "2")
            .into(),
        "POST" => Answer::new(201, r#"{"n":2}"#).into(),
        _ => Reply::Cut,
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let patch = Patch::merge(&json(r#"{"n":"two"}"#)).unwrap();
    let error = counters
        .patch("1", &patch, Condition::Exists)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Applied(_)), "{error:?}");
    let error = counters.create(&Counter { n: 2 }).await.unwrap_err();
    assert!(
        matches!(error, Error::Applied(_)),
        "without Location: {error:?}"
    );
}

#[tokio::test]
async fn names_go_into_the_url_as_they_are() {
    let fake = Fake::start(|_| Answer::new(404, "").into()).await;
    let client = fake
        .builder()
        .space("blue")
        .actor("Zoë")
        .token("secret")
        .build()
        .unwrap();
    let documents: Collection = client.collection("c");
    for (id, path) in [
        ("a b", "a%20b"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("é", "%C3%A9"),
        ("%41", "%2541"),
    ] {
        assert!(documents.get(id).await.is_err());
        let ask = fake.asks().pop().unwrap();
        assert_eq!(ask.line(), format!("GET /spaces/blue/api/c/{path}"), "{id}");
        assert_eq!(ask.header("authorization"), Some("Bearer secret"));
    }
    let before = fake.asks().len();
    for id in ["", ".", ".."] {
        let error = documents.get(id).await.unwrap_err();
        assert!(matches!(error, Error::Name(..)), "{id:?}: {error:?}");
    }
    let nested: Collection = client.collection("users/../c");
    assert!(matches!(nested.get("1").await, Err(Error::Name(..))));
    assert_eq!(fake.asks().len(), before, "nothing is sent");
    let base = format!("{}/shop/", fake.url());
    let other = Client::builder(&base).api_path("/v2").build().unwrap();
    let documents: Collection = other.collection("users/7/orders");
    assert!(documents.get("1").await.is_err());
    assert_eq!(
        fake.asks().pop().unwrap().line(),
        "GET /shop/v2/users/7/orders/1"
    );
}

#[test]
fn what_is_no_base_url_is_refused() {
    for base in [
        "",
        "localhost:4090",
        "/api",
        "ftp://a",
        "file:///a",
        "data:x",
    ] {
        assert!(matches!(Client::new(base), Err(Error::Name(..))), "{base}");
    }
    let error = Client::builder("http://a")
        .token("a\nb")
        .build()
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("a\nb"), "{error:?}");
}

/// A write that is redirected to a GET would look as if it had been applied.
#[tokio::test]
async fn redirects_are_not_followed() {
    let fake = Fake::start(|ask| match &*ask.method {
        "POST" => Answer::new(302, "").header("location", "/elsewhere").into(),
        _ => Answer::new(200, "{}").into(),
    })
    .await;
    let documents: Collection = fake.client().collection("c");
    let error = documents.create(&Json::object()).await.unwrap_err();
    assert!(matches!(error, Error::Failed(_)), "{error:?}");
    assert_eq!(fake.asks().len(), 1);
}

#[tokio::test]
async fn what_is_no_document_is_told() {
    let bodies = ["", "<html>", r#"{"n":"x"}"#, r#"{"n":1,"n":2}"#];
    for body in bodies {
        let fake =
            Fake::start(move |_| Answer::new(200, body).header("etag", "\"1\"").into()).await;
        let counters = fake.client().collection::<Counter>("c");
        let error = counters.get("1").await.unwrap_err();
        assert!(matches!(error, Error::Content(_)), "{body}: {error:?}");
    }
}
