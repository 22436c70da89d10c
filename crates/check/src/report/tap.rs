use std::fmt::Write as _;

use serde_json::Value;

use super::{again, curl, grade};
use crate::model::{ProbeReport, Report, Verdict};

/// A report as TAP 14: a line for each probe, with diagnostics in YAML.
pub(super) fn tap(report: &Report) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.probes.len());
    for (index, probe) in report.probes.iter().enumerate() {
        line(&mut text, index + 1, report, probe);
    }
    let _ = writeln!(
        text,
        "# {}: grade {}, seed {}",
        one_line(&report.target),
        grade(report),
        report.seed
    );
    text
}

fn line(text: &mut String, number: usize, report: &Report, probe: &ProbeReport) {
    let ok = match probe.verdict {
        Verdict::Fail => "not ok",
        _ => "ok",
    };
    let skip = match probe.verdict {
        Verdict::Inconclusive | Verdict::Skipped => format!(" # SKIP {}", one_line(&probe.reason)),
        Verdict::Pass | Verdict::Fail => String::new(),
    };
    let _ = writeln!(text, "{ok} {number} - {}{skip}", escaped(&probe.name()));
    if probe.verdict == Verdict::Fail {
        diagnostics(text, report, probe);
    }
}

/// A string of JSON is one of YAML, too.
fn diagnostics(text: &mut String, report: &Report, probe: &ProbeReport) {
    let quoted = |text: &str| Value::from(text).to_string();
    let _ = writeln!(
        text,
        "  ---\n  severity: {}\n  subject: {}\n  message: {}\n  why: {}\n  fix: {}\n  trials: {}\n  overlapping: {}\n  evidence:",
        probe.severity,
        quoted(&probe.subject),
        quoted(&probe.reason),
        quoted(&probe.why),
        super::fix(probe).map_or_else(|| "null".into(), quoted),
        probe.trials,
        probe.overlapping
    );
    for evidence in &probe.evidence {
        let _ = writeln!(
            text,
            "    - note: {}\n      request: {}\n      status: {}",
            quoted(&evidence.note),
            quoted(&curl::command(&evidence.exchange.request)),
            match evidence.exchange.status() {
                Some(status) => status.as_u16().to_string(),
                None => "null".into(),
            }
        );
    }
    text.push_str("  again:\n");
    for line in again::lines(report, probe) {
        let _ = writeln!(text, "    - {}", quoted(&line));
    }
    text.push_str("  ...\n");
}

/// What stands before a directive: `#` would begin one.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
