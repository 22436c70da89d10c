use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use detente_check::{ProbeReport, Report, Severity};
use detente_judge::history::{History, Operation};
use detente_judge::{Judgement, Rules, Verdict, Violation, judge};

use super::reporting::Reporting;
use crate::command::Failure;

/// What is known about the server on which a history was recorded.
#[derive(Debug, Args)]
pub(super) struct Known {
    /// Trust refusals: a refused operation proves that its precondition did not hold
    #[arg(long, requires = "history", conflicts_with_all = ["targets", "openapi", "replay"], help_heading = "History")]
    trust_refusals: bool,
    /// Tags are unique: the server never gives a tag twice, not even to equal content
    #[arg(long, requires = "history", conflicts_with_all = ["targets", "openapi", "replay"], help_heading = "History")]
    unique_tags: bool,
    /// How many seconds a search may take
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        requires = "history",
        conflicts_with_all = ["targets", "openapi", "replay"],
        help_heading = "History"
    )]
    search: u64,
}

/// Judges a recorded history, and prints what contradicts itself in it.
pub(super) fn judge_file(file: &Path, known: &Known, reporting: &Reporting) -> Result<(), Failure> {
    let source = File::open(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(Failure::Usage)?;
    let history = History::read(BufReader::with_capacity(1 << 16, source))
        .map_err(|error| Failure::Usage(anyhow!("{}: {error}", file.display())))?;
    let rules = Rules {
        trusts_refusals: known.trust_refusals,
        tags_are_unique: known.unique_tags,
        ..Rules::default()
    };
    let begun = Instant::now();
    let limit = Duration::from_secs(known.search);
    let judgement = judge(&history, &rules, &mut || begun.elapsed() > limit);
    let took = begun.elapsed();
    print!("{}", told(&history, &judgement, took));
    reporting.keep(Report {
        arguments: reporting.arguments.clone(),
        ..report(file, history, &judgement, took)
    })
}

/// The verdict as that of a run with one question.
fn report(file: &Path, history: History, judgement: &Judgement, took: Duration) -> Report {
    let (verdict, reason) = match &judgement.verdict {
        _ if judgement.operations == 0 => (detente_check::Verdict::Inconclusive, NOTHING.into()),
        Verdict::Linearizable => (
            detente_check::Verdict::Pass,
            format!(
                "It could have been, one operation after the other: {}.",
                over(judgement)
            ),
        ),
        Verdict::Unknown { reason } => (detente_check::Verdict::Inconclusive, reason.to_string()),
        Verdict::Violation(violation) => (
            detente_check::Verdict::Fail,
            contradiction(&history, violation).trim_end().to_owned(),
        ),
    };
    let target = file.display().to_string();
    Report {
        target: target.clone(),
        arguments: Vec::new(),
        grade: None,
        seed: 0,
        protocols: Vec::new(),
        spread: None,
        probes: vec![ProbeReport {
            id: "history".into(),
            subject: target,
            title: "Could what was recorded have been, one operation after the other?".into(),
            severity: Severity::Critical,
            verdict,
            reason,
            why: "Herlihy and Wing 1990: linearizability, the one guarantee that a compare-and-set rests on."
                .into(),
            trials: 1,
            overlapping: 0,
            evidence: Vec::new(),
            is_resendable: false,
        }],
        lost_updates: Vec::new(),
        history: Some(history),
        exchanges: Vec::new(),
        took,
    }
}

const NOTHING: &str = "there is nothing to judge: it has no operation";

fn told(history: &History, judgement: &Judgement, took: Duration) -> String {
    let over = format!("{} in {took:.1?}", over(judgement));
    match &judgement.verdict {
        _ if judgement.operations == 0 => format!("{NOTHING}\n"),
        Verdict::Linearizable => {
            format!("linearizable: it could have been, one operation after the other\n{over}\n")
        }
        Verdict::Unknown { reason } => format!("unknown: {reason}\n{over}\n"),
        Verdict::Violation(violation) => format!("{}{over}\n", contradiction(history, violation)),
    }
}

fn over(judgement: &Judgement) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    format!(
        "{} on {}, judged as a {}",
        count(judgement.operations, "operation"),
        count(judgement.keys, "resource"),
        judgement.method.name()
    )
}

fn contradiction(history: &History, violation: &Violation) -> String {
    let mut text = format!(
        "violation: {}, on {}\n{}\n\nThese contradict each other:\n",
        violation.kind.name(),
        violation.key,
        violation.explanation
    );
    for place in &violation.witness {
        if let Some(operation) = history.get(*place) {
            text.push_str(&line(*place, &operation));
        }
    }
    text.push('\n');
    text
}

fn line(place: usize, operation: &Operation<'_>) -> String {
    let ended = match operation.ended {
        Some(ended) => format!("{ended:>10}"),
        None => "     never".into(),
    };
    let mut text = format!(
        "  {:>7}  {:>10} - {ended} µs  {:12} {:16} {:8}",
        place + 1,
        operation.begun,
        operation.actor,
        operation.kind.name(),
        operation.outcome.name()
    );
    for (name, value) in [
        ("base", &operation.base),
        ("expected", &operation.expected),
        ("value", &operation.value),
        ("tag", &operation.tag),
    ] {
        if let Some(value) = value {
            text.push_str(&format!(" {name} {value}"));
        }
    }
    if operation.absent {
        text.push_str(" nothing there");
    }
    text.push('\n');
    text
}
