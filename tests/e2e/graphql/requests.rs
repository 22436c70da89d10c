use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, data, error};
use crate::check::tester::Tester;
use crate::server::Server;

const CONFIG: &str = r#"
[collections.products]
schema = { type = "object", additionalProperties = false, required = ["name"], properties = { name = { type = "string" }, stock = { type = "integer" }, status = { enum = ["OPEN", "SHIPPED"] }, size = { type = "object", additionalProperties = false, properties = { width = { type = "number" } } } } }
[collections.notes]
unconditional_writes = "allow"
[collections.staff]
graphql_type = "Employee"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_has_one_answer_by_either_media_type() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let cases = [
        // (accept, query, status, media type)
        (
            "application/json",
            "{ __typename }",
            200,
            "application/json; charset=utf-8",
        ),
        (
            "*/*",
            "{ __typename }",
            200,
            "application/json; charset=utf-8",
        ),
        (
            "application/graphql-response+json",
            "{ __typename }",
            200,
            "application/graphql-response+json; charset=utf-8",
        ),
        (
            "application/graphql-response+json, application/json;q=0.9",
            "{ nothing }",
            400,
            "application/graphql-response+json; charset=utf-8",
        ),
        (
            "application/json",
            "{ nothing }",
            200,
            "application/json; charset=utf-8",
        ),
    ];
    for (accept, query, status, media_type) in cases {
        let post = client.post("/graphql", &json!({"query": query}).to_string());
        let answer = post.header("Accept", accept).send().await;
        assert_eq!(answer.status, status, "{accept} {query}");
        assert_eq!(answer.header("content-type"), Some(media_type));
        let get = client.ask("GET", "/graphql?query=%7B%20__typename%20%7D");
        assert_eq!(get.header("Accept", accept).send().await.status, 200);
    }
    let by_get = client.get("/graphql?query=mutation%7Bcreate").await;
    assert_eq!(
        by_get.json()["errors"][0]["extensions"]["code"],
        "GRAPHQL_PARSE_FAILED"
    );
    let mutation = "/graphql?query=mutation%7BcreateNote(data%3A%7B%7D)%7Bid%7D%7D";
    let refused = client.get(mutation).await;
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("POST"))
    );
    assert_eq!(client.get("/api/notes").await.json()["items"], json!([]));
    // Bodies that pages of any origin can send, and batches of operations.
    for (media_type, body, status) in [
        ("text/plain", r#"{"query": "{ __typename }"}"#, 415),
        (
            "application/x-www-form-urlencoded",
            "query=%7B__typename%7D",
            415,
        ),
        ("application/json", r#"[{"query": "{ __typename }"}]"#, 400),
        ("application/json", r#"{"query": 5}"#, 400),
        (
            "application/json",
            r#"{"query": "{ __typename }", "variables": []}"#,
            400,
        ),
        ("application/json", "{", 400),
        ("application/json", "", 400),
    ] {
        let post = client.ask("POST", "/graphql").body(media_type, body);
        assert_eq!(post.send().await.status, status, "{media_type} {body}");
    }
    for field in ["If-Match", "Lock-Token", "Idempotency-Key"] {
        let post = client.post("/graphql", r#"{"query": "{ __typename }"}"#);
        let refused = post.header(field, "\"a\"").send().await;
        assert_eq!(refused.status, 400, "{field}");
        assert!(
            refused.json()["detail"]
                .as_str()
                .unwrap()
                .contains("arguments of a field")
        );
    }
    let spaces = client.post(
        "/spaces/x/graphql",
        r#"{"query": "mutation { createNote(id: 1, data: {}) { id } }"}"#,
    );
    assert_eq!(spaces.send().await.json()["data"]["createNote"]["id"], "1");
    assert_eq!(client.get("/spaces/x/api/notes/1").await.status, 200);
    assert_eq!(client.get("/api/notes/1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_listed_and_written_by_fields() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    for n in 0..25 {
        let made = data(
            &client,
            "mutation($data: ProductInput!, $id: ID) { createProduct(data: $data, id: $id) { id version etag
                data { name stock status } json outcome { isCreated isReplayed merged { baseVersion } } } }",
            json!({"id": format!("p{n:02}"), "data": {"name": format!("n{n}"), "stock": n % 5, "size": {"width": 1.5}}}),
        )
        .await;
        let made = &made["createProduct"];
        assert_eq!(
            made["data"],
            json!({"name": format!("n{n}"), "stock": n % 5, "status": null})
        );
        assert_eq!(
            made["outcome"],
            json!({"isCreated": true, "isReplayed": false, "merged": null})
        );
        let read = client.get(&format!("/api/products/p{n:02}")).await;
        assert_eq!(made["etag"], read.tag());
        assert_eq!(made["json"], read.json());
    }
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = data(
            &client,
            "query($after: String) { products(first: 7, after: $after, sort: [\"stock\", \"-_id\"], where: {stock: {le: 3}}) {
                totalCount edges { cursor node { id data { stock size { width } } } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }",
            json!({"after": after}),
        )
        .await;
        let page = &page["products"];
        assert_eq!(page["totalCount"], 20);
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        let edges = page["edges"].as_array().unwrap();
        assert_eq!(
            page["pageInfo"]["endCursor"],
            edges[edges.len() - 1]["cursor"]
        );
        for edge in edges {
            assert_eq!(edge["node"]["data"]["size"]["width"], 1.5);
            seen.push(edge["node"]["id"].as_str().unwrap().to_owned());
        }
        // On from the middle of a page.
        after = match page["pageInfo"]["hasNextPage"] == true || edges.len() > 3 {
            true if edges.len() > 3 => {
                seen.truncate(seen.len() - edges.len() + 3);
                edges[2]["cursor"].clone()
            }
            _ => break,
        };
    }
    let rest = client
        .get("/api/products?sort=stock,-_id&stock.le=3&limit=1000")
        .await
        .json();
    let listed: Vec<_> = rest["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(seen, listed);
    let nothing = data(&client, "{ product(id: \"none\") { id } productVersions(id: \"none\") { nodes { id } } conflict(id: \"x\") { edit } }", json!({})).await;
    assert_eq!(
        nothing,
        json!({"product": null, "productVersions": null, "conflict": null})
    );
    // A collection that is called as somebody chose.
    data(
        &client,
        "mutation { createEmployee(id: 1, data: {n: 1.50}) { id } }",
        json!({}),
    )
    .await;
    let answer = ask(&client, "{ employee(id: 1) { json data __typename } staff(where: {n: {eq: 1.5}}) { nodes { version } } }", json!({})).await;
    assert_eq!(
        answer.text().trim_end(),
        r#"{"data":{"employee":{"json":{"n":1.50},"data":{"n":1.50},"__typename":"Employee"},"staff":{"nodes":[{"version":1}]}}}"#
    );
    // Deleted and made again, its versions go on.
    data(&client, "mutation { deleteProduct(id: \"p00\", ifMatch: \"*\") { version outcome { isReplayed } } }", json!({})).await;
    let again = data(&client, "mutation { createProduct(id: \"p00\", data: {name: \"again\"}) { version } product: deleteProduct(id: \"p01\", ifMatch: \"*\") { version } }", json!({})).await;
    assert_eq!(
        again,
        json!({"createProduct": {"version": 3}, "product": {"version": 2}})
    );
    let versions = data(&client, "{ productVersions(id: \"p00\", first: 2) { nodes { version isDeletion json data { name } etag } pageInfo { hasNextPage endCursor } } }", json!({})).await;
    let versions = &versions["productVersions"];
    assert_eq!(versions["nodes"][1]["isDeletion"], true);
    assert_eq!(versions["nodes"][1]["etag"], Value::Null);
    assert_eq!(
        versions["pageInfo"],
        json!({"hasNextPage": true, "endCursor": "2"})
    );
    // What is wrong is told as by REST, and nothing is written.
    for (query, code, status) in [
        (
            "mutation { createNote(id: \"a/b\\u0000\", data: {}) { id } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "mutation { createNote(id: 9, data: [1]) { id } }",
            "VALIDATION_FAILED",
            422,
        ),
        (
            "mutation { patchNote(id: 9, patch: {a: 1}) { id } }",
            "NOT_FOUND",
            404,
        ),
        (
            "mutation { replaceNote(id: 9, ifMatch: \"abc\", data: {}) { id } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "mutation { replaceNote(id: 9, lockToken: \"\", data: {}) { id } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "mutation { createNote(idempotencyKey: \"\", data: {}) { id } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "{ products(sort: [\"name,stock\"]) { nodes { id } } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "{ products(after: \"x\") { nodes { id } } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "{ products(sort: [\"nme\"]) { nodes { id } } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "{ notes(where: {a: {near: 1}}) { nodes { id } } }",
            "MALFORMED_REQUEST",
            400,
        ),
        (
            "{ conflicts(since: \"x\") { nodes { id } } }",
            "MALFORMED_REQUEST",
            400,
        ),
    ] {
        let error = error(&client, query, json!({})).await;
        assert_eq!(error["extensions"]["code"], code, "{query}: {error:#}");
        assert_eq!(error["extensions"]["status"], status, "{query}");
        assert_eq!(error["extensions"]["problem"]["status"], status, "{query}");
        assert_eq!(error["message"], error["extensions"]["problem"]["detail"]);
    }
    assert_eq!(client.get("/api/notes").await.json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_too_much_is_refused_in_little_time_and_memory() {
    let server = Server::with_config(&format!(
        "{CONFIG}\n[graphql]\nmax_depth = 6\nmax_complexity = 2000\nmax_aliases = 20\nmax_response_bytes = 100000\nintrospection = false\n"
    ));
    let client = server.client();
    let long = "x".repeat(60_000);
    for id in ["1", "2"] {
        client
            .create(
                &format!("/api/notes/{id}"),
                &json!({"text": long}).to_string(),
            )
            .await;
    }
    let doubled = |levels: usize| {
        let mut text = "{ notes { ...F0 } }".to_owned();
        for n in 0..levels {
            let next = n + 1;
            text +=
                &format!(" fragment F{n} on NoteConnection {{ ...F{next} ... {{ ...F{next} }} }}");
        }
        text + &format!(" fragment F{levels} on NoteConnection {{ totalCount }}")
    };
    let many = |count: usize, field: &str| {
        let fields: Vec<_> = (0..count).map(|n| format!("a{n}: {field}")).collect();
        format!("{{ {} }}", fields.join(" "))
    };
    let bombs = [
        (many(21, "note(id: 1) { json }"), "QUERY_TOO_COSTLY"),
        (many(500, "__typename"), "QUERY_TOO_COSTLY"),
        (many(20_000, "__typename"), "GRAPHQL_PARSE_FAILED"),
        ("{ notes(first: 1000) { nodes { id version } } }".into(), "QUERY_TOO_COSTLY"),
        ("{ notes(first: 100) { nodes { conflicts(first: 100) { id } } } }".into(), "QUERY_TOO_COSTLY"),
        ("{ notes { edges { node { conflicts { a: id } } } pageInfo { x: hasNextPage } } products { edges { node { data { size { width } } } } } }".into(), "QUERY_TOO_COSTLY"),
        (doubled(60), "QUERY_TOO_COSTLY"),
        ("{".repeat(50_000), "GRAPHQL_PARSE_FAILED"),
        (format!("{{ notes(where: {}1{}) {{ totalCount }} }}", "[".repeat(10_000), "]".repeat(10_000)), "GRAPHQL_PARSE_FAILED"),
        ("{ __schema { types { name } } }".into(), "GRAPHQL_VALIDATION_FAILED"),
        // Nothing is too much by itself here, but all of it is.
        (many(2, "note(id: 1) { json }"), "QUERY_TOO_COSTLY"),
    ];
    for (query, code) in bombs {
        let begun = Instant::now();
        let answer = ask(&client, &query, json!({})).await.json();
        let shown: String = query.chars().take(80).collect();
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], code,
            "{shown}: {answer}"
        );
        // A minute would be no bound; this one leaves room for a machine that does much else.
        assert!(begun.elapsed() < Duration::from_secs(10), "{shown}");
        assert!(answer["data"].is_null(), "{shown}");
    }
    let fine = data(&client, "{ note(id: 1) { version } __typename }", json!({})).await;
    assert_eq!(fine["__typename"], "Query");
}

/// One read of the store for the list, and one for the conflicts of all that is in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_conflicts_takes_two_reads() {
    let server = Server::with_config("[collections.notes]\n");
    let client = server.client();
    for n in 0..100 {
        let path = format!("/api/notes/{n:03}");
        let tag = client.create(&path, r#"{"a":1}"#).await;
        client.put(&path, r#"{"a":2}"#).if_match(&tag).send().await;
        for value in 3..(3 + n % 3) {
            let stale = client
                .put(&path, &format!(r#"{{"a":{value}}}"#))
                .if_match(&tag)
                .send()
                .await;
            assert_eq!(stale.status, 409);
        }
    }
    let reads = || async {
        let metrics = client.get("/metrics").await.text().to_owned();
        let lines = metrics
            .lines()
            .filter(|it| it.starts_with("detente_store_reads_total"));
        lines
            .map(|it| it.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum::<f64>()
    };
    let before = reads().await;
    let page = data(
        &client,
        "{ notes(first: 100) { nodes { id json conflicts(first: 1) { kind at } } edges { node { conflicts(first: 1) { by } } } } }",
        json!({}),
    )
    .await;
    let after = reads().await;
    assert_eq!(after - before, 2.0, "reads of the store");
    let nodes = page["notes"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 100);
    for (n, node) in nodes.iter().enumerate() {
        let conflicts = node["conflicts"].as_array().unwrap();
        assert_eq!(conflicts.len(), usize::from(n % 3 > 0), "{node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_can_leave_it_out_and_print_its_schema() {
    let server = Server::with_config("[graphql]\nenabled = false\n[collections.notes]\n");
    let refused = server
        .client()
        .post("/graphql", r#"{"query": "{ __typename }"}"#);
    assert_eq!(refused.send().await.status, 404);
    let tester = Tester::new();
    tester.write("detente.toml", CONFIG);
    let printed = tester.run(&["config", "graphql", "detente.toml"]);
    assert!(
        printed.code == 0 && printed.out.contains("replaceProduct("),
        "{printed}"
    );
    let clashes =
        "[collections.note]\n[collections.notes]\n[collections.x]\ngraphql_type = \"1\"\n";
    tester.write("detente.toml", clashes);
    let told = tester.run(&["config", "check", "detente.toml"]);
    for part in [
        "detente.toml:2:14: collections.notes: its GraphQL name Note is that of note; say graphql_type",
        "detente.toml:4:16: collections.x: \"1\" is no name that GraphQL has",
    ] {
        assert!(told.errors.contains(part), "{told}");
    }
    // Who says nothing of GraphQL need not do without the server, and is told.
    tester.write("detente.toml", "[collections.note]\n[collections.notes]\n");
    for command in ["check", "graphql"] {
        let told = tester.run(&["config", command, "detente.toml"]);
        assert!(
            told.to_string()
                .contains("its GraphQL name Note is that of note"),
            "{told}"
        );
    }
    tester.write("detente.toml", "[graphql]\nenabled = false\n");
    let told = tester.run(&["config", "graphql", "detente.toml"]);
    assert!(
        told.code == 2 && told.errors.contains("graphql.enabled is false"),
        "{told}"
    );
    let server = Server::with_config("[collections.note]\n[collections.notes]\n");
    let client = server.client();
    client.create("/api/notes/1", "{}").await;
    let refused = client
        .post("/graphql", r#"{"query": "{ __typename }"}"#)
        .send()
        .await;
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("say graphql_type"), "{detail}");
}
