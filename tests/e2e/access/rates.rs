use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::client::{Answer, Ask, Client};
use crate::server::Server;

const TOKENS: &str = r#"
[collections.notes]
[[tokens]]
name = "ann"
secret = "ann-secret"
[[tokens]]
name = "bob"
secret = "bob-secret"
[[tokens]]
name = "reader"
secret = "reader-secret"
rights = ["read"]
"#;

fn by(name: &str, ask: Ask) -> Ask {
    ask.header("Authorization", &format!("Bearer {name}-secret"))
}

/// A rate that gives so many at once, and one more in a long time.
fn slow(class: &str, burst: u32) -> String {
    format!("[rates.{class}]\nper_second = 0.05\nburst = {burst}\n")
}

#[track_caller]
fn must_wait(answer: &Answer, class: &str) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{answer:?}");
    let problem = answer.json();
    assert_eq!(
        (&problem["error"], &problem["limit"]),
        (&json!("RateLimited"), &json!(class))
    );
    let fields = ["ratelimit-policy", "ratelimit"].map(|name| answer.header(name).unwrap());
    assert!(
        fields
            .iter()
            .all(|it| it.starts_with(&format!("\"{class}\";"))),
        "{fields:?}"
    );
    assert!(
        fields[0].contains(";q=") && fields[0].contains(";w="),
        "{fields:?}"
    );
    assert!(fields[1].contains(";r=0;t="), "{fields:?}");
}

#[tokio::test]
async fn reads_writes_and_refusals_are_counted_apart() {
    let rates = [slow("reads", 5), slow("writes", 3), slow("refusals", 4)].concat();
    let server = Server::with_config(&format!("{TOKENS}{rates}"));
    let client = server.client();
    let read = |name: &str| by(name, client.ask("GET", "/api/notes")).send();
    let write = |name: &str| by(name, client.post("/api/notes", "{}")).send();
    for left in (0..5).rev() {
        let answer = read("ann").await;
        assert_eq!(answer.status, 200);
        let told = answer.header("ratelimit").unwrap();
        assert!(
            told.starts_with(&format!("\"reads\";r={left};t=")),
            "{told}"
        );
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"reads\";q=5;w=100")
        );
    }
    must_wait(&read("ann").await, "reads");
    for _ in 0..3 {
        let answer = write("ann").await;
        assert_eq!(answer.status, 201);
        assert!(
            answer
                .header("ratelimit")
                .unwrap()
                .starts_with("\"writes\";")
        );
    }
    must_wait(&write("ann").await, "writes");
    // Others have their own, though they come from the same address.
    assert_eq!(
        (read("bob").await.status, write("bob").await.status),
        (200, 201)
    );
    // What a batch does is a write, and so is a lock.
    must_wait(
        &by("ann", client.post("/api/_batch", r#"{"operations":[]}"#))
            .send()
            .await,
        "writes",
    );
    must_wait(
        &by("ann", client.post("/api/notes/1/lock", "{}"))
            .send()
            .await,
        "writes",
    );
    // Health is nobody's allowance.
    for _ in 0..20 {
        assert_eq!(client.get("/healthz").await.status, 200);
    }
    // Too many refusals end whatever else there might be.
    for _ in 0..4 {
        assert_eq!(
            by("reader", client.post("/api/notes", "{}"))
                .send()
                .await
                .status,
            403
        );
    }
    must_wait(
        &by("reader", client.post("/api/notes", "{}")).send().await,
        "refusals",
    );
    must_wait(&read("reader").await, "refusals");
    assert_eq!(read("bob").await.status, 200);
}

#[tokio::test]
async fn guesses_at_tokens_are_held_up() {
    let server = Server::with_config(&format!("{TOKENS}{}", slow("refusals", 10)));
    let client = server.client();
    let guess = |token: &str| {
        let ask = client.ask("GET", "/api/notes");
        ask.header("Authorization", &format!("Bearer {token}"))
            .send()
    };
    let mut statuses = Vec::new();
    for n in 0..50 {
        statuses.push(guess(&format!("guess-{n}")).await.status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 40]);
    // The right one is not looked at either: else guessing would go on.
    must_wait(&guess("ann-secret").await, "refusals");
}

#[tokio::test]
async fn without_credentials_an_address_is_counted_as_trusted_proxies_tell_it() {
    let rates = slow("reads", 3);
    let read = async |server: &Server, forwarded: &str| {
        let ask = server.client().ask("GET", "/api/notes");
        let ask = match forwarded {
            "" => ask,
            forwarded => ask.header("X-Forwarded-For", forwarded),
        };
        ask.send().await.status
    };
    let plain = Server::with_config(&format!("[collections.notes]\n{rates}"));
    let mut statuses = Vec::new();
    for n in 0..6 {
        // Anybody can write this.
        statuses.push(read(&plain, &format!("198.51.100.{n}")).await);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429, 429]);
    // And a name is what somebody says.
    let named = plain.client().ask("GET", "/api/notes").by("somebody else");
    assert_eq!(named.send().await.status, 429);

    let config = format!("trusted_proxies = [\"127.0.0.1\"]\n[collections.notes]\n{rates}");
    let behind = Server::with_config(&config);
    for _ in 0..3 {
        assert_eq!(read(&behind, "198.51.100.1").await, 200);
    }
    assert_eq!(read(&behind, "198.51.100.1").await, 429);
    assert_eq!(read(&behind, "198.51.100.2").await, 200);
    // What the client itself put there does not count.
    assert_eq!(read(&behind, "203.0.113.7, 198.51.100.1").await, 429);
    assert_eq!(read(&behind, "198.51.100.1:4711").await, 429);
    // Addresses of one household are one.
    for n in 1..=3 {
        assert_eq!(read(&behind, &format!("2001:db8:0:1::{n}")).await, 200);
    }
    assert_eq!(read(&behind, "2001:db8:0:1:ffff::1").await, 429);
    assert_eq!(read(&behind, "2001:db8:0:2::1").await, 200);
}

