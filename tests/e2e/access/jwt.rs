use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::signer::{RSA_PUBLIC, SECRET, Signer, encoded};
use super::who::{self, AUDIENCE, ISSUER, claims, now};
use crate::client::{Answer, Client};
use crate::clock::Faked;
use crate::server::{Folder, Server};

fn config(keys: &str) -> String {
    format!(
        "[collections.notes]\n[jwt]\nissuer = {ISSUER:?}\naudience = {AUDIENCE:?}\nleeway_s = 0\n{keys}\n"
    )
}

/// A token of ann, signed under the name of a key.
fn token(signer: &Signer, kid: &str) -> String {
    signer.token_with(&format!(",\"kid\":\"{kid}\""), &claims(&[]))
}

fn set(keys: &[(&Signer, &str)]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|(signer, kid)| signer.jwk(&format!(",\"kid\":\"{kid}\"")))
        .collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

async fn read(client: &Client, token: &str) -> Answer {
    let ask = client.ask("GET", "/api/notes");
    ask.header("Authorization", &format!("Bearer {token}"))
        .send()
        .await
}

/// Lets the server's clock go on by more than a minute. It follows small steps alone, each when somebody
/// asks.
async fn let_a_minute_pass(faked: &Faked, passed: &mut u64) {
    for _ in 0..61 {
        *passed += 1;
        faked.set(&format!("+{passed}s"));
        // It asks what time it is for what looks signed.
        must_be_no_token(&read(&faked.server.client(), "no.bo.dy").await);
    }
}

#[track_caller]
fn must_be_no_token(answer: &Answer) {
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
}

/// A host of keys.
#[derive(Clone, Default)]
struct Host {
    document: Arc<Mutex<String>>,
    fetches: Arc<AtomicUsize>,
    /// Holds up whoever asks, until told.
    is_slow: Arc<AtomicBool>,
    go_on: Arc<Notify>,
}

