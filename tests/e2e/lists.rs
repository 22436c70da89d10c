use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Folder, Server};

async fn ids(client: &Client, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/api/products?{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{query}: {page:?}");
        let page = page.json();
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

async fn fill(client: &Client) {
    let documents = [
        ("a", r#"{"stock":3,"status":"paid","city":{"name":"Bonn"}}"#),
        ("b", r#"{"stock":10,"status":"draft"}"#),
        (
            "c",
            r#"{"stock":1.5,"status":"paid","city":{"name":"Ulm"}}"#,
        ),
        ("d", r#"{"stock":"none","status":null}"#),
        ("e", r#"{"status":"paid","code":"7"}"#),
    ];
    for (id, body) in documents {
        client.create(&format!("/api/products/{id}"), body).await;
    }
    client.create("/api/products/gone", "{}").await;
    client
        .ask("DELETE", "/api/products/gone")
        .if_match("*")
        .send()
        .await;
    client.create("/api/productsx/f", "{}").await;
}

async fn check_queries(client: &Client) {
    let cases = [
        ("", "a b c d e"),
        ("status=paid", "a c e"),
        ("status=paid&stock.lt=5", "a c"),
        ("stock.ge=3", "a b"),
        ("stock.gt=1&stock.lt=3", "c"),
        ("stock=none", "d"),
        ("status.ne=paid", "b d"),
        ("status.in=draft,paid", "a b c e"),
        ("status=null", "d"),
        ("stock.exists=false", "e"),
        ("%2Fcity%2Fname=Ulm", "c"),
        ("/city/name.in=Ulm,Bonn", "a c"),
        ("code=7", "e"),
        ("_id.gt=c", "d e"),
        ("sort=stock", "e c a b d"),
        ("sort=-stock", "d b a c e"),
        ("sort=-_id", "e d c b a"),
        ("sort=status&stock.exists=true", "d b a c"),
        ("sort=/city/name", "b d e a c"),
        ("sort=-_updated_at", ""),
        ("sort=status,stock", "d b e c a"),
        ("sort=status,-stock", "d b a c e"),
        ("sort=-status,_id", "a c e b d"),
        ("sort=-status,/city/name,stock", "e a c b d"),
        ("sort=_version,-_id", "e d c b a"),
    ];
    for (query, expected) in cases {
        for limit in [1, 2, 3, 1000] {
            let found = ids(client, &format!("{query}&limit={limit}")).await;
            if expected.is_empty() {
                assert_eq!(found.len(), 5, "{query}");
            } else {
                assert_eq!(found.join(" "), expected, "{query} limit {limit}");
            }
        }
    }
}

/// Once with all heads in memory, and once with them in their table.
#[tokio::test]
async fn lists_filter_sort_and_go_on() {
    let server = Server::start();
    let client = server.client();
    fill(&client).await;
    check_queries(&client).await;
    let server = Server::start_in(server.stop());
    let client = server.client();
    check_queries(&client).await;
    let page = client.get("/api/products?limit=1").await.json();
    let item = &page["items"][0];
    assert_eq!(item["data"]["stock"], 3);
    assert_eq!(item["version"], 1);
    assert_eq!(item["updated_by"], "anonymous");
    assert_eq!(
        item["etag"].as_str().unwrap(),
        client.get("/api/products/a").await.tag()
    );
    assert_eq!(
        client.get("/api/nothing").await.json(),
        json!({"items": [], "next": null})
    );
}

/// Once with all heads in memory, and once with them in their table.
#[tokio::test]
async fn a_list_tells_how_many_it_has_in_all() {
    let mut server = Server::start();
    fill(&server.client()).await;
    let cases = [
        ("", 5),
        ("status=paid", 3),
        ("stock.gt=1&stock.lt=3", 1),
        ("status=lost", 0),
    ];
    for _ in 0..2 {
        let client = server.client();
        for (query, total) in cases {
            for sort in ["_id", "-stock"] {
                let mut cursor = String::new();
                loop {
                    let query = format!("{query}&sort={sort}&limit=2&count=true{cursor}");
                    let page = client.get(&format!("/api/products?{query}")).await.json();
                    assert_eq!(page["total"], total, "{query}");
                    match page["next"].as_str() {
                        Some(next) => cursor = format!("&cursor={next}"),
                        None => break,
                    }
                }
            }
            let plain = format!("/api/products?{query}&count=false");
            assert_eq!(
                client.get(&plain).await.json().get("total"),
                None,
                "{query}"
            );
        }
        server = Server::start_in(server.stop());
    }
    let member = server.client().get("/api/products?/count=true").await;
    assert_eq!(member.json()["items"], json!([]));
}

#[tokio::test]
async fn what_a_list_does_not_understand_is_named() {
    let server = Server::start();
    let client = server.client();
    let cursor = {
        fill(&client).await;
        let page = client.get("/api/products?limit=1&sort=stock").await.json();
        page["next"].as_str().unwrap().to_owned()
    };
    let other_order = format!("cursor={cursor}");
    let several = format!("sort=stock,status&cursor={cursor}");
    let single = format!("sort=-stock&cursor={cursor}");
    let cases = [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        (other_order.as_str(), "cursor"),
        ("sort=_nope", "sort"),
        ("_nope=1", "_nope"),
        ("a.exists=perhaps", "a.exists"),
        ("/a~x=1", "/a~x"),
        ("sort=stock,", "sort"),
        ("sort=stock,-/stock", "sort"),
        ("sort=a,b,c,d,e,f,g,h,i", "sort"),
        (several.as_str(), "cursor"),
        (single.as_str(), "cursor"),
        ("count=yes", "count"),
        ("count=", "count"),
        ("$count=true", "$count"),
    ];
    for (query, parameter) in cases {
        let answer = client.get(&format!("/api/products?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.json()["parameter"], parameter, "{query}");
    }
}

/// A cursor names a place, not a count: what comes and goes before it neither repeats nor hides anything.
#[tokio::test]
async fn a_list_that_changes_under_its_reader_skips_and_repeats_nothing() {
    for restart in [false, true] {
        let mut server = Server::start();
        let mut client = server.client();
        for n in 0..40 {
            client
                .create(
                    &format!("/api/products/k{n:02}"),
                    &format!(r#"{{"n":{}}}"#, n % 7),
                )
                .await;
        }
        if restart {
            server = Server::start_in(server.stop());
            client = server.client();
        }
        for sort in ["_id", "n"] {
            let mut seen = Vec::new();
            let mut cursor = String::new();
            let mut round = 0;
            loop {
                let url = format!("/api/products?sort={sort}&limit=5{cursor}");
                let page: Value = client.get(&url).await.json();
                for item in page["items"].as_array().unwrap() {
                    seen.push(item["id"].as_str().unwrap().to_owned());
                }
                let Some(next) = page["next"].as_str() else {
                    break;
                };
                cursor = format!("&cursor={next}");
                let before = format!("/api/products/a{sort}{round}");
                client.create(&before, r#"{"n":-1}"#).await;
                client.ask("DELETE", &before).if_match("*").send().await;
                round += 1;
            }
            let originals: Vec<_> = seen.iter().filter(|id| id.starts_with('k')).collect();
            let distinct: BTreeSet<_> = originals.iter().collect();
            assert_eq!((originals.len(), distinct.len()), (40, 40), "sort {sort}");
        }
    }
}

#[tokio::test]
async fn lists_hold_across_many_writes_and_a_crash() {
    let server = Server::start();
    let client = server.client();
    let body = r#"{"x":1}"#;
    for chunk in 0..20 {
        let creates = (0..50).map(|n| {
            let client = client.clone();
            async move {
                client
                    .create(&format!("/api/products/{:04}", chunk * 50 + n), body)
                    .await
            }
        });
        futures_util::future::join_all(creates).await;
    }
    let expected: Vec<_> = (0..1000).map(|n| format!("{n:04}")).collect();
    assert_eq!(ids(&client, "limit=333").await, expected);
    let folder: Folder = server.crash();
    let server = Server::start_in(folder);
    assert_eq!(ids(&server.client(), "limit=333").await, expected);
}

#[tokio::test]
async fn what_other_servers_page_and_search_by_is_refused_with_what_to_use() {
    let server = Server::start();
    let client = server.client();
    client
        .create("/api/notes/1", r#"{"page":2,"order":"a"}"#)
        .await;
    let cases = [
        ("page=2", "`cursor`"),
        ("offset=0", "`cursor`"),
        ("per_page=5", "`limit`"),
        ("perPage=5", "`limit`"),
        ("q=x", "no search"),
        ("search=x", "no search"),
        ("filter=x", "by its name"),
        ("filter%5Bpage%5D=2", "by its name"),
        ("fields=page", "whole documents"),
        ("orderBy=page", "`sort=name`"),
        ("_sort=page", "`sort=name`"),
    ];
    for (query, instead) in cases {
        let refused = client.get(&format!("/api/notes?{query}")).await;
        let problem = refused.json();
        assert_eq!(refused.status, 400, "{query}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(instead), "{query}: {detail}");
        assert!(problem["parameter"].is_string(), "{query}: {problem}");
    }
    let found = client.get("/api/notes?/page=2&/order=a").await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
}

#[tokio::test]
async fn a_filter_that_the_schema_leaves_no_room_for_is_refused() {
    let server = Server::with_config(
        r#"
[collections.users]
schema = { type = "object", properties = { name = {}, home = { type = "object", properties = { city = {} }, additionalProperties = false } }, additionalProperties = false }
[collections.notes]
schema = { type = "object", properties = { name = {} } }
"#,
    );
    let client = server.client();
    let cases = [
        ("users?name=x", 200),
        ("users?/home/city=x", 200),
        ("users?sort=name", 200),
        ("users?sort=-_updated_at", 200),
        ("users?nme=x", 400),
        ("users?nme.exists=false", 400),
        ("users?/home/town=x", 400),
        ("users?sort=nme", 400),
        ("notes?nme=x", 200),
    ];
    for (query, status) in cases {
        let answer = client.get(&format!("/api/{query}")).await;
        assert_eq!(answer.status, status, "{query}: {answer:?}");
        if status == 400 {
            let parameter = query.split(['?', '=']).nth(1).unwrap();
            assert_eq!(answer.json()["parameter"], json!(parameter));
        }
    }
}

#[tokio::test]
async fn the_collections_of_a_space_are_listed_with_what_they_hold() {
    let server = Server::with_config("[collections.users]\n[collections.notes]\n");
    let client = server.client();
    for id in 1..4 {
        client.create(&format!("/api/notes/{id}"), "{}").await;
    }
    let delete = client.ask("DELETE", "/api/notes/1").if_match("*");
    assert_eq!(delete.send().await.status, 204);
    client.create("/spaces/other/api/users/1", "{}").await;
    let newest = client.get("/api/notes/_changes?since=3").await.json();
    let collections = client.get("/api").await.json();
    assert_eq!(
        collections["items"],
        json!([
            {"name": "notes", "href": "/api/notes", "documents": 2, "changed_at": newest["items"][0]["updated_at"]},
            {"name": "users", "href": "/api/users", "documents": 0, "changed_at": null},
        ])
    );
    let other = client.get("/spaces/other/api").await.json();
    let rows: Vec<_> = other["items"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&rows[1]["href"], &rows[1]["documents"]),
        (&json!("/spaces/other/api/users"), &json!(1))
    );
    assert_eq!(client.get("/api?page=1").await.status, 400);
    assert_eq!(client.get("/api/").await.status, 404);

    let open = Server::start();
    open.client().create("/api/My_things/1", "{}").await;
    let listed = open.client().get("/api").await.json();
    assert_eq!(listed["items"][0]["name"], "My_things");
}
