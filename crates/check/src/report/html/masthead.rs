use std::fmt::Write as _;
use std::time::SystemTime;

use detente_core::Moment;

use super::escape::Text;
use super::figure;
use crate::model::{Grade, Protocol, Report, Severity, Verdict};

pub(super) const SEVERITIES: [Severity; 5] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
    Severity::Info,
];

/// What was examined, when and how, and what came of it: all that is read by who reads no further.
pub(super) fn masthead(report: &Report, exchanges: usize, begun_at: SystemTime) -> String {
    let (class, meaning) = match report.grade {
        Some(grade) => (class(grade), meaning(grade)),
        None if report.findings().is_empty() => ("good", "every scenario holds"),
        None => ("bad", "not every scenario holds"),
    };
    let mut html = format!(
        "<header class=\"masthead\">\n<div class=\"grade {class}\"><b aria-label=\"{label}\">{mark}</b>\
         <span>{meaning}</span></div>\n<div class=\"what\"><p class=\"kind\">Detente: lost updates and races</p>\n<h1>{}</h1>\n",
        Text(&report.target),
        label = match report.grade {
            Some(grade) => format!("Grade {grade}"),
            None => meaning.to_owned(),
        },
        mark = mark(report),
    );
    counts(&mut html, report);
    html.push_str("</div>\n<dl class=\"facts\">");
    let mut fact = |name: &str, value: &str| {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(value));
    };
    fact("Begun", &when(begun_at));
    fact("Took", &figure::time(report.took));
    fact("Exchanges", &figure::count(exchanges));
    fact("Protocols", &protocols(&report.protocols));
    fact("Release spread", &spread(report));
    fact("Rerun with", &format!("--seed {}", report.seed));
    html.push_str("</dl>\n</header>\n");
    html
}

/// The grade, in the fewest letters; of scenarios, whether all hold.
pub(super) fn mark(report: &Report) -> String {
    match report.grade {
        Some(grade) => grade.to_string(),
        None if report.findings().is_empty() => "✓".into(),
        None => "✗".into(),
    }
}

/// How many findings of each severity, and what came of the other probes.
fn counts(html: &mut String, report: &Report) {
    html.push_str("<ul class=\"counts\">");
    let mut count = |class: &str, number: usize, name: &str, target: &str| {
        let _ = if number == 0 {
            write!(html, "<li class=\"{class} none\"><b>0</b> {name}</li>")
        } else {
            write!(
                html,
                "<li class=\"{class}\"><a href=\"#{target}\"><b>{}</b> {name}</a></li>",
                figure::count(number)
            )
        };
    };
    for severity in SEVERITIES {
        let found = report
            .probes
            .iter()
            .filter(|probe| probe.verdict == Verdict::Fail && probe.severity == severity);
        let name = severity.to_string();
        count(&name, found.count(), &name, "findings");
    }
    let came_to = |verdict| {
        report
            .probes
            .iter()
            .filter(|probe| probe.verdict == verdict)
            .count()
    };
    count(
        "inconclusive",
        came_to(Verdict::Inconclusive),
        "not judged",
        "inconclusive",
    );
    count("passed", came_to(Verdict::Pass), "passed", "passed");
    count("skipped", came_to(Verdict::Skipped), "skipped", "skipped");
    html.push_str("</ul>\n");
}

fn class(grade: Grade) -> &'static str {
    match grade {
        Grade::APlus | Grade::A => "good",
        Grade::B | Grade::C => "fair",
        Grade::D | Grade::F => "bad",
        Grade::Ungraded => "open",
    }
}

fn meaning(grade: Grade) -> &'static str {
    match grade {
        Grade::APlus => "Nothing found; preconditions are asked for, and races held in every place",
        Grade::A => "Nothing found that loses or harms a write",
        Grade::B => "Nothing is lost; clients are served less well than they could be",
        Grade::C => "Whoever sends no precondition overwrites others unseen",
        Grade::D => "Preconditions do not hold as clients need them to",
        Grade::F => "A write that was accepted is lost, or state is broken",
        Grade::Ungraded => "Too little could be judged for a grade",
    }
}

fn protocols(protocols: &[Protocol]) -> String {
    let names: Vec<_> = protocols
        .iter()
        .map(|protocol| protocol_name(*protocol))
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

pub(super) fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
    }
}

fn spread(report: &Report) -> String {
    report.spread.map_or_else(
        || "nothing was".to_owned(),
        |spread| {
            format!(
                "{} (median of {}), {} (99th percentile)",
                figure::time(spread.median),
                figure::count(spread.volleys as usize),
                figure::time(spread.p99)
            )
        },
    )
}

/// `2026-03-14 09:26:53 UTC`.
fn when(time: SystemTime) -> String {
    let text = Moment::from(time).to_string();
    let seconds = text.split('.').next().unwrap_or(&text);
    format!("{} UTC", seconds.replace('T', " "))
}
