use serde_json::Value;

use super::tester::{Run, Tester, probe};
use super::unguarded::{End, Unguarded};
use crate::server::{Folder, Server};

const ENDS: [End; 3] = [End::Dies, End::Hangs, End::LeavesGateway];

/// What is answered in time by any server that is there, so that one that hangs is not waited for long.
const IN_TIME: [&str; 2] = ["--timeout", "0.5"];

/// At whatever moment, and however: exit code 3, and a finding that names the request.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_ends_the_run() {
    for end in ENDS {
        // While the tester learns how to write, and while it probes.
        for writes in [1, 40] {
            let server = Unguarded::ending(end, writes).await;
            let (run, report) = check(&server, &[]).await;
            let case = format!("{end:?} after {writes}: {run}");
            assert_eq!(run.code, 3, "{case}");
            let found = probe(&report, "outage");
            assert_eq!(found["verdict"], "fail", "{case}");
            let reason = found["reason"].as_str().unwrap();
            let request = format!(
                "The first request without an answer is PUT {} of ",
                server.url
            );
            assert!(reason.contains(&request), "{case}");
            assert!(run.errors.contains(reason), "{case}");
            let ids = ids(&report);
            let at = ids.iter().position(|id| *id == "outage").unwrap();
            match writes {
                1 => assert!(
                    at == 0 && reason.contains("before the first probe"),
                    "{case}"
                ),
                _ => assert!(
                    reason.contains(&format!("during {}.", ids[at - 1])),
                    "{case}"
                ),
            }
            // The rest is not tried any more.
            for id in ["D2", "D16"] {
                let rest = probe(&report, id);
                assert_eq!(rest["verdict"], "inconclusive", "{case}");
                assert!(
                    rest["reason"].as_str().unwrap().starts_with("not run"),
                    "{case}"
                );
            }
            assert_eq!(report["grade"], "?", "{case}");
            let shown = found["evidence"].as_array().unwrap();
            assert_eq!(shown[0]["status"], 200, "{case}");
            assert_eq!(shown[1]["method"], "PUT", "{case}");
            let left = "detente: ".to_owned() + &server.url + ": the server stopped answering";
            assert!(run.errors.contains(&left), "{case}");
        }
    }
}

/// It may have been restarted by whoever watches it, and what it forgot is not the tester's to say.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_there_again_is_asked_on() {
    let server = Unguarded::ending(End::Restarts, 40).await;
    let (run, report) = check(&server, &["--rounds", "2"]).await;
    assert!(!ids(&report).contains(&"outage"), "{run}");
    assert_eq!(probe(&report, "D1")["verdict"], "pass", "{run}");
    assert_eq!(run.code, 0, "{run}");
}

/// By a signal, as processes end: while 32 race, and in any protocol.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_or_stopped_ends_the_run() {
    for (signal, protocol) in [("KILL", "1.1"), ("STOP", "1.1"), ("STOP", "2")] {
        let server = Server::start();
        server
            .client()
            .create("/api/notes/one", r#"{"title":"Draft"}"#)
            .await;
        let url = format!("{}/api/notes/one", server.url());
        // However slow the machine is: the run goes on until the signal comes.
        let budget = ["--budget", "1000000"];
        let options = ["--rounds", "500", "--http", protocol, budget[0], budget[1]];
        let run = tokio::task::spawn_blocking(move || checked(&url, &options));
        let mut writes: u64 = 0;
        // Of any document: a race that a pause of the machine spoils writes no more to its own.
        while writes < 40 {
            let end = server.client().get("/api/_changes?since=now").await.json();
            let place = end["last"].as_str().unwrap();
            let (seq, _) = place.split_once('-').unwrap();
            writes = seq.parse().unwrap();
        }
        server.signal(signal);
        let (run, report) = run.await.unwrap();
        assert_eq!(run.code, 3, "{signal}, HTTP/{protocol}: {run}");
        let reason = probe(&report, "outage")["reason"].as_str().unwrap();
        assert!(
            reason.contains("/api/notes/"),
            "{signal}, HTTP/{protocol}: {run}"
        );
    }
}

/// It was never there: no report, but what was tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_told() {
    for (end, told) in [
        (End::Hangs, "got no answer: no answer within 500ms"),
        (End::Dies, "cannot be reached"),
        (End::LeavesGateway, "was answered 502 Bad Gateway"),
    ] {
        let server = Unguarded::gone(end).await;
        let url = server.url.clone();
        for arguments in [vec!["check", &*url], vec!["check", "new", &url]] {
            let arguments: Vec<_> = arguments
                .into_iter()
                .chain(IN_TIME)
                .map(str::to_owned)
                .collect();
            let run = run(arguments).await;
            assert_eq!(run.code, 3, "{end:?}: {run}");
            assert!(
                run.errors.contains(told) || end == End::Dies,
                "{end:?}: {run}"
            );
        }
    }
}

