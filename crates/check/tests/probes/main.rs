//! Does the tester find what is wrong with a server, and nothing where nothing is?

#[path = "../servers/mod.rs"]
mod servers;

mod examination; // the tester, called as the servers' tables say

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use detente_check::Verdict;
use examination::{Finding, examine};
use servers::{Broken, Correct, Expected};

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

/// Servers that are examined at one time: most of an examination is waiting.
const AT_ONCE: usize = 8;

/// Examines each of the servers, several at a time; what was wrong, if anything was.
fn each<T: Sync>(servers: &[T], judge: impl Fn(&T) -> Option<String> + Sync) -> String {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(server) = servers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = judge(server) {
                        failures
                            .lock()
                            .expect("nobody panics with it")
                            .push_str(&failure);
                    }
                }
            });
        }
    });
    failures.into_inner().expect("nobody panics with it")
}

#[test]
fn every_defect_is_found_by_the_probe_for_it() {
    let servers: Vec<_> = servers::broken()
        .into_iter()
        .filter(|server| is_wanted(server.name))
        .collect();
    let failures = each(&servers, failure_to_find);
    assert!(failures.is_empty(), "{failures}");
}

fn failure_to_find(server: &Broken) -> Option<String> {
    let (mut missed, mut alarms) = (0, 0);
    let mut example = String::new();
    for _ in 0..runs() {
        let running = server.start();
        let findings = examine(&running, &server.options());
        let is_found = |expected: &Expected, finding: &Finding| {
            finding.verdict == Verdict::Fail
                && finding.probe == expected.probe
                && finding.severity == expected.severity
        };
        let is_missed = server
            .expect
            .iter()
            .any(|it| !findings.iter().any(|finding| is_found(it, finding)));
        let is_alarm = findings.iter().any(|finding| {
            finding.verdict == Verdict::Fail
                && !server.expect.iter().any(|it| is_found(it, finding))
                && !server.also.contains(&finding.probe.as_str())
        });
        missed += usize::from(is_missed);
        alarms += usize::from(is_alarm);
        if is_missed || is_alarm {
            example = told(&findings, |finding| {
                finding.verdict == Verdict::Fail
                    || server.expect.iter().any(|it| it.probe == finding.probe)
            });
        }
    }
    // Ninety-nine of a hundred.
    (missed * 100 > runs() || alarms * 100 > runs()).then(|| {
        format!(
            "{} ({}) expects {:?}: missed {missed}, alarms besides {alarms}, of {}\n{example}\n",
            server.name,
            server.defect,
            server.expect,
            runs()
        )
    })
}

#[test]
fn a_correct_server_raises_no_alarm() {
    let servers: Vec<_> = servers::correct()
        .into_iter()
        .filter(|server| is_wanted(server.name))
        .collect();
    let failures = each(&servers, false_alarm);
    assert!(failures.is_empty(), "{failures}");
}

/// Not one in all runs is forgiven.
fn false_alarm(server: &Correct) -> Option<String> {
    (1..=runs()).find_map(|run| {
        let running = server.start();
        let findings = examine(&running, &server.options());
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
        (findings.iter().any(is_alarm) || judged < LEAST_JUDGED).then(|| {
            format!(
                "{} ({}), run {run}, {judged} judged\n{}\n",
                server.name,
                server.dialect,
                told(&findings, |finding| is_alarm(finding)
                    || finding.verdict == Verdict::Inconclusive)
            )
        })
    })
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
