use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use detente_check::report::Form;
use serde_json::{Value, json};

use super::tester::{Run, Tester};
use crate::server::{Server, program};

/// Every form at once, and none of them tells a login.
#[tokio::test(flavor = "multi_thread")]
async fn all_forms_are_written_and_keep_secrets() {
    let server = Server::start();
    server
        .client()
        .create("/api/notes/one", r#"{"title":"Draft"}"#)
        .await;
    let url = format!("{}/api/notes/one", server.url());
    let tester = Tester::new();
    let mut arguments = vec!["check".to_owned(), url];
    arguments.extend(["--writers", "2", "--rounds", "2"].map(str::to_owned));
    for field in ["Authorization: Bearer s3cret", "Cookie: session=s3cret"] {
        arguments.extend(["-H".to_owned(), field.to_owned()]);
    }
    for (name, _) in Form::ALL {
        arguments.extend(["--report".to_owned(), format!("{name}=report.{name}")]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let run = tester.run(&arguments);
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.out.contains("s3cret"), "{run}");
    for (name, _) in Form::ALL {
        let text = tester.text(&format!("report.{name}"));
        assert!(text.len() > 500, "{name}: {text}");
        assert!(!text.contains("s3cret"), "{name}");
    }
    let har: Value = serde_json::from_str(&tester.text("report.har")).unwrap();
    assert!(har["log"]["entries"].as_array().unwrap().len() > 100);
}

/// Before anything is sent: nobody is to wait for a report that cannot be had.
#[test]
fn a_report_that_cannot_be_written_is_told_at_once() {
    let tester = Tester::new();
    tester.write("kept.json", "old");
    tester.write("h.jsonl", "");
    std::fs::create_dir(tester.folder().join("folder")).unwrap();
    // Nothing listens there: a request would end with 3.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/one", listener.local_addr().unwrap())
    };
    let cases = [
        // (what is checked, report, what is told)
        (
            vec![gone.as_str()],
            "tap=absent/a.tap",
            "cannot write absent/a.tap",
        ),
        (vec![gone.as_str()], "json=folder", "cannot write folder"),
        (
            vec!["--history", "h.jsonl"],
            "html=absent/a.html",
            "cannot write absent/a.html",
        ),
    ];
    for (target, report, told) in cases {
        let arguments = ["check", "--report", "json=kept.json", "--report", report];
        let run = tester.run(&[&arguments[..], &target].concat());
        assert_eq!(run.code, 2, "{run}");
        assert!(run.errors.contains(told), "{run}");
    }
    let run = tester.run(&[
        "check",
        &gone,
        "--report",
        "json=kept.json",
        "--report",
        "tap=new.tap",
    ]);
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(tester.text("kept.json"), "old");
    assert!(!tester.folder().join("new.tap").exists());
}

/// A server that ignores preconditions, and repeats all that it is told: in bodies, in fields and in links.
async fn start_echo() -> String {
    let document = Arc::new(Mutex::new((1, Bytes::from_static(b"{}"))));
    let answer = move |request: Request| {
        let document = Arc::clone(&document);
        async move {
            let (parts, body) = request.into_parts();
            let said: Vec<_> = parts.headers.iter().map(|it| format!("{it:?}")).collect();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let mut document = document.lock().unwrap();
            if parts.method != Method::GET {
                *document = (document.0 + 1, body);
            }
            let (version, sent) = &*document;
            let mut told: Value = serde_json::from_slice(sent).unwrap_or_else(|_| json!({}));
            told["said"] = json!(said);
            told["at"] = parts.uri.to_string().into();
            let fields = [
                (header::ETAG, format!("\"{version}\"")),
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::LOCATION, parts.uri.to_string()),
            ];
            (StatusCode::OK, fields, told.to_string()).into_response() as Response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// All that a run told: on the terminal, and in every form.
fn told(tester: &Tester, run: &Run) -> Vec<(String, String)> {
    let mut told = vec![("terminal".to_owned(), run.to_string())];
    for (name, _) in Form::ALL {
        told.push((name.to_owned(), tester.text(&format!("report.{name}"))));
    }
    told
}

fn with_reports(mut arguments: Vec<String>) -> Vec<String> {
    for (name, _) in Form::ALL {
        arguments.extend(["--report".to_owned(), format!("{name}=report.{name}")]);
    }
    arguments
}

/// Whatever came by a flag, a file or a URL, however it is called, and wherever the server repeats it.
#[tokio::test(flavor = "multi_thread")]
async fn no_form_holds_what_a_run_was_given_to_log_in() {
    let url = start_echo().await;
    let (host, query) = (
        url.replace("http://", "http://ann:pa55word@"),
        "api_key=k3y/of+mine&v=7q",
    );
    let fields = [
        "X-Auth-Token: t0ken-of-mine",
        "X-Short: 9z",
        "Authorization: Bearer b3arer",
    ];
    let mut arguments = vec!["check".to_owned(), format!("{host}/notes/one?{query}")];
    arguments.extend(["--writers", "2", "--rounds", "2", "--seed", "1"].map(str::to_owned));
    arguments.extend(["--login", "X-User: us3r-of-mine"].map(str::to_owned));
    arguments.extend(["-H", "Accept: application/json"].map(str::to_owned));
    for field in fields {
        arguments.extend(["-H".to_owned(), field.to_owned()]);
    }
    let tester = Tester::new();
    let arguments = with_reports(arguments);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let run = tester.run(&arguments);
    assert_eq!(run.code, 1, "{run}");
    let secrets = [
        "t0ken",
        "k3y",
        "us3r",
        "b3arer",
        "pa55word",
        "v=7q",
        "X-Short: 9z",
        "x-short: 9z",
    ];
    for (name, text) in told(&tester, &run) {
        for secret in secrets {
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
        if name != "history" {
            assert!(text.contains("$SECRET_API_KEY"), "{name}");
        }
    }
    assert!(tester.text("report.json").contains("application/json"));
    // The lines to paste name variables that a shell puts in.
    assert!(
        run.out
            .contains("-H \"x-auth-token: $SECRET_X_AUTH_TOKEN\""),
        "{run}"
    );
    assert!(
        run.out.contains("?api_key=$SECRET_API_KEY&v=$SECRET_V\""),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_holds_what_scenarios_read_from_their_environment() {
    let url = start_echo().await;
    let tester = Tester::new();
    tester.write("secrets.env", &format!("BASE={url}\nTOKEN=t0ken-of-mine\n"));
    tester.write(
        "suite.yaml",
        "base: \"{{env.BASE}}\"\nscenario: echo\nheaders: {X-Token: \"{{env.TOKEN}}\", X-Other: \"{{env.OTHER}}\"}\n\
         steps:\n  - PUT: /notes/one\n    json: {a: 1}\n    expect: {status: 418}\n",
    );
    let arguments = ["check", "suite.yaml", "--env-file", "secrets.env"].map(str::to_owned);
    let arguments = with_reports(arguments.to_vec());
    let ended = program()
        .args(&arguments)
        .env("OTHER", "0ther-of-mine")
        .current_dir(tester.folder())
        .output()
        .unwrap();
    let run = Run {
        code: ended.status.code().unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        errors: String::from_utf8(ended.stderr).unwrap(),
    };
    assert_eq!(run.code, 1, "{run}");
    for (name, text) in told(&tester, &run) {
        for secret in ["t0ken", "0ther"] {
            assert!(!text.contains(secret), "{name} holds {secret}: {text}");
        }
    }
    assert!(tester.text("report.json").contains("$SECRET_TOKEN"));
    assert!(run.out.contains(&url) || tester.text("report.json").contains(&url));
}
