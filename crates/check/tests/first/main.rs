//! First scenarios, made of servers in many dialects: each passes on the server it was made of, and fails where that
//! server checks first and writes later.

#[path = "../servers/mod.rs"]
mod servers;

use std::path::Path;
use std::time::Duration;

use detente_check::client::{Client, Settings};
use detente_check::scenario::{self, Inputs, first, parse};
use detente_check::{ProbeReport, Request, Verdict};
use http::{HeaderMap, HeaderName};
use servers::{Correct, Defect, Gap, Options, Running, Scope, correct};
use tokio::task::JoinSet;

/// One that puts requests off at random may do so to any of a scenario's steps.
const AT_RANDOM: [&str; 1] = ["failing"];

fn client(options: &Options) -> Client {
    let headers = options.headers.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, value.parse().unwrap())
    });
    let settings = Settings {
        headers: headers.collect::<HeaderMap>(),
        ..Settings::usual()
    };
    Client::new(settings).unwrap()
}

/// The scenario that is made of a server's resource.
async fn made_of(server: &Running, options: &Options) -> String {
    let url = server.resource.parse().unwrap();
    let first = first(&client(options), &url, 7).await.unwrap();
    assert!(first.is_restored, "{}", first.text);
    first.text
}

async fn run(text: &str, base: &str, options: &Options, rounds: u32) -> ProbeReport {
    let inputs = Inputs {
        vars: [("base".to_owned(), base.to_owned())].into(),
        ..Inputs::default()
    };
    let suite = parse(Path::new("first.yaml"), text, &inputs);
    let suite = suite.unwrap_or_else(|it| panic!("{it}\n{text}"));
    assert!(suite.warnings.is_empty(), "{:?}\n{text}", suite.warnings);
    let settings = scenario::Settings {
        repeat: Some(rounds),
        ..scenario::Settings::default()
    };
    let ran = scenario::run(&suite.scenarios[0], &client(options), &settings).await;
    ran.report
}

/// A few rounds, until some of their requests met: an idle server may be done with one before the other comes.
async fn raced(text: &str, base: &str, options: &Options) -> ProbeReport {
    for _ in 1..20 {
        let report = run(text, base, options, 3).await;
        if !report.reason.contains("nothing raced") {
            return report;
        }
    }
    run(text, base, options, 3).await
}

async fn content(server: &Running, options: &Options) -> String {
    let request = Request::get(server.resource.parse().unwrap());
    let exchange = client(options).actor("reader").send(request).await.unwrap();
    String::from_utf8_lossy(&exchange.response().unwrap().body).into_owned()
}

fn is_valid(text: &str) {
    let schema = include_str!("../../schemas/scenario.json");
    let schema = serde_json::from_str(schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let document: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    let errors: Vec<_> = schema
        .iter_errors(&document)
        .map(|it| it.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_server_it_was_made_of_it_passes() {
    let mut servers = JoinSet::new();
    for server in correct() {
        if !AT_RANDOM.contains(&server.name) {
            servers.spawn(passes(server));
        }
    }
    servers.join_all().await;
}

async fn passes(server: Correct) {
    let (running, options) = (server.start(), server.options());
    let text = made_of(&running, &options).await;
    is_valid(&text);
    let before = content(&running, &options).await;
    let report = raced(&text, &running.urls[0], &options).await;
    assert_eq!(
        report.verdict,
        Verdict::Pass,
        "{}: {}\n{text}",
        server.name,
        report.reason
    );
    // Versions and counters go on; what was written is gone.
    let after = content(&running, &options).await;
    let is_marked = ["alice-", "bob-"].iter().any(|it| after.contains(it));
    assert!(!is_marked, "{}: {before} became {after}", server.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_writes_are_checked_and_then_made_it_fails() {
    let defect = Defect::Race(Scope::Writes, Gap::Wait(Duration::from_millis(3)));
    for name in ["plain", "couch", "version", "patch-only", "numbers", "xml"] {
        let server = correct().into_iter().find(|it| it.name == name).unwrap();
        let (running, options) = (
            Running::start(server.speaks, Some(defect)),
            server.options(),
        );
        let text = made_of(&running, &options).await;
        let report = run(&text, &running.urls[0], &options, 20).await;
        assert_eq!(
            report.verdict,
            Verdict::Fail,
            "{name}: {}\n{text}",
            report.reason
        );
        assert!(
            report.reason.contains("expected 1 accepted write, got 2"),
            "{name}: {}",
            report.reason
        );
    }
}

/// What is in the file says by which words it was made.
#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_the_dialect() {
    let cases: [(&str, &[&str]); 7] = [
        (
            "plain",
            &["etag: \"{{etag}}\"", "body: conflict", "state: winner"],
        ),
        ("couch", &["PUT:", "409"]),
        (
            "version",
            &[
                "version: \"body /version\"",
                "\"version\":\"{{version}}\"",
                "state: {is: winner, except: [\"/version\"]}",
            ],
        ),
        (
            "patch-only",
            &["PATCH:", "merge-patch: {\"title\":\"{{actor}}-{{nonce}}\"}"],
        ),
        (
            "dates",
            &["wait: 1100ms", "If-Unmodified-Since: \"{{modified}}\""],
        ),
        ("numbers", &["{{before | plus index}}"]),
        ("curt", &["# `body: conflict` beside the status would ask"]),
    ];
    for (name, parts) in cases {
        let server = correct().into_iter().find(|it| it.name == name).unwrap();
        let (running, options) = (server.start(), server.options());
        let text = made_of(&running, &options).await;
        for part in parts {
            assert!(text.contains(part), "{name} lacks {part}\n{text}");
        }
    }
}
