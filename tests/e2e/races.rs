use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::Barrier;

use crate::client::{Answer, Client};
use crate::server::Server;

/// Clients with a connection each, warm.
pub(crate) async fn crowd(server: &Server, count: usize) -> Vec<Client> {
    let clients: Vec<_> = (0..count).map(|_| server.client()).collect();
    join_all(clients.iter().map(|client| client.get("/healthz"))).await;
    clients
}

/// Has every client do its request at the same time.
pub(crate) async fn at_once<F: Future<Output = Answer> + Send + 'static>(
    clients: &[Client],
    request: impl Fn(usize, Client) -> F,
) -> Vec<Answer> {
    let gate = Arc::new(Barrier::new(clients.len()));
    let tasks = clients.iter().enumerate().map(|(n, client)| {
        let (gate, request) = (Arc::clone(&gate), request(n, client.clone()));
        tokio::spawn(async move {
            gate.wait().await;
            request.await
        })
    });
    join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

pub(crate) fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_writers_with_one_tag_one_is_applied() {
    let server = Server::start();
    let clients = crowd(&server, 32).await;
    let mut tag = clients[0]
        .create("/api/documents/1", r#"{"writer":-1}"#)
        .await;
    for round in 0..300 {
        let answers = at_once(&clients, |n, client| {
            let tag = tag.clone();
            async move {
                let body = format!(r#"{{"round":{round},"writer":{n}}}"#);
                client
                    .put("/api/documents/1", &body)
                    .if_match(&tag)
                    .send()
                    .await
            }
        })
        .await;
        assert_eq!(
            (count(&answers, 200), count(&answers, 409)),
            (1, 31),
            "round {round}"
        );
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        let stored = clients[0].get("/api/documents/1").await;
        assert_eq!(
            (&stored.body, stored.tag()),
            (&winner.body, winner.tag()),
            "round {round}"
        );
        for loser in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(
                loser.json()["current"],
                winner.json(),
                "the refusal shows the winner's"
            );
        }
        tag = winner.tag();
    }
}

/// The same with bodies that are equal to the byte: an intent is not its outcome.
#[tokio::test(flavor = "multi_thread")]
async fn of_32_writers_with_one_tag_and_one_body_one_is_applied() {
    let server = Server::start();
    let clients = crowd(&server, 32).await;
    let mut tag = clients[0]
        .create("/api/documents/1", r#"{"stock":50}"#)
        .await;
    for round in 0..50 {
        let answers = at_once(&clients, |_, client| {
            let tag = tag.clone();
            async move {
                let body = format!(r#"{{"stock":{}}}"#, 49 - round);
                client
                    .put("/api/documents/1", &body)
                    .if_match(&tag)
                    .send()
                    .await
            }
        })
        .await;
        assert_eq!(count(&answers, 200), 1, "round {round}");
        tag = answers
            .iter()
            .find(|answer| answer.status == 200)
            .unwrap()
            .tag();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_creates_with_one_name_or_one_key_one_is_applied() {
    let server = Server::with_config(
        "[collections.users]\n[[collections.users.unique]]\nname = \"email\"\nfields = [\"/email\"]\nignore_case = true\n",
    );
    let clients = crowd(&server, 32).await;
    for round in 0..20 {
        let answers = at_once(&clients, |n, client| async move {
            let body = format!(r#"{{"email":"Ann{round}@x.org","n":{n}}}"#);
            client.post("/api/users", &body).send().await
        })
        .await;
        assert_eq!(
            (count(&answers, 201), count(&answers, 409)),
            (1, 31),
            "round {round}"
        );
        let winner = answers.iter().find(|answer| answer.status == 201).unwrap();
        let id = winner
            .header("location")
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        for loser in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(loser.json()["existing"]["id"], id, "round {round}");
        }
        let answers = at_once(&clients, |n, client| async move {
            let path = format!("/api/users/r{round}");
            client
                .put(&path, &format!(r#"{{"n":{n}}}"#))
                .header("If-None-Match", "*")
                .send()
                .await
        })
        .await;
        assert_eq!(
            (count(&answers, 201), count(&answers, 412)),
            (1, 31),
            "round {round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_16_deployments_one_begins() {
    let server = Server::with_config(
        "[collections.deployments]\n[[collections.deployments.unique]]\nname = \"one\"\nfields = [\"/environment\"]\n\
         where = \"self.status in ['pending', 'running']\"\nerror = \"DeploymentInProgress\"\n",
    );
    let clients = crowd(&server, 16).await;
    for round in 0..20 {
        let answers = at_once(&clients, |_, client| async move {
            client
                .post(
                    "/api/deployments",
                    r#"{"environment":"prod","status":"pending"}"#,
                )
                .send()
                .await
        })
        .await;
        assert_eq!(
            (count(&answers, 201), count(&answers, 409)),
            (1, 15),
            "round {round}"
        );
        let winner = answers.iter().find(|answer| answer.status == 201).unwrap();
        let done =
            clients[0].merge_patch(winner.header("location").unwrap(), r#"{"status":"done"}"#);
        assert_eq!(done.if_match("*").send().await.status, 200);
    }
}

/// Reads, edits and writes until it is through; `None` from `edit` gives up.
async fn retry(client: &Client, path: &str, edit: impl Fn(&Value) -> Option<Value>) -> bool {
    let mut current = client.get(path).await;
    let mut tag = current.tag();
    let mut document = current.json();
    loop {
        let Some(edited) = edit(&document) else {
            return false;
        };
        current = client
            .put(path, &edited.to_string())
            .if_match(&tag)
            .send()
            .await;
        match current.status {
            200 => return true,
            409 if current.json()["error"] == "UpdateConflict" => {
                tag = current.tag();
                document = current.json()["current"].clone();
            }
            _ => panic!("{current:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_takers_5_get_one_of_5() {
    let server = Server::with_config(
        "[collections.products]\n[[collections.products.rules]]\nname = \"OutOfStock\"\ncheck = \"self.stock >= 0\"\n",
    );
    let clients = crowd(&server, 32).await;
    clients[0]
        .create("/api/products/tea", r#"{"stock":5}"#)
        .await;
    let takes = clients.iter().map(|client| async {
        retry(client, "/api/products/tea", |product| {
            let stock = product["stock"].as_i64().unwrap();
            (stock > 0).then(|| serde_json::json!({"stock": stock - 1}))
        })
        .await
    });
    let taken = join_all(takes)
        .await
        .into_iter()
        .filter(|taken| *taken)
        .count();
    assert_eq!(taken, 5);
    assert_eq!(
        clients[0].get("/api/products/tea").await.text(),
        r#"{"stock":0}"#
    );
    let oversold = clients[0]
        .put("/api/products/tea", r#"{"stock":-1}"#)
        .if_match("*")
        .send()
        .await;
    assert_eq!(oversold.json()["error"], "OutOfStock");
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_of_16_clients_add_up() {
    let server = Server::start();
    let clients = crowd(&server, 16).await;
    clients[0].create("/api/counters/1", r#"{"n":0}"#).await;
    let tasks = clients.iter().cloned().map(|client| {
        tokio::spawn(async move {
            for _ in 0..200 {
                let increment = |counter: &Value| {
                    Some(serde_json::json!({"n": counter["n"].as_i64().unwrap() + 1}))
                };
                assert!(retry(&client, "/api/counters/1", increment).await);
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(
        clients[0].get("/api/counters/1").await.text(),
        r#"{"n":3200}"#
    );
    let history = clients[0].get("/api/counters/1/versions/3201").await;
    assert_eq!(history.text(), r#"{"n":3200}"#);
}

/// The window is opened on purpose: the request is there but for its last byte while another commits.
#[tokio::test]
async fn a_request_that_ends_after_anothers_commit_is_refused() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create("/api/documents/1", r#"{"a":1}"#).await;
    for (method, media_type, body) in [
        ("PUT", "application/json", r#"{"a":2}"#),
        ("PATCH", "application/merge-patch+json", r#"{"a":2}"#),
        (
            "PATCH",
            "application/json-patch+json",
            r#"[{"op":"replace","path":"/a","value":2}]"#,
        ),
    ] {
        let tag = client.get("/api/documents/1").await.tag();
        let mut held = TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "{method} /api/documents/1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n\
             If-Match: {tag}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let (most, last) = body.split_at(body.len() - 1);
        held.write_all(head.as_bytes()).unwrap();
        held.write_all(most.as_bytes()).unwrap();
        let saved = client
            .put("/api/documents/1", r#"{"a":3}"#)
            .if_match(&tag)
            .send()
            .await;
        assert_eq!(saved.status, 200);
        held.write_all(last.as_bytes()).unwrap();
        let mut answer = String::new();
        held.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 409 "),
            "{method} {media_type}: {answer}"
        );
        assert_eq!(client.get("/api/documents/1").await.text(), r#"{"a":3}"#);
    }
    assert_ne!(client.get("/api/documents/1").await.tag(), tag);
}
