use std::sync::{Arc, Mutex};

use detente_client::{Choice, Client, Collection, Error, Json, Since};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::server::Server;

fn by(server: &Server, actor: &str) -> Client {
    let client = Client::builder(server.url()).actor(actor);
    client.build().unwrap()
}

fn documents(server: &Server, actor: &str) -> Collection<Value> {
    by(server, actor).collection("documents")
}

/// With 16 at once, somebody may be overtaken ten times in a row. Then nothing was written, and it
/// is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_clients_that_count_none_counts_in_vain() {
    let server = Server::start();
    documents(&server, "ann")
        .insert("n", &json!({"n": 0}))
        .await
        .unwrap();
    let tasks = (0..16).map(|writer| {
        let documents = documents(&server, &format!("writer-{writer}"));
        tokio::spawn(async move {
            let mut counted = 0;
            while counted < 10 {
                let count = |document: &mut Value| {
                    document["n"] = (document["n"].as_u64().unwrap() + 1).into();
                };
                match documents.update("n", count).await {
                    Ok(_) => counted += 1,
                    Err(Error::Contended { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let document = documents(&server, "ann").get("n").await.unwrap();
    assert_eq!(document["n"], 160);
    assert_eq!(document.version(), Some(161));
}

#[tokio::test]
async fn drafts_of_different_fields_are_both_saved() {
    let server = Server::start();
    let (ann, bob) = (documents(&server, "ann"), documents(&server, "bob"));
    let base = json!({"title": "Draft", "body": "Once"});
    ann.insert("plan", &base).await.unwrap();
    let mut hers = ann.edit("plan").await.unwrap();
    let mut his = bob.edit("plan").await.unwrap();
    hers["title"] = "Plan".into();
    his["body"] = "The end".into();
    assert!(!his.save().await.unwrap().merged);
    let saved = hers.save().await.unwrap();
    let both = json!({"title": "Plan", "body": "The end"});
    assert!(saved.merged);
    assert_eq!(saved.document.value, both);
    assert_eq!(saved.document.version(), Some(3));
    // Her draft holds his edit now, and does not undo it.
    assert_eq!(hers.value, both);
    hers["title"] = "Final plan".into();
    hers.save().await.unwrap();
    let stored = bob.get("plan").await.unwrap();
    assert_eq!(
        stored.value,
        json!({"title": "Final plan", "body": "The end"})
    );
}

#[tokio::test]
async fn where_drafts_collide_the_second_decides() {
    let cases = [
        (Choice::Ours, "Plan"),
        (Choice::Theirs, "Final"),
        (Choice::Base, "Draft"),
        (Choice::Value("Final plan".into()), "Final plan"),
    ];
    let server = Server::start();
    let (ann, bob) = (documents(&server, "ann"), documents(&server, "bob"));
    for (n, (choice, title)) in cases.into_iter().enumerate() {
        let id = n.to_string();
        ann.insert(&id, &json!({"title": "Draft", "n": 1}))
            .await
            .unwrap();
        let mut hers = ann.edit(&id).await.unwrap();
        let rename = |document: &mut Value| document["title"] = "Final".into();
        bob.update(&id, rename).await.unwrap();
        hers["title"] = "Plan".into();
        hers["n"] = 2.into();
        let Err(Error::Stale(stale)) = hers.save().await else {
            panic!("both changed the title");
        };
        assert_eq!(stale.conflicts[0].by.as_deref(), Some("bob"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        hers.on_conflict(move |stale| {
            let places = stale
                .conflicts
                .iter()
                .map(|conflict| conflict.path.to_string());
            noted.lock().unwrap().extend(places);
            Some(stale.choose_all(&choice))
        });
        let saved = hers.save().await.unwrap();
        assert_eq!(*asked.lock().unwrap(), ["/title"]);
        assert_eq!(saved.document.value, json!({"title": title, "n": 2}));
        assert_eq!(ann.get(&id).await.unwrap().tag(), saved.document.tag());
    }
}

/// Passes connections on to `address`; of the first, the answer is lost once it begins to come.
async fn losing_the_first_answer(address: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let address = address.to_owned();
    tokio::spawn(async move {
        let mut first = true;
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&address).await.unwrap();
            let lose = std::mem::take(&mut first);
            tokio::spawn(async move {
                if !lose {
                    // Either side may go away at any time.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
                let (mut requests, _answers) = client.split();
                let (mut from_server, mut to_server) = server.split();
                let mut begun = [0; 1];
                tokio::select! {
                    _ = copy(&mut requests, &mut to_server) => {}
                    _ = from_server.read_exact(&mut begun) => {}
                }
                let _ = client.shutdown().await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_makes_one_document() {
    let server = Server::start();
    let proxy = losing_the_first_answer(server.address()).await;
    let client = Client::builder(&proxy).actor("ann").build().unwrap();
    let documents: Collection<Value> = client.collection("documents");
    let created = documents.create(&json!({"title": "Draft"})).await.unwrap();
    let rows = documents.list(&[]).unwrap().all().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].id, rows[0].version), (created.id(), 1));
}

/// The one attempt is applied, its answer is lost, somebody counts on: the second attempt must not
/// count once more.
#[tokio::test]
async fn an_update_whose_answer_is_lost_counts_once() {
    let server = Server::start();
    let bob = documents(&server, "bob");
    let known = bob.insert("n", &json!({"n": 0})).await.unwrap();
    let proxy = losing_the_first_answer(server.address()).await;
    let ann: Collection<Value> = Client::new(&proxy).unwrap().collection("documents");
    let count = |document: &mut Value| {
        document["n"] = (document["n"].as_u64().unwrap() + 1).into();
        Ok::<_, Error>(())
    };
    ann.try_update_from(known, count).await.unwrap();
    let document = bob.get("n").await.unwrap();
    assert_eq!(
        (document["n"].as_u64(), document.version()),
        (Some(1), Some(2))
    );
}

#[tokio::test]
async fn a_watch_sees_what_others_save() {
    let server = Server::start();
    let (ann, bob) = (documents(&server, "ann"), documents(&server, "bob"));
    bob.insert("before", &json!({})).await.unwrap();
    let mut changes = ann.watch(Since::Now).await.unwrap();
    bob.insert("plan", &json!({"title": "Draft"}))
        .await
        .unwrap();
    let rename = |document: &mut Value| document["title"] = "Final".into();
    let renamed = bob.update("plan", rename).await.unwrap();
    bob.delete("plan", renamed.tag().unwrap()).await.unwrap();
    for (version, title) in [(1, Some("Draft")), (2, Some("Final")), (3, None)] {
        let change = changes.next().await.unwrap().unwrap();
        assert_eq!(change.collection, "documents");
        let row = change.row;
        let found = (&*row.id, row.version, &*row.updated_by);
        assert_eq!(found, ("plan", version, "bob"));
        let title_found = row.document.as_ref().map(|document| &document["title"]);
        assert_eq!(title_found.and_then(Value::as_str), title);
    }
}

/// A place that the log has not reached: an older copy of the store was put back.
#[tokio::test]
async fn a_watch_that_was_further_than_the_log_says_so() {
    let server = Server::start();
    let ann = documents(&server, "ann");
    ann.insert("plan", &json!({})).await.unwrap();
    let mut changes = ann.watch(Since::After(7.into())).await.unwrap();
    match changes.next().await {
        Some(Err(Error::Reset { last: 1 })) => {}
        other => panic!("{other:?}"),
    }
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn a_history_holds_every_digit() {
    let server = Server::start();
    let documents: Collection = by(&server, "ann").collection("documents");
    let first: Json = r#"{"n":12345678901234567890.10,"more":[1.0]}"#.parse().unwrap();
    documents.insert("n", &first).await.unwrap();
    let changed = documents
        .update("n", |document| document.set("n", 2))
        .await
        .unwrap();
    documents.delete("n", changed.tag().unwrap()).await.unwrap();
    let rows = documents.history("n").unwrap().all().await.unwrap();
    let texts: Vec<_> = rows
        .iter()
        .map(|row| row.document.as_ref().map(|document| document.to_string()))
        .collect();
    let second = r#"{"n":2,"more":[1.0]}"#.to_owned();
    assert_eq!(texts, [None, Some(second), Some(first.to_string())]);
    let old = documents.version("n", 1).await.unwrap();
    assert_eq!(old.value, first);
    let error = documents.get("n").await.unwrap_err();
    assert!(matches!(error, Error::Deleted(_)), "{error:?}");
}