/// One who asks without end takes nothing from those who keep to their rate.
#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_caller_costs_the_others_nothing() {
    let tokens: String = (0..10)
        .map(|n| format!("[[tokens]]\nname = \"p{n}\"\nsecret = \"p{n}-secret\"\n"))
        .collect();
    let rate = "[rates.reads]\nper_second = 40\nburst = 10\n";
    let server = Server::with_config(&format!("[collections.notes]\n{tokens}{rate}"));
    let until = Instant::now() + Duration::from_millis(2500);
    let greedy = (0..4).map(|_| {
        let client = server.client();
        async move {
            let (mut through, mut refused) = (0, 0);
            while Instant::now() < until {
                match by("p0", client.ask("GET", "/api/notes"))
                    .send()
                    .await
                    .status
                {
                    200 => through += 1,
                    429 => refused += 1,
                    status => panic!("{status}"),
                }
            }
            (through, refused)
        }
    });
    let modest = (1..10).map(|n| {
        let client = server.client();
        let name = format!("p{n}");
        async move {
            let (mut through, mut refused) = (0, 0);
            // Slower than the rate by a fifth.
            let mut pace = tokio::time::interval(Duration::from_millis(31));
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while Instant::now() < until {
                pace.tick().await;
                match by(&name, client.ask("GET", "/api/notes"))
                    .send()
                    .await
                    .status
                {
                    200 => through += 1,
                    429 => refused += 1,
                    status => panic!("{status}"),
                }
            }
            (through, refused)
        }
    });
    let greedy = greedy.map(tokio::spawn).collect::<Vec<_>>();
    let modest = modest.map(tokio::spawn).collect::<Vec<_>>();
    let (greedy, modest) = tokio::join!(join_all(greedy), join_all(modest));
    let greedy = greedy.into_iter().map(Result::unwrap);
    let (through, refused) =
        greedy.fold((0, 0), |sum: (i32, i32), it| (sum.0 + it.0, sum.1 + it.1));
    assert!(
        refused > through,
        "{through} through, {refused} refused: nothing was tested"
    );
    // The burst, and the rate for as long as it took, with room for a slow machine.
    assert!(through <= 10 + 40 * 4, "{through}");
    for (n, one) in modest.into_iter().enumerate() {
        let (through, refused) = one.unwrap();
        assert!(
            through * 10 >= (through + refused) * 9,
            "p{}: {through}, {refused}",
            n + 1
        );
        assert!(through > 0, "p{} never came to ask", n + 1);
    }
}

/// The client waits as long as it is told, and no write is lost or done twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_waits_until_it_may_ask_again() {
    let rates = "[rates.writes]\nper_second = 2\nburst = 2\n";
    let server = Server::with_config(&format!("{TOKENS}{rates}"));
    let client = detente_client::Client::builder(server.url()).token("ann-secret");
    let notes = client
        .build()
        .unwrap()
        .collection::<serde_json::Value>("notes");
    let begun = Instant::now();
    for n in 0..4 {
        notes
            .insert(&n.to_string(), &json!({"n": n}))
            .await
            .unwrap();
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    let list = by(
        "ann",
        Client::new(server.url()).ask("GET", "/api/notes?count=true"),
    );
    assert_eq!(list.send().await.json()["total"], 4);
}
