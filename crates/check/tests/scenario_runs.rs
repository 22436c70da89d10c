//! Scenarios against servers that are right, and against servers that are wrong in one way each.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use detente_check::client::{self, Client};
use detente_check::scenario::{Inputs, Settings, parse, run};
use detente_check::{ProbeReport, Severity, Verdict};
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// In which way a server is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    /// It takes every write.
    LastWriterWins,
    /// It looks at the tag, and writes later.
    ChecksThenActs,
    /// It refuses, and writes.
    RefusesAndWrites,
    /// It accepts, and does not write.
    Forgets,
    /// Its refusals have no body.
    SaysNothing,
    /// Its refusals are a 500.
    Breaks,
    /// It puts every write with a condition off.
    IsBusy,
    /// It answers everything with 200, and says in the body whether it did anything.
    SaysItInTheBody,
    /// It sends no tags.
    HasNoTags,
}

#[derive(Clone)]
struct Server {
    flaw: Flaw,
    documents: Arc<Mutex<HashMap<String, (u64, Value)>>>,
    /// Requests whose `X-Meet` is their If-Match are held until all of them are here, so that they
    /// overlap. When they are made again, they have another tag, and are not held.
    meeting: Arc<Barrier>,
}

impl Server {
    async fn start(flaw: Flaw, actors: usize) -> String {
        let server = Self {
            flaw,
            documents: Arc::default(),
            meeting: Arc::new(Barrier::new(actors)),
        };
        let router = axum::Router::new().fallback(handle).with_state(server);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn tag(&self, path: &str) -> Option<String> {
        let documents = self.documents.lock().unwrap();
        documents
            .get(path)
            .map(|(version, _)| format!("\"v{version}\""))
    }

    fn read(&self, path: &str) -> Response {
        let documents = self.documents.lock().unwrap();
        let Some((version, document)) = documents.get(path) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match self.flaw {
            Flaw::HasNoTags => document.to_string().into_response(),
            _ => ([("ETag", format!("\"v{version}\""))], document.to_string()).into_response(),
        }
    }

    fn write(&self, path: &str, document: Value) -> Response {
        let is_new = {
            let mut documents = self.documents.lock().unwrap();
            let entry = documents.entry(path.to_owned()).or_default();
            *entry = (entry.0 + 1, document);
            entry.0 == 1
        };
        let status = if is_new {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        self.answer(path, status, json!({"succeeded": true}))
    }

    fn answer(&self, path: &str, status: StatusCode, body: Value) -> Response {
        let tag = self.tag(path).filter(|_| self.flaw != Flaw::HasNoTags);
        let tag = tag.map(|tag| [("ETag", tag)]);
        match tag {
            Some(tag) => (status, tag, body.to_string()).into_response(),
            None => (status, body.to_string()).into_response(),
        }
    }

    fn refuse(&self, path: &str) -> Response {
        match self.flaw {
            Flaw::SaysNothing => StatusCode::CONFLICT.into_response(),
            Flaw::Breaks => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Flaw::SaysItInTheBody => self.answer(path, StatusCode::OK, json!({"succeeded": false})),
            _ => {
                let body =
                    json!({"error": "Conflict", "current_tag": self.tag(path), "version": 1});
                self.answer(path, StatusCode::CONFLICT, body)
            }
        }
    }
}

async fn handle(State(server): State<Server>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let meets = head.headers.get("x-meet");
    let meets = meets.is_some() && meets == head.headers.get("if-match");
    if meets && server.flaw != Flaw::ChecksThenActs {
        server.meeting.wait().await;
    }
    match head.method {
        Method::GET => server.read(&path),
        Method::DELETE => match server.documents.lock().unwrap().remove(&path) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => put(&server, &path, &head.headers, &body, meets).await,
    }
}

async fn put(
    server: &Server,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
    meets: bool,
) -> Response {
    let document: Value = serde_json::from_slice(body).unwrap();
    let Some(condition) = headers.get("if-match") else {
        return server.write(path, document);
    };
    let is_stale = || {
        server
            .tag(path)
            .is_none_or(|tag| condition.as_bytes() != tag.as_bytes())
    };
    match server.flaw {
        Flaw::IsBusy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Flaw::LastWriterWins => server.write(path, document),
        Flaw::Forgets => {
            let mut documents = server.documents.lock().unwrap();
            let entry = documents.get_mut(path).unwrap();
            if condition.as_bytes() == format!("\"v{}\"", entry.0).as_bytes() {
                entry.0 += 1;
                return StatusCode::OK.into_response();
            }
            StatusCode::CONFLICT.into_response()
        }
        Flaw::ChecksThenActs => {
            let was_stale = is_stale();
            if meets {
                server.meeting.wait().await;
            }
            if was_stale {
                server.refuse(path)
            } else {
                server.write(path, document)
            }
        }
        Flaw::RefusesAndWrites if is_stale() => {
            let answer = server.refuse(path);
            server.write(path, document);
            answer
        }
        _ => {
            let is_applied = {
                let mut documents = server.documents.lock().unwrap();
                let entry = documents.entry(path.to_owned()).or_default();
                let holds = condition.as_bytes() == format!("\"v{}\"", entry.0).as_bytes();
                if holds {
                    *entry = (entry.0 + 1, document);
                }
                holds
            };
            match is_applied {
                true => server.answer(path, StatusCode::OK, json!({"succeeded": true})),
                false => server.refuse(path),
            }
        }
    }
}

async fn runs(flaw: Flaw, text: &str) -> ProbeReport {
    let actors = if text.contains("actors: 8") { 8 } else { 2 };
    let url = Server::start(flaw, actors).await;
    let inputs = Inputs {
        vars: [("base".to_owned(), url)].into(),
        ..Inputs::default()
    };
    let suite = parse(Path::new("x.yaml"), text, &inputs).unwrap_or_else(|it| panic!("{it}"));
    let client = client();
    let task = async move { run(&suite.scenarios[0], &client, &Settings::default()).await };
    tokio::spawn(task).await.unwrap().report
}

fn client() -> Client {
    Client::new(client::Settings::usual()).unwrap()
}

const EDITORS: &str = r#"
scenario: two editors, one winner
repeat: 3
setup:
  - PUT: /docs/1
    json: {title: base}
  - GET: /docs/1
    capture: {etag: header ETag}
race:
  actors: [alice, bob]
  send:
    PUT: /docs/1
    headers: {If-Match: "{{etag}}", X-Meet: "{{etag}}"}
    json: {title: "{{actor}}-{{nonce}}"}
expect:
  winners: 1
  losers: {status: [409, 412], body: conflict}
  state: winner
"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_flaw_is_found() {
    let cases = [
        // (flaw, verdict, severity, what the reason says)
        (
            Flaw::None,
            Verdict::Pass,
            Severity::Critical,
            "As expected in 3 rounds",
        ),
        (
            Flaw::LastWriterWins,
            Verdict::Fail,
            Severity::Critical,
            "expected 1 accepted write, got 2: alice 200, bob 200 (in 3 of 3 rounds",
        ),
        (
            Flaw::ChecksThenActs,
            Verdict::Fail,
            Severity::Critical,
            "expected 1 accepted write, got 2",
        ),
        (
            Flaw::RefusesAndWrites,
            Verdict::Fail,
            Severity::Critical,
            "although that was refused",
        ),
        (
            Flaw::Forgets,
            Verdict::Fail,
            Severity::High,
            "the refusal has no body",
        ),
        (
            Flaw::SaysNothing,
            Verdict::Fail,
            Severity::High,
            "the refusal has no body",
        ),
        (
            Flaw::Breaks,
            Verdict::Fail,
            Severity::High,
            "neither accepts nor refuses the request",
        ),
        (
            Flaw::IsBusy,
            Verdict::Inconclusive,
            Severity::Critical,
            "the server was too busy",
        ),
        (
            Flaw::SaysItInTheBody,
            Verdict::Fail,
            Severity::Critical,
            "expected 1 accepted write, got 2",
        ),
        (
            Flaw::HasNoTags,
            Verdict::Inconclusive,
            Severity::Critical,
            "the answer has no header etag",
        ),
    ];
    for (flaw, verdict, severity, reason) in cases {
        let report = runs(flaw, EDITORS).await;
        assert_eq!(report.verdict, verdict, "{flaw:?}: {}", report.reason);
        assert_eq!(report.severity, severity, "{flaw:?}: {}", report.reason);
        assert!(
            report.reason.contains(reason),
            "{flaw:?}: {}",
            report.reason
        );
        assert_eq!(
            report.evidence.is_empty(),
            verdict != Verdict::Fail,
            "{flaw:?}"
        );
    }
}

/// What a reader needs to see what went wrong: both writes, and what is stored afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_comes_with_its_exchanges() {
    let report = runs(Flaw::LastWriterWins, EDITORS).await;
    let notes: Vec<_> = report.evidence.iter().map(|it| it.note.as_str()).collect();
    assert_eq!(
        notes,
        [
            "alice, accepted",
            "bob, accepted",
            "what is stored afterwards"
        ]
    );
    assert_eq!((report.trials, report.overlapping), (3, 3));
    assert_eq!(report.id, "two editors, one winner");
    assert!(report.why.contains("RFC 9110"), "{}", report.why);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_write_that_is_not_there_is_critical() {
    let text = EDITORS.replace(", body: conflict", "");
    let report = runs(Flaw::Forgets, &text).await;
    assert_eq!(
        (report.verdict, report.severity),
        (Verdict::Fail, Severity::Critical)
    );
    assert!(
        report.reason.contains("does not hold what the winner sent"),
        "{}",
        report.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wins_can_be_told_by_the_body() {
    let text = EDITORS
        .replace("expect:", "wins: {body: {/succeeded: true}}\nexpect:")
        .replace(
            "losers: {status: [409, 412], body: conflict}",
            "losers: {status: 200, body: {/succeeded: false}}",
        );
    let text = text.replace(
        "setup:\n  - PUT: /docs/1\n",
        "setup:\n  - PUT: /docs/1\n    wins: {status: 2xx}\n",
    );
    let report = runs(Flaw::SaysItInTheBody, &text).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.reason);
}

const ORDERS: &str = r#"
scenario: read, then save
interleave: all
setup:
  - PUT: /docs/1
    json: {title: base, text: base}
steps:
  - {actor: alice, GET: /docs/1, capture: {etag: header ETag}}
  - {actor: alice, PUT: /docs/1, etag: "{{etag}}", json: {title: alice, text: base}}
  - {actor: bob, GET: /docs/1, capture: {etag: header ETag}}
  - {actor: bob, PUT: /docs/1, etag: "{{etag}}", json: {title: base, text: bob}}
expect: {lost_updates: 0, winners: {min: 1}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_run_and_the_first_bad_one_is_named() {
    let report = runs(Flaw::None, ORDERS).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.reason);
    assert_eq!(report.reason, "As expected in all 6 orders, in 6 rounds.");

    let report = runs(Flaw::LastWriterWins, ORDERS).await;
    assert_eq!(
        (report.verdict, report.severity),
        (Verdict::Fail, Severity::Critical)
    );
    assert_eq!(
        report.reason,
        "bob's PUT /docs/1 was accepted, although bob had not seen what alice had saved: \
         {\"title\":\"alice\"} is lost. It fails in 4 of 6 runs of all 6 orders; the first failure: \
         1. alice: GET /docs/1, 2. bob: GET /docs/1, 3. alice: PUT /docs/1, 4. bob: PUT /docs/1"
    );

    let few = ORDERS.replace("all", "{max_orders: 3}");
    let report = runs(Flaw::None, &few).await;
    assert!(
        report.reason.contains("3 orders out of 6"),
        "{}",
        report.reason
    );
}

const COUNTING: &str = r#"
scenario: everybody takes one
setup:
  - PUT: /stock
    json: {left: 10, takers: []}
  - GET: /stock
    capture: {etag: header ETag, first: header ETag, left: body /left}
race:
  actors: 8
  send:
    PUT: /stock
    etag: "{{etag}}"
    headers: {X-Meet: "{{first}}"}
    json: {left: "{{left | minus 1}}", takers: []}
    retry: {times: 20, capture: {etag: header ETag, left: body /left}}
expect:
  winners: 8
  retries: {min: 7}
  state: {/left: "{{left | minus winners}}"}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_reads_again_and_tries_again() {
    let report = runs(Flaw::None, COUNTING).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.reason);

    let report = runs(Flaw::LastWriterWins, COUNTING).await;
    assert_eq!(report.verdict, Verdict::Fail, "{}", report.reason);

    let merging = COUNTING
        .replace(
            "json: {left: \"{{left | minus 1}}\", takers: []}",
            "json: {left: 10, takers: [\"{{actor}}\"]}",
        )
        .replace(
            "retry: {times: 20, capture: {etag: header ETag, left: body /left}}",
            "retry: {times: 20, merge: three-way, strategies: {/takers: append}}",
        )
        .replace(
            "/left: \"{{left | minus winners}}\"",
            "/takers: {length: 8}",
        );
    let report = runs(Flaw::None, &merging).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.reason);

