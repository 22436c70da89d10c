use serde_json::{Value, json};

use super::tester::{Run, Tester};
use super::unguarded::Unguarded;
use crate::server::Server;

fn ids(report: &Value) -> Vec<&str> {
    let probes = report["probes"].as_array().unwrap();
    let ids = probes.iter().map(|probe| probe["id"].as_str().unwrap());
    ids.collect()
}

fn replay(tester: &Tester, arguments: &[&str]) -> Run {
    tester.run(&[&["check", "--replay", "report.json"], arguments].concat())
}

/// A replay that reports as well.
fn replayed(tester: &Tester, arguments: &[&str]) -> (Run, Value) {
    let run = replay(
        tester,
        &[&["--report", "json=again.json"], arguments].concat(),
    );
    assert_eq!(run.code, 1, "{run}");
    let report = serde_json::from_str(&tester.text("again.json")).unwrap();
    (run, report)
}

/// That alone, with the seed and the options that it had; a login has to be given again.
#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_run_again() {
    let server = Unguarded::start().await;
    let url = server.url.clone();
    let runs = tokio::task::spawn_blocking(move || {
        let tester = Tester::new();
        let options = "--only A1,B1,B2,B8 --seed 7 --method PUT --writers 2,3 --timeout 5";
        let mut arguments = vec![
            &*url,
            "-H",
            "X-Tenant: 5",
            "-H",
            "Authorization: Bearer s3cret",
        ];
        arguments.extend(options.split(' '));
        let (first, report) = tester.check(&arguments);
        let without = replay(&tester, &[]);
        let login = ["-H", "authorization: Bearer 0ther", "-H", "X-Tenant: 5"];
        let login = [&login[..], &["--writers", "4"]].concat();
        let (_, again) = replayed(&tester, &login);
        (url, first, report, without, again)
    });
    let (url, first, report, without, again) = runs.await.unwrap();
    assert_eq!(first.code, 1, "{first}");
    assert_eq!(ids(&report), ["A1", "B1", "B2", "B8"], "{first}");
    assert!(!report.to_string().contains("s3cret"), "{report}");

    assert_eq!((without.code, &*without.out), (2, ""), "{without}");
    for asks in [
        "`--header authorization: $AUTHORIZATION`",
        "`--header x-tenant: $SECRET_X_TENANT`",
    ] {
        assert!(without.errors.contains(asks), "{without}");
    }

    assert_eq!((&report["seed"], &again["seed"]), (&json!(7), &json!(7)));
    assert_eq!(ids(&again), ["B1", "B2", "B8"], "{again}");
    let mut told: Vec<_> = again["arguments"].as_array().unwrap().iter().collect();
    told.sort_by_key(|word| word.as_str());
    let mut expected = [
        &*url,
        "--header",
        "x-tenant: $SECRET_X_TENANT",
        "--header",
        "authorization: $AUTHORIZATION",
        "--method",
        "PUT",
        "--writers",
        "4",
        "--only",
        "B1,B2,B8",
        "--seed",
        "7",
        "--timeout",
        "5",
    ];
    expected.sort();
    assert_eq!(json!(told), json!(expected));
}

/// Of a description, every resource is made again.
#[tokio::test(flavor = "multi_thread")]
async fn what_failed_of_a_description_is_run_again() {
    let server = Server::start();
    let tester = Tester::new();
    let path = json!({
        "get": { "responses": { "200": { "description": "the note" } } },
        "put": {
            "requestBody": { "content": { "application/json": { "example": { "title": "Draft" } } } },
            "responses": { "200": { "description": "written" } },
        },
    });
    tester.describe_notes("notes.json", &path);
    let options = [
        "--openapi",
        "notes.json",
        "--base",
        server.url(),
        "--writers",
        "2",
    ];
    let (first, report) =
        tester.check(&[&options[..], &["--only", "A1,B1,E1", "--fail-on", "info"]].concat());
    assert_eq!(first.code, 1, "{first}");
    assert_eq!(ids(&report), ["E1", "A1", "B1"], "{first}");
    // What it takes to end with 1 is said of each run.
    let run = replay(&tester, &[]);
    assert_eq!(run.code, 0, "{run}");
    let (run, again) = replayed(&tester, &["--fail-on", "info"]);
    assert_eq!(ids(&again), ["E1"], "{run}");
}

/// Of scenarios, those that failed: each by its name, with the variables that it had.
#[tokio::test(flavor = "multi_thread")]
async fn scenarios_that_failed_are_run_again() {
    let server = Server::start();
    let tester = Tester::new();
    let scenario = |name: &str, status: u16| {
        format!(
            "base: \"{{{{address}}}}\"\nscenario: {name}\nsteps:\n  - GET: /api/notes/absent\n    expect: {{status: {status}}}\n"
        )
    };
    tester.write("absent.yaml", &scenario("absent", 404));
    tester.write("present.yaml", &scenario("present", 200));
    let address = format!("address={}", server.url());
    let (first, report) = tester.check(&[
        "absent.yaml",
        "present.yaml",
        "--var",
        &address,
        "--seed",
        "3",
    ]);
    assert_eq!(ids(&report), ["absent", "present"], "{first}");
    let (run, again) = replayed(&tester, &[]);
    assert_eq!(ids(&again), ["present"], "{run}");
    assert_eq!(again["seed"], 3, "{run}");
}

/// Where nothing failed there is nothing to run.
#[test]
fn a_clean_report_is_not_run_again() {
    let tester = Tester::new();
    let url = "http://127.0.0.1:4090/one";
    let failed = json!({ "id": "restore", "verdict": "fail" });
    for probes in [json!([]), json!([failed])] {
        let report = json!({ "arguments": [url], "seed": 1, "probes": probes });
        tester.write("report.json", &report.to_string());
        let run = replay(&tester, &[]);
        assert_eq!(run.code, 0, "{run}");
        assert!(run.out.contains("nothing failed"), "{run}");
    }
}
