//! Does the tester find what is wrong with a server, and nothing where nothing is?

#[path = "../servers/mod.rs"]
mod servers;

mod examination; // the tester, called as the servers' tables say

use std::fmt::Write as _;

use detente_check::Verdict;
use examination::{Finding, examine};

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

#[test]
fn every_defect_is_found_by_the_probe_for_it() {
    let mut failures = String::new();
    for server in servers::broken() {
        if !is_wanted(server.name) {
            continue;
        }
        let (mut missed, mut alarms) = (0, 0);
        let mut example = String::new();
        for _ in 0..runs() {
            let running = server.start();
            let findings = examine(&running, &server.options());
            let is_expected = |finding: &Finding| {
                server
                    .expect
                    .iter()
                    .any(|it| finding.probe == it.probe && finding.severity == it.severity)
            };
            let is_missed = server.expect.iter().any(|it| {
                !findings.iter().any(|finding| {
                    finding.verdict == Verdict::Fail
                        && finding.probe == it.probe
                        && finding.severity == it.severity
                })
            });
            let is_alarm = findings.iter().any(|finding| {
                finding.verdict == Verdict::Fail
                    && !is_expected(finding)
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
        if missed * 100 > runs() || alarms * 100 > runs() {
            let _ = writeln!(
                failures,
                "{} ({}) expects {:?}: missed {missed}, alarms besides {alarms}, of {}\n{example}",
                server.name,
                server.defect,
                server
                    .expect
                    .iter()
                    .map(|it| (it.probe, it.severity))
                    .collect::<Vec<_>>(),
                runs()
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_correct_server_raises_no_alarm() {
    let mut failures = String::new();
    for server in servers::correct() {
        if !is_wanted(server.name) {
            continue;
        }
        for run in 1..=runs() {
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
            if findings.iter().any(is_alarm) || judged < 12 {
                let _ = writeln!(
                    failures,
                    "{} ({}), run {run}, {judged} judged\n{}",
                    server.name,
                    server.dialect,
                    told(&findings, |finding| is_alarm(finding)
                        || finding.verdict == Verdict::Inconclusive)
                );
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

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