impl Host {
    fn publish(&self, document: &str) {
        document.clone_into(&mut self.document.lock().unwrap());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn listen(&self, address: SocketAddr) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = self.clone();
        let tell = move || {
            let host = host.clone();
            async move {
                host.fetches.fetch_add(1, Ordering::SeqCst);
                if host.is_slow.load(Ordering::SeqCst) {
                    host.go_on.notified().await;
                }
                host.document.lock().unwrap().clone()
            }
        };
        let router = Router::new().route("/keys", get(tell));
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn keys_in_a_file_are_replaced_while_the_server_runs() {
    let [old, new] = [(); 2].map(|()| Signer::fresh());
    let folder = Folder::with_config(&config("jwks = \"keys.json\""));
    let file = folder.path().join("keys.json");
    std::fs::write(&file, set(&[(&old, "old")])).unwrap();
    let faked = Faked::start_in(folder, "+0");
    let (client, mut passed) = (faked.server.client(), 0);
    assert_eq!(read(&client, &token(&old, "old")).await.status, 200);
    must_be_no_token(&read(&client, &token(&new, "new")).await);
    std::fs::write(&file, set(&[(&old, "old"), (&new, "new")])).unwrap();
    // Nobody makes the server look more than once a minute.
    must_be_no_token(&read(&client, &token(&new, "new")).await);
    let_a_minute_pass(&faked, &mut passed).await;
    assert_eq!(read(&client, &token(&new, "new")).await.status, 200);
    assert_eq!(read(&client, &token(&old, "old")).await.status, 200);
    // A file that is half written changes nothing.
    std::fs::write(&file, "{\"keys\":[").unwrap();
    let_a_minute_pass(&faked, &mut passed).await;
    must_be_no_token(&read(&client, &token(&Signer::fresh(), "third")).await);
    assert_eq!(read(&client, &token(&new, "new")).await.status, 200);
    // What is withdrawn is not believed any more once the keys were looked at.
    std::fs::write(&file, set(&[(&new, "new")])).unwrap();
    let_a_minute_pass(&faked, &mut passed).await;
    must_be_no_token(&read(&client, &token(&Signer::fresh(), "third")).await);
    must_be_no_token(&read(&client, &token(&old, "old")).await);
    assert_eq!(read(&client, &token(&new, "new")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_fetched_once_for_all_who_wait() {
    let (first, second) = (Signer::fresh(), Signer::rs256());
    let host = Host::default();
    host.publish(&set(&[(&first, "1")]));
    let address = host.listen(any_port()).await;
    let keys = format!("jwks = \"http://{address}/keys\"");
    let faked = Faked::start_in(Folder::with_config(&config(&keys)), "+0");
    let (client, mut passed) = (faked.server.client(), 0);
    let all = |token: String| {
        let asks = (0..20).map(|_| {
            let (client, token) = (client.clone(), token.clone());
            async move { read(&client, &token).await.status }
        });
        join_all(asks.collect::<Vec<_>>())
    };
    assert_eq!(all(token(&first, "1")).await, [200; 20]);
    assert_eq!(host.fetches(), 1);
    assert_eq!(all(token(&second, "2")).await, [401; 20]);
    assert_eq!(host.fetches(), 1, "fetched again within a minute");
    host.publish(&set(&[(&first, "1"), (&second, "2")]));
    let_a_minute_pass(&faked, &mut passed).await;
    assert_eq!(all(token(&second, "2")).await, [200; 20]);
    assert_eq!(host.fetches(), 2);
    assert_eq!(all(token(&first, "1")).await, [200; 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_nobody_is_refused_for_good() {
    let signer = Signer::es256();
    // A port on which nobody listens yet.
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let keys = format!("jwks = \"http://{address}/keys\"");
    let config = format!(
        "{}[[tokens]]\nname = \"bob\"\nsecret = \"bob-secret\"\n",
        config(&keys)
    );
    let faked = Faked::start_in(Folder::with_config(&config), "+0");
    let (client, mut passed) = (faked.server.client(), 0);
    let away = read(&client, &token(&signer, "1")).await;
    assert_eq!(
        (away.status, &away.json()["error"]),
        (503, &json!("Unavailable")),
        "{away:?}"
    );
    assert!(away.header("retry-after").is_some(), "{away:?}");
    assert!(!away.text().contains(&address.to_string()), "{away:?}");
    // Those whom the configuration knows come in, and strangers do not.
    assert_eq!(read(&client, "bob-secret").await.status, 200);
    must_be_no_token(&read(&client, "bob-secrets").await);
    let host = Host::default();
    host.publish(&set(&[(&signer, "1")]));
    host.listen(address).await;
    let_a_minute_pass(&faked, &mut passed).await;
    assert_eq!(read(&client, &token(&signer, "1")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_host_holds_up_only_those_whose_key_is_not_known() {
    let (known, unknown) = (Signer::fresh(), Signer::fresh());
    let host = Host::default();
    host.publish(&set(&[(&known, "1")]));
    let address = host.listen(any_port()).await;
    let keys = format!("jwks = \"http://{address}/keys\"");
    let faked = Faked::start_in(Folder::with_config(&config(&keys)), "+0");
    let (client, mut passed) = (faked.server.client(), 0);
    assert_eq!(read(&client, &token(&known, "1")).await.status, 200);
    host.is_slow.store(true, Ordering::SeqCst);
    let_a_minute_pass(&faked, &mut passed).await;
    let waiting = tokio::spawn({
        let (client, token) = (client.clone(), token(&unknown, "2"));
        async move { read(&client, &token).await }
    });
    while host.fetches() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        assert_eq!(read(&client, &token(&known, "1")).await.status, 200);
    }
    assert!(!waiting.is_finished(), "it was to wait for its key");
    host.publish(&set(&[(&known, "1"), (&unknown, "2")]));
    host.go_on.notify_waiters();
    assert_eq!(waiting.await.unwrap().status, 200);
}

/// Whatever credentials opened ends with them.
#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let folder = Folder::with_config(&config("key = \"key\"\nalgorithm = \"HS256\""));
    std::fs::write(folder.path().join("key"), SECRET).unwrap();
    let server = Server::start_in(folder);
    let short = Signer::hs256().token(&claims(&[("exp", json!(now() + 3))]));
    let long = Signer::hs256().token(&claims(&[]));
    let open = async |token: &str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = http.get(format!("{}/api/_changes?since=0", server.url()));
        let ask = ask.header("Accept", "text/event-stream");
        let ask = ask.header("Authorization", format!("Bearer {token}"));
        let response = ask.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response
    };
    let (mut ends, mut goes_on) = (open(&short).await, open(&long).await);
    let begun = Instant::now();
    let limit = Duration::from_secs(20);
    while let Some(chunk) = tokio::time::timeout(limit, ends.chunk())
        .await
        .unwrap()
        .unwrap()
    {
        assert!(!String::from_utf8_lossy(&chunk).contains("event: change"));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    must_be_no_token(&read(&server.client(), &short).await);
    let put = server.client().put("/api/notes/1", "{}");
    let put = put
        .header("Authorization", &format!("Bearer {long}"))
        .send()
        .await;
    assert_eq!((put.status, put.json()), (201, json!({})));
    let mut told = String::new();
    while !told.contains("event: change") {
        let chunk = tokio::time::timeout(limit, goes_on.chunk())
            .await
            .unwrap()
            .unwrap();
        told += std::str::from_utf8(&chunk.expect("the other stream goes on")).unwrap();
    }
}

#[tokio::test]
async fn a_public_key_signs_nothing() {
    let folder = Folder::with_config(&config("key = \"key.pem\"\nalgorithm = \"RS256\""));
    std::fs::write(folder.path().join("key.pem"), RSA_PUBLIC).unwrap();
    let server = Server::start_in(folder);
    let client = server.client();
    let signer = Signer::rs256();
    assert_eq!(read(&client, &signer.token(&claims(&[]))).await.status, 200);
    let as_secret = Signer::Hs256(RSA_PUBLIC.to_vec());
    let text = String::from_utf8(RSA_PUBLIC.to_vec()).unwrap();
    let trimmed = Signer::Hs256(text.trim().as_bytes().to_vec());
    let good = signer.token(&claims(&[]));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, body) = signed.split_once('.').unwrap();
    let root = encoded(claims(&[("sub", json!("root"))]));
    let mut forged = vec![
        as_secret.token(&claims(&[])),
        trimmed.token(&claims(&[])),
        as_secret.signed(r#"{"alg":"RS256"}"#, &claims(&[])),
        format!("{header}.{root}.{signature}"),
        format!("{header}.{body}."),
        format!("{header}.{body}"),
        format!("{signed}.{}", encoded(b"signature")),
        Signer::es256().token(&claims(&[])),
        Signer::fresh().token(&claims(&[])),
    ];
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = encoded(format!(r#"{{"alg":"{none}"}}"#));
        forged.push(format!("{header}.{body}."));
        forged.push(format!("{header}.{body}.{signature}"));
    }
    // A key that comes with the token is no key of ours.
    let own = Signer::fresh();
    let jwk: Value = serde_json::from_str(&own.jwk("")).unwrap();
    forged.push(own.token_with(&format!(",\"jwk\":{jwk}"), &claims(&[])));
    forged.push(signer.token_with(",\"crit\":[\"exp\"]", &claims(&[])));
    for token in &forged {
        must_be_no_token(&read(&client, token).await);
    }
    // A name that could not be shown, and claims that are none.
    for (claim, value) in [
        ("sub", json!("a\nb")),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("exp", json!("soon")),
        ("aud", json!(["x", "y"])),
        ("roles", json!({"admin": true})),
    ] {
        must_be_no_token(&read(&client, &signer.token(&claims(&[(claim, value)]))).await);
    }
}

/// Rights and spaces can stand in the token.
#[tokio::test]
async fn rights_come_from_claims() {
    let keys = "key = \"key\"\nalgorithm = \"HS256\"\nrights_claim = \"scope\"\nrights_prefix = \"detente:\"\n\
                spaces_claim = \"/org/spaces\"";
    let folder = Folder::with_config(&config(keys));
    std::fs::write(folder.path().join("key"), SECRET).unwrap();
    let server = Server::start_in(folder);
    let client = server.client();
    let status = async |more: &[(&str, Value)], method: &str, path: &str| {
        let token = Signer::hs256().token(&claims(more));
        let ask = match method {
            "GET" => client.ask("GET", path),
            method => client.ask(method, path).json("{}"),
        };
        ask.header("Authorization", &format!("Bearer {token}"))
            .send()
            .await
            .status
    };
    let spaces = ("org", json!({"spaces": ["default"]}));
    let with = |scope: Value| [("scope", scope), spaces.clone()];
    let cases = [
        (json!(["detente:read", "detente:create"]), 200, 201),
        (json!("detente:read openid"), 200, 403),
        (json!(["read", "create"]), 403, 403),
        (json!(["detente:all:notes"]), 200, 201),
        (json!(["detente:all:other"]), 403, 403),
        (json!([]), 403, 403),
    ];
    for (scope, reads, creates) in cases {
        let more = with(scope.clone());
        assert_eq!(status(&more, "GET", "/api/notes").await, reads, "{scope}");
        assert_eq!(
            status(&more, "POST", "/api/notes").await,
            creates,
            "{scope}"
        );
        let elsewhere = status(&more, "GET", "/spaces/other/api/notes").await;
        assert_eq!(elsewhere, 403, "{scope}");
    }
    // Without the claims there is nothing that they allow.
    let bare = [("scope", json!("detente:all"))];
    assert_eq!(status(&bare, "GET", "/api/notes").await, 403);
    let _ = who::now();
}
