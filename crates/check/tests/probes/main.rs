//! Does the tester find what is wrong with a server, and nothing where nothing is?

#[path = "../servers/mod.rs"]
mod servers;

mod examination; // the tester, called as the servers' tables say

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use detente_check::{Grade, Severity, Verdict};
use examination::{Examination, Finding, examine};
use servers::{Broken, Correct, Expected, Pages};

/// How often each server is examined: once in CI; `DETENTE_CHECK_RUNS=100` measures how sure the tester is.
fn runs() -> usize {
    std::env::var("DETENTE_CHECK_RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(1)
}

/// Only servers whose names hold this: `DETENTE_CHECK_SERVER=held-body`.
fn is_wanted(name: &str) -> bool {
    std::env::var("DETENTE_CHECK_SERVER").map_or(true, |wanted| name.contains(&wanted))
}

/// Examinations that go on at one time: most of one is waiting. `DETENTE_CHECK_AT_ONCE=4` has fewer.
fn at_once() -> usize {
    std::env::var("DETENTE_CHECK_AT_ONCE")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(16)
}

/// Examines each of the servers as often as is wanted, several at a time; for each, what came of its examinations.
fn each<S: Sync, T: Send>(servers: &[S], examination: impl Fn(&S) -> T + Sync) -> Vec<Vec<T>> {
    let outcomes: Vec<_> = servers.iter().map(|_| Mutex::new(Vec::new())).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_once() {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= servers.len() * runs() {
                        break;
                    }
                    let which = turn % servers.len();
                    let outcome = examination(&servers[which]);
                    outcomes[which]
                        .lock()
                        .expect("nobody panics with it")
                        .push(outcome);
                }
            });
        }
    });
    outcomes
        .into_iter()
        .map(|outcomes| outcomes.into_inner().expect("nobody panics with it"))
        .collect()
}

#[test]
fn every_defect_is_found_by_the_probe_for_it() {
    let servers: Vec<_> = servers::broken()
        .into_iter()
        .filter(|server| is_wanted(server.name))
        .collect();
    let sightings = each(&servers, sighting);
    let failures: String = servers
        .iter()
        .zip(sightings)
        .filter_map(|(server, sightings)| failure_to_find(server, &sightings))
        .collect();
    assert!(failures.is_empty(), "{failures}");
}

/// What one examination of a broken server saw.
struct Sighting {
    is_missed: bool,
    is_alarm: bool,
    /// The findings that matter, if it is either.
    told: String,
}

fn sighting(server: &Broken) -> Sighting {
    let running = server.start();
    let Examination { findings, grade } = examine(&running, &server.options());
    let is_found = |expected: &Expected, finding: &Finding| {
        finding.verdict == Verdict::Fail
            && finding.probe == expected.probe
            && finding.severity == expected.severity
    };
    let is_missed = server
        .expect
        .iter()
        .any(|it| !findings.iter().any(|finding| is_found(it, finding)))
        || loses_all(server) && grade != Grade::F;
    let is_alarm = findings.iter().any(|finding| {
        finding.verdict == Verdict::Fail
            && !server.expect.iter().any(|it| is_found(it, finding))
            && !server.also.contains(&finding.probe.as_str())
    });
    let told = match is_missed || is_alarm {
        true => told(&findings, |finding| {
            finding.verdict == Verdict::Fail
                || server.expect.iter().any(|it| it.probe == finding.probe)
        }),
        false => String::new(),
    };
    Sighting {
        is_missed,
        is_alarm,
        told,
    }
}

/// No validator protects a write, whether there is one or not: taking it away makes nothing better.
fn loses_all(server: &Broken) -> bool {
    let is_it = |it: &Expected| it.probe == "B1" && it.severity == Severity::Critical;
    server.expect.iter().any(is_it)
}

/// Ninety-nine of a hundred have to see what is there, and nothing else.
fn failure_to_find(server: &Broken, sightings: &[Sighting]) -> Option<String> {
    let missed = sightings.iter().filter(|it| it.is_missed).count();
    let alarms = sightings.iter().filter(|it| it.is_alarm).count();
    if missed + alarms > 0 {
        println!(
            "{}: missed {missed}, alarms besides {alarms}, of {}",
            server.name,
            sightings.len()
        );
    }
    let is_enough = |failures: usize| failures * 100 <= sightings.len();
    (!is_enough(missed) || !is_enough(alarms)).then(|| {
        let examples: Vec<_> = sightings
            .iter()
            .map(|sighting| sighting.told.as_str())
            .filter(|told| !told.is_empty())
            .take(3)
            .collect();
        format!(
            "{} ({}) expects {:?}: missed {missed}, alarms besides {alarms}, of {}\n{}\n",
            server.name,
            server.defect,
            server.expect,
            sightings.len(),
            examples.join("    or\n")
        )
    })
}

#[test]
fn a_correct_server_raises_no_alarm() {
    let servers: Vec<_> = servers::correct()
        .into_iter()
        .filter(|server| is_wanted(server.name))
        .collect();
    // Not one in all runs is forgiven.
    let failures: String = each(&servers, false_alarm)
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert!(failures.is_empty(), "{failures}");
}

fn false_alarm(server: &Correct) -> Option<String> {
    let running = server.start();
    let Examination { findings, grade } = examine(&running, &server.options());
    let is_alarm = |finding: &Finding| {
        finding.verdict == Verdict::Fail
            && !server
                .shortfalls
                .iter()
                .any(|it| it.probe == finding.probe && it.severity == finding.severity)
    };
    // What nothing could be said of is no alarm; but a tester that says nothing of anything is no use.
    let judged = findings
        .iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Pass | Verdict::Fail))
        .count();
    let is_graded = match leaves_it_to_clients(server) {
        true => grade == Grade::C,
        false => grade <= Grade::B,
    };
    // Whom it lets in is found out by asking.
    let is_open = server.speaks.pages != Pages::Own;
    let of_pages = |finding: &Finding| finding.probe == "A7" && finding.verdict == Verdict::Pass;
    let is_asked = !is_open || findings.iter().any(of_pages);
    let has_alarm = findings.iter().any(is_alarm);
    (has_alarm || judged < LEAST_JUDGED || !is_graded || !is_asked).then(|| {
        format!(
            "{} ({}), {judged} judged: {grade}\n{}\n",
            server.name,
            server.dialect,
            told(&findings, |finding| is_alarm(finding)
                || finding.verdict == Verdict::Inconclusive)
        )
    })
}

/// It protects those who ask, and nobody else.
fn leaves_it_to_clients(server: &Correct) -> bool {
    server.shortfalls.iter().any(|it| it.probe == "B8")
}

/// Probes that have something to say of any server that can be written to.
const LEAST_JUDGED: usize = 20;

fn told(findings: &[Finding], which: impl Fn(&Finding) -> bool) -> String {
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| which(finding)) {
        let _ = writeln!(
            text,
            "    {:4} {:?} {} {}",
            finding.probe, finding.verdict, finding.severity, finding.reason
        );
    }
    text
}
