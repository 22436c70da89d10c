//! What a report prints to see a finding again, in a shell, on the server that has the defect.

#[path = "../../../crates/check/tests/servers/mod.rs"]
mod servers;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::tester::{Tester, probe};
use crate::server::program;
use servers::Broken;

/// What a run told of one probe, and what the lines printed that it gave.
struct Seen {
    told: String,
    /// The lines.
    script: String,
    printed: String,
    report: Value,
}

/// Runs one probe against a broken server, and then the lines that its report gives.
fn seen(server: &Broken, id: &str) -> Seen {
    let running = server.start();
    let tester = Tester::new();
    let mut arguments = vec![&*running.resource, "--only", only(id), "--writers", "2,8"];
    let body = running.create.as_ref().map(|call| {
        tester.write("body.json", &call.body);
        format!("{} {}", call.method, call.path)
    });
    // What is made by PUT is made without any help.
    if let Some(create) = body.as_deref().filter(|_| id == "B9") {
        arguments.extend(["--create", create, "--body", "body.json"]);
    }
    // A race may end well by chance.
    let mut runs = ["7", "8", "9"].into_iter().map(|seed| {
        let seeded = [&arguments[..], &["--seed", seed]].concat();
        let (run, report) = tester.check(&seeded);
        let script = lines(&run.out, id);
        (run, report, script)
    });
    let found = runs.find_map(|(run, report, script)| Some((run, report, script?)));
    let (run, report, script) = found.unwrap_or_else(|| panic!("{}: {id}", server.name));
    let printed = shell(&tester, &script);
    Seen {
        told: run.out,
        script,
        printed,
        report,
    }
}

/// Probes that look at what others saw are asked together with those.
fn only(id: &str) -> &str {
    match id {
        "C6" => "B1,B9,C6",
        "C8" => "B8,C8",
        "D13" => "B1,D13",
        id => id,
    }
}

/// The lines that are given for a finding.
fn lines(told: &str, id: &str) -> Option<String> {
    let (_, finding) = told.split_once(&format!("\n{id}  "))?;
    let (_, lines) = finding.split_once("To see it again:\n")?;
    let mut script = String::new();
    for line in lines.lines() {
        // A body of several lines goes on as it is, up to its closing quote.
        let is_in_quotes = script.matches('\'').count() % 2 == 1;
        let Some(line) = line
            .strip_prefix("        ")
            .or(is_in_quotes.then_some(line))
        else {
            break;
        };
        script.push_str(line);
        script.push('\n');
    }
    Some(script)
}

/// Pastes them into a shell that finds the program.
fn shell(tester: &Tester, script: &str) -> String {
    let program = program();
    let folder = Path::new(program.get_program()).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-uc", script])
        .env("PATH", path)
        .env("no_proxy", "*")
        .current_dir(tester.folder())
        .output()
        .expect("a shell runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    // The program says there how it ended.
    let is_program = script.starts_with("detente ");
    assert!(is_program || errors.is_empty(), "{script}\n{errors}");
    printed.into_owned()
}

/// Status codes, in their order.
fn statuses(printed: &str) -> Vec<u64> {
    let heads = printed.lines().filter(|line| line.starts_with("HTTP/"));
    let codes = heads.filter_map(|line| line.split(' ').nth(1)?.parse().ok());
    codes.collect()
}

/// Those of what shows the finding, but for reads whose tag alone is wanted.
fn expected(report: &Value, id: &str, script: &str) -> Vec<u64> {
    let evidence = probe(report, id)["evidence"].as_array().unwrap().iter();
    let mut codes: Vec<_> = evidence
        .map(|it| {
            (
                it["request"]["method"] == "GET",
                it["response"]["status"].as_u64().unwrap(),
            )
        })
        .collect();
    // These are read into variables, the first ones first.
    for _ in 0..script.matches("; echo ").count() {
        let read = codes.iter().position(|(is_read, _)| *is_read).unwrap();
        codes.remove(read);
    }
    codes.into_iter().map(|(_, code)| code).collect()
}

/// One finding of every broken server of these families: curl is answered as the tester was.
#[test]
fn what_one_client_can_see_curl_shows() {
    let mut by_curl = 0;
    for server in servers::broken() {
        let Some(expectation) = server.expect.first() else {
            continue;
        };
        let id = expectation.probe;
        if id >= "D" {
            continue;
        }
        let seen = seen(&server, id);
        let context = format!("{}\n{}\n{}", server.name, seen.script, seen.printed);
        if seen.script.starts_with("detente ") {
            assert!(seen.printed.contains(&format!("\n{id}  ")), "{context}");
            continue;
        }
        by_curl += 1;
        assert_eq!(
            statuses(&seen.printed),
            expected(&seen.report, id, &seen.script),
            "{context}\n{}",
            seen.told
        );
    }
    assert!(by_curl > 25, "{by_curl}");
}

/// Those of a race have to be released together: the tester does it again.
#[test]
fn what_races_the_tester_shows() {
    for (name, id) in [
        ("check-then-write", "D1"),
        ("head-checked", "D2"),
        ("two-creators", "D3"),
        ("delete-races", "D9"),
        ("dropped-write", "D13"),
        ("late-write", "D16"),
    ] {
        let server = broken(name);
        let seen = seen(&server, id);
        assert!(
            seen.script.starts_with("detente check http"),
            "{}",
            seen.script
        );
        assert!(
            seen.printed.contains(&format!("\n{id}  critical")),
            "{name}\n{}\n{}",
            seen.script,
            seen.printed
        );
    }
}

fn broken(name: &str) -> Broken {
    let found = servers::broken()
        .into_iter()
        .find(|server| server.name == name);
    found.unwrap_or_else(|| panic!("{name} is a server"))
}

/// What is to be seen in particular, and that all is as it was before.
#[test]
fn it_is_there_to_be_seen() {
    let seen_of = |name, id| {
        let seen = seen(&broken(name), id);
        println!("{name} {id}\n{}\n{}", seen.script, seen.printed);
        seen
    };
    // A tag that comes back with the content.
    let tags = seen_of("hashed-tag", "A6").printed;
    let tags: Vec<_> = tags
        .lines()
        .filter_map(|line| line.strip_prefix("etag: "))
        .map(str::trim)
        .collect();
    let [_, first, other, again] = tags[..] else {
        panic!("{tags:?}")
    };
    assert!(first == again && first != other, "{tags:?}");
    // A stale tag, accepted.
    let stale = seen_of("if-match-ignored", "B1");
    assert!(
        stale.script.contains("\"if-match: $etag"),
        "{}",
        stale.script
    );
    assert!(statuses(&stale.printed).contains(&200), "{}", stale.printed);
    // A stale tag, told before a body that nobody can read.
    let both = statuses(&seen_of("stale-before-invalid", "B11").printed);
    assert_eq!(both, [400, 412]);
    // A tag that the next read does not give.
    let strange = seen_of("strange-tag-on-write", "A5").printed;
    let tags: Vec<_> = strange
        .lines()
        .filter(|line| line.starts_with("etag: "))
        .collect();
    assert!(tags.len() == 2 && tags[0] != tags[1], "{strange}");
    // A conflict that says nothing.
    let empty = seen_of("empty-conflict", "C1").printed;
    assert_eq!(statuses(&empty), [412], "{empty}");
}