/// A suite ends with it, too: what it made of the scenarios before is reported, those after it are not run.
#[tokio::test(flavor = "multi_thread")]
async fn a_suite_ends_with_its_server() {
    for end in ENDS {
        let server = Unguarded::ending(end, 3).await;
        let base = server.url.trim_end_matches("/one").to_owned();
        let scenario = |name: &str, repeat: u32| {
            format!(
                "base: {base}\nscenario: {name}\nrepeat: {repeat}\n\
                 setup:\n  - {{GET: /one, capture: {{etag: header ETag}}}}\n\
                 steps:\n  - {{PUT: /one, etag: \"{{{{etag}}}}\", json: {{title: Done}}}}\n"
            )
        };
        let files = [
            ("before.yaml", scenario("before", 1)),
            ("during.yaml", scenario("during", 10)),
            ("after.yaml", scenario("after", 1)),
        ];
        let (run, report) = tokio::task::spawn_blocking(move || {
            let tester = Tester::new();
            for (name, text) in &files {
                tester.write(name, text);
            }
            let names = files.iter().map(|(name, _)| *name);
            tester.check(&names.chain(IN_TIME).collect::<Vec<_>>())
        })
        .await
        .unwrap();
        assert_eq!(run.code, 3, "{end:?}: {run}");
        assert_eq!(
            ids(&report),
            ["before", "during", "outage", "after"],
            "{end:?}: {run}"
        );
        assert_eq!(
            probe(&report, "before")["verdict"],
            "pass",
            "{end:?}: {run}"
        );
        let reason = probe(&report, "outage")["reason"].as_str().unwrap();
        let told = format!("is PUT {} of tester", server.url);
        assert!(reason.contains(&told), "{end:?}: {run}");
        assert!(
            reason.contains("during the scenario `during`"),
            "{end:?}: {run}"
        );
        let after = probe(&report, "after");
        assert!(
            after["reason"].as_str().unwrap().starts_with("not run"),
            "{end:?}: {run}"
        );
    }
}

/// So does a description, wherever the server ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_description_ends_with_its_server() {
    let server = Server::start_in(Folder::with_config(
        "[collections.notes]\n[collections.drafts]\n",
    ));
    let description = format!("{}/openapi.json", server.url());
    let run = tokio::task::spawn_blocking(move || {
        let tester = Tester::new();
        tester.check(&["--openapi", &description, "--rounds", "500"])
    });
    let has_begun = async |name: &str| {
        let list = server.client().get(&format!("/api/{name}")).await.json();
        let items = list["items"].as_array().unwrap().iter();
        items
            .filter_map(|item| item["version"].as_u64())
            .any(|version| version > 100)
    };
    while !has_begun("notes").await && !has_begun("drafts").await {
        tokio::task::yield_now().await;
    }
    server.signal("KILL");
    let (run, report) = run.await.unwrap();
    assert_eq!(run.code, 3, "{run}");
    let reason = probe(&report, "outage")["reason"].as_str().unwrap();
    assert!(reason.contains("stopped answering during "), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_that_nobody_answers_fails() {
    let server = Unguarded::gone(End::Hangs).await;
    let arguments = ["race", "-n", "4", &server.url].into_iter().chain(IN_TIME);
    let run = run(arguments.map(str::to_owned).collect()).await;
    assert_eq!(run.code, 3, "{run}");
    assert!(run.out.contains("4 × no answer"), "{run}");
    assert!(
        run.errors.contains("answered none of the requests"),
        "{run}"
    );
}

/// What ran when the server stopped answering is run again.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_replayed_with_its_probe() {
    let server = Unguarded::ending(End::LeavesGateway, 40).await;
    let url = server.url.clone();
    let tester = Tester::new();
    let (first, report) = checked_by(&tester, &url, &[]);
    let ids = ids(&report);
    let at = ids.iter().position(|id| *id == "outage").unwrap();
    let again = format!("--only {} ", ids[at - 1]);
    assert!(first.out.contains(&again), "{again}: {first}");
    let run = tester.run(&["check", "--replay", "report.json"]);
    assert_eq!(run.code, 3, "{run}");
    assert!(run.errors.contains("was answered 502 Bad Gateway"), "{run}");
}

fn ids(report: &Value) -> Vec<&str> {
    let probes = report["probes"].as_array().unwrap();
    probes
        .iter()
        .map(|probe| probe["id"].as_str().unwrap())
        .collect()
}

async fn run(arguments: Vec<String>) -> Run {
    let run = move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Tester::new().run(&arguments)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn check(server: &Unguarded, options: &'static [&'static str]) -> (Run, Value) {
    let url = server.url.clone();
    let run = tokio::task::spawn_blocking(move || checked(&url, options));
    run.await.unwrap()
}

fn checked(url: &str, options: &[&str]) -> (Run, Value) {
    checked_by(&Tester::new(), url, options)
}

fn checked_by(tester: &Tester, url: &str, options: &[&str]) -> (Run, Value) {
    tester.check(&[&[url], &IN_TIME[..], options].concat())
}
