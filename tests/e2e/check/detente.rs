use serde_json::{Value, json};

use super::tester::{Tester, probe};
use crate::server::Server;

const CONFIG: &str = r#"
cors_origins = ["*"]

[collections.notes]

[[collections.users.unique]]
name = "email"
fields = ["/email"]

[[collections.products.rules]]
name = "OutOfStock"
check = "self.stock >= 0"
message = "none is left"
"#;

/// What a collection holds, but for what moves with every write.
async fn contents(server: &Server, collection: &str) -> Vec<(Value, Value)> {
    let list = server.client().get(&format!("/api/{collection}")).await;
    let items = list.json()["items"].as_array().cloned().unwrap();
    items
        .into_iter()
        .map(|item| (item["id"].clone(), item["data"].clone()))
        .collect()
}

/// Detente examined by itself, in each way there is: nothing found, and nothing left behind.
#[tokio::test(flavor = "multi_thread")]
async fn detente_loses_nothing_and_is_left_as_it_was() {
    let server = Server::with_config(CONFIG);
    // Its spaces are a part of what is there.
    let (user, product) = (
        r#"{"name": "Ann",  "email": "ann@example.org"}"#,
        r#"{ "name":"Hat", "stock": 5 }"#,
    );
    let tester = Tester::new();
    tester.write(
        "user.json",
        r#"{"name": "{{nonce}}", "email": "{{nonce}}@example.org"}"#,
    );
    tester.write("product.json", r#"{"name": "{{nonce}}", "stock": 3}"#);
    let create_user: &[&str] = &["--create", "POST /api/users", "--body", "user.json"];
    let create_product: &[&str] = &["--create", "POST /api/products", "--body", "product.json"];
    let both = json!(["HTTP/1.1", "HTTP/2"]);
    // (collection, body, arguments, what is judged among others, protocols)
    type Case<'a> = (&'a str, &'a str, Vec<&'a str>, &'a [&'a str], Value);
    let cases: Vec<Case<'_>> = vec![
        (
            "notes",
            product,
            vec![],
            &["A7", "B7", "D9", "D16"],
            both.clone(),
        ),
        (
            "users",
            user,
            [create_user, &["--unique", "/email", "--idempotency"]].concat(),
            &["B7", "D3", "D4", "D5", "D9", "D10", "D14"],
            both.clone(),
        ),
        (
            "products",
            product,
            create_product.to_vec(),
            &["D14"],
            both.clone(),
        ),
        (
            "products",
            product,
            [create_product, &["--stock", "/stock"]].concat(),
            &["D8"],
            both.clone(),
        ),
        (
            "notes",
            product,
            vec!["--http", "1.1"],
            &["D2"],
            json!(["HTTP/1.1"]),
        ),
        (
            "notes",
            product,
            vec!["--http", "2"],
            &["D2"],
            json!(["HTTP/2"]),
        ),
    ];
    for (collection, body, options, judged, protocols) in cases {
        let path = format!("/api/{collection}/one");
        let client = server.client();
        let there = client.get(&path).await;
        if there.status == 404 {
            client.create(&path, body).await;
        }
        let before = (
            client.get(&path).await.body,
            contents(&server, collection).await,
        );
        let url = format!("{}{path}", server.url());
        let mut arguments = vec![&*url, "--writers", "2,32", "--rounds", "3"];
        arguments.extend(&options);
        let (run, report) = tester.check(&arguments);

        assert_eq!(run.code, 0, "{options:?}: {run}");
        assert_eq!(report["grade"], "A+", "{options:?}: {run}");
        assert_eq!(report["protocols"], protocols, "{options:?}");
        for id in ["D1", "D15"] {
            assert_eq!(
                probe(&report, id)["verdict"],
                "pass",
                "{options:?}: {id}: {run}"
            );
        }
        for id in judged {
            let probe = probe(&report, id);
            // On a busy machine the few small races may not meet, and that is said.
            let is_open = probe["verdict"] == "inconclusive" && probe["overlapping"] == 0;
            assert!(
                is_open || probe["verdict"] == "pass",
                "{options:?}: {id}: {run}"
            );
        }
        assert!(
            probe(&report, "D1")["overlapping"].as_u64() > Some(0),
            "{options:?}: {run}"
        );
        let after = (
            client.get(&path).await.body,
            contents(&server, collection).await,
        );
        assert_eq!(
            String::from_utf8_lossy(&after.0),
            String::from_utf8_lossy(&before.0),
            "{options:?}"
        );
        assert_eq!(after.1, before.1, "{options:?}");
    }
}

/// Two resources cannot hold one address. Who does not know that is not told that races are lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_unique_key_that_the_tester_was_not_told_of_is_no_finding() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    client
        .put(
            "/api/users/one",
            r#"{"name":"Ann","email":"ann@example.org"}"#,
        )
        .send()
        .await;
    let url = format!("{}/api/users/one", server.url());
    let (run, report) = Tester::new().check(&[&url, "--writers", "2", "--rounds", "3"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(probe(&report, "D1")["verdict"], "pass", "{run}");
    assert_eq!(contents(&server, "users").await.len(), 1);
}

/// The same promises for bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_as_safe_as_a_document() {
    let server = Server::start();
    let client = server.client();
    let path = "/files/shared/plan.txt";
    let put = client.ask("PUT", path).body("text/plain", "a plan");
    assert_eq!(put.send().await.status, 201);
    let url = format!("{}{path}", server.url());
    let (run, report) = Tester::new().check(&[&url]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert_eq!(report["grade"], "A+", "{}", run.out);
    assert_eq!(client.get(path).await.text(), "a plan");
}