    let impatient = COUNTING.replace("times: 20", "times: 1");
    let report = runs(Flaw::None, &impatient).await;
    assert!(
        report.reason.contains("expected 8 accepted writes, got 2"),
        "{}",
        report.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invariant_holds_after_each_step() {
    let text = r#"
scenario: a transfer in two steps
setup:
  - {PUT: /a, json: {balance: 100}}
  - {PUT: /b, json: {balance: 100}}
steps:
  - {GET: /a}
  - {PUT: /a, json: {balance: 40}}
  - {PUT: /b, json: {balance: 160}}
invariant: {sum: {of: /balance, over: [/a, /b]}}
"#;
    let report = runs(Flaw::None, text).await;
    assert_eq!(
        (report.verdict, report.severity),
        (Verdict::Fail, Severity::Critical)
    );
    assert!(
        report
            .reason
            .contains("the sum of /balance must stay 200, but is 140"),
        "{}",
        report.reason
    );
    let late = text.replace("invariant: {sum:", "expect: {sum:");
    let report = runs(Flaw::None, &late).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.reason);
}

/// Each row has rounds of its own, and the teardown runs whatever came of the steps.
#[tokio::test(flavor = "multi_thread")]
async fn rows_and_teardown() {
    let text = r#"
scenario: rows
each: [{size: 1}, {size: 2}]
setup:
  - {GET: /left-over, expect: {status: 404}}
steps:
  - {PUT: /left-over, json: {size: "{{size}}"}}
  - {GET: /left-over, expect: {body: {/size: 1}}}
teardown:
  - {DELETE: /left-over}
"#;
    let report = runs(Flaw::None, text).await;
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(
        report.reason,
        "with row 2 of the table, GET /left-over: /size must be 1, but is 2 \
         (in 1 of 2 rounds, first in round 2)"
    );
    assert_eq!(report.severity, Severity::High);
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_have_logins_and_variables_of_their_own() {
    let text = r#"
scenario: sessions
severity: low
actors:
  alice: {login: {PUT: /login/alice, json: {token: a}}, headers: {Authorization: "Bearer {{word}}"}, vars: {word: a}}
  bob: {vars: {word: b}}
steps:
  - {actor: alice, PUT: /seen, json: {by: "{{actor}} {{word}}"}}
  - {actor: bob, GET: /seen, capture: {by: body /by}, expect: {body: {/by: alice a}}}
  - {actor: bob, PUT: /seen, json: {by: "{{by}}, {{actor}} {{word}}, {{alice.word}}"}}
  - {GET: /seen, expect: {body: {/by: "alice a, bob b, a"}}}
  - {GET: /login/alice, expect: {body: {/token: other}}}
"#;
    let report = runs(Flaw::None, text).await;
    assert_eq!(report.severity, Severity::Low);
    assert_eq!(
        report.reason,
        "GET /login/alice: /token must be \"other\", but is \"a\""
    );
}

/// What a round leaves behind is told, beside what it came to; what is gone already is no matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_that_does_not_come_about_is_told() {
    let cases = [
        // (flaw, teardown, verdict, severity, what the reason says)
        (
            Flaw::None,
            "- {PUT: /docs/1, etag: stale, json: {}}\n  - DELETE: /docs/1",
            Verdict::Fail,
            Severity::High,
            "the teardown failed: PUT /docs/1: the answer was 409 (in 3 of 3 rounds, first in round 1). \
             Otherwise: As expected in 3 rounds",
        ),
        (
            Flaw::LastWriterWins,
            "- {GET: /docs/absent}",
            Verdict::Fail,
            Severity::Critical,
            "got 2: alice 200, bob 200 (in 3 of 3 rounds, first in round 1); besides, the teardown failed: GET /docs/absent: the answer was 404",
        ),
        (
            Flaw::None,
            "- {GET: /docs/1, capture: {tag: header X-Absent}}",
            Verdict::Inconclusive,
            Severity::Critical,
            "the teardown failed: GET /docs/1: tag cannot be captured",
        ),
        (
            Flaw::None,
            "- DELETE: /docs/1\n  - {DELETE: /docs/1, if_match: '*'}\n  - {GET: /docs/1, expect: {status: 404}}",
            Verdict::Pass,
            Severity::Critical,
            "As expected in 3 rounds",
        ),
        // It never was set up.
        (
            Flaw::HasNoTags,
            "- {PUT: /docs/1, etag: stale, json: {}}",
            Verdict::Inconclusive,
            Severity::Critical,
            "the answer has no header etag",
        ),
    ];
    for (flaw, teardown, verdict, severity, reason) in cases {
        let text = format!("{EDITORS}teardown:\n  {teardown}\n");
        let report = runs(flaw, &text).await;
        assert_eq!(report.verdict, verdict, "{teardown}: {}", report.reason);
        assert_eq!(report.severity, severity, "{teardown}: {}", report.reason);
        assert!(
            report.reason.contains(reason),
            "{teardown}: {}",
            report.reason
        );
    }
}
