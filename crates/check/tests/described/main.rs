//! How a resource is made from a description, on servers that do not take just any body.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use detente_check::client::{Client, Settings};
use detente_check::openapi::{Description, examine_described};
use detente_check::{Effort, Grade, ProbeReport, Report, Severity, Subject, UNEXAMINED, Verdict};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

type Items = Arc<Mutex<BTreeMap<String, (u64, Value)>>>;

/// The server gives the id: a body that brings one of its own breaks it, and nothing asks for that.
#[tokio::test]
async fn an_id_that_is_not_required_is_left_to_the_server() {
    let report = examine(json!(["title"])).await;
    assert!(unexamined(&report).is_none(), "{:?}", report.probes);
    let is_judged = |id: &str| {
        let mut probes = report.probes.iter();
        probes.any(|probe| probe.id == id && probe.verdict == Verdict::Pass)
    };
    assert!(is_judged("B1") && is_judged("D1"), "{:?}", report.probes);
}

/// The description asks for an id, and the server cannot take one: its author is told, with the request.
#[tokio::test]
async fn a_server_error_to_what_the_description_asks_for_is_a_finding() {
    let report = examine(json!(["id", "title"])).await;
    let found = unexamined(&report).expect("none could be made");
    let told = (found.verdict, found.severity);
    assert_eq!(told, (Verdict::Fail, Severity::Medium), "{found:?}");
    assert!(
        found.reason.contains("POST /items was answered 500"),
        "{found:?}"
    );
    let sent = &found.evidence[0].exchange.request.body;
    assert!(sent.starts_with(b"{\"id\":"), "{sent:?}");
    assert_eq!(report.grade, Some(Grade::Ungraded));
}

/// Where PUT makes a resource, the id in its body is the one in its URL.
#[tokio::test]
async fn an_id_is_the_name_in_the_url() {
    for kind in ["string", "integer"] {
        let mut description = description(json!(["id", "title"]));
        description["paths"]["/items"] = json!({ "get": {} });
        description["paths"]["/items/{id}"]["parameters"] =
            json!([{"name": "id", "in": "path", "required": true, "schema": {"type": kind}}]);
        description["components"]["schemas"]["Item"]["properties"]["id"] = json!({"type": kind});
        let report = examine_as(&description).await;
        assert!(unexamined(&report).is_none(), "{kind}: {:?}", report.probes);
    }
}

fn unexamined(report: &Report) -> Option<&ProbeReport> {
    report.probes.iter().find(|probe| probe.id == UNEXAMINED)
}

async fn examine(required: Value) -> Report {
    examine_as(&description(required)).await
}

async fn examine_as(description: &Value) -> Report {
    let base = start().await;
    let client = Client::new(Settings::usual()).expect("TLS can be set up");
    let description = Description::parse(&description.to_string()).expect("it is one");
    let effort = Effort {
        only: ["A1", "B1", "D1"].map(str::to_owned).into(),
        writers: vec![2],
        rounds: 2,
        ..Effort::usual(1, fastrand::u32(..))
    };
    let subject = Subject::at(base.clone());
    examine_described(&client, &description, &base, &subject, &effort, |_| {})
        .await
        .expect("the server is there")
}

fn description(required: Value) -> Value {
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}});
    let write = json!({"requestBody": {"content": content}, "responses": {"200": {}}});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Items", "version": "1"},
        "paths": {
            "/items": {"post": write},
            "/items/{id}": {"get": {}, "put": write, "delete": {}},
        },
        "components": {"schemas": {"Item": {
            "type": "object",
            "required": required,
            "properties": {"id": {"type": "string"}, "title": {"type": "string"}},
        }}},
    })
}

async fn start() -> Url {
    let app = Router::new()
        .route("/items", post(create))
        .route("/items/{id}", get(read).put(replace).delete(delete))
        .with_state(Items::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}").parse().expect("it is a URL")
}

async fn create(State(items): State<Items>, body: String) -> Response {
    let item: Value = serde_json::from_str(&body).expect("it is JSON");
    if item.get("id").is_some() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut items = items.lock().expect("no holder panics");
    let id = format!("i{}", items.len() + 1);
    items.insert(id.clone(), (1, item));
    let location = [(header::LOCATION, format!("/items/{id}"))];
    (StatusCode::CREATED, location).into_response()
}

async fn read(State(items): State<Items>, Path(id): Path<String>) -> Response {
    let items = items.lock().expect("no holder panics");
    match items.get(&id) {
        Some((version, item)) => {
            let tag = [(header::ETAG, format!("\"{version}\""))];
            (tag, item.to_string()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Creates as well; an id in the body has to be the one in the URL.
async fn replace(
    State(items): State<Items>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let Ok(item) = serde_json::from_str::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let in_body = item
        .get("id")
        .map(|it| it.as_str().map_or(it.to_string(), str::to_owned));
    if in_body.is_some_and(|it| it != id) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut items = items.lock().expect("no holder panics");
    let version = items.get(&id).map_or(0, |(version, _)| *version);
    let given = headers.get(header::IF_MATCH).map(|it| it.as_bytes());
    if given.is_some_and(|given| given != format!("\"{version}\"").as_bytes()) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    items.insert(id, (version + 1, item));
    StatusCode::NO_CONTENT.into_response()
}

async fn delete(State(items): State<Items>, Path(id): Path<String>) -> StatusCode {
    let mut items = items.lock().expect("no holder panics");
    match items.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}
