use std::fmt::Write as _;

use super::{Style, again};
use crate::model::{Evidence, ProbeReport, Protocol, Reply, Report, Verdict};

/// Letters of a body that are shown.
const MOST_BODY: usize = 240;

/// A report for people: the grade, the findings from bad to harmless, what could not be judged, what holds.
pub fn terminal(report: &Report, style: &Style) -> String {
    let mut text = String::new();
    head(&mut text, report, *style);
    for finding in report.findings() {
        tell(&mut text, report, finding, *style);
    }
    lost_updates(&mut text, report, *style);
    unjudged(&mut text, report, *style);
    held(&mut text, report, *style);
    text
}

fn head(text: &mut String, report: &Report, style: Style) {
    let grade = match report.grade {
        Some(grade) => style.grade(grade),
        None if !report.findings().is_empty() => style.verdict(Verdict::Fail),
        None if !report.of(Verdict::Inconclusive).is_empty() => {
            style.verdict(Verdict::Inconclusive)
        }
        None => style.verdict(Verdict::Pass),
    };
    let _ = writeln!(text, "\n  {grade}   {}\n", style.bold(&report.target));
    let count = |verdict| report.of(verdict).len();
    let _ = writeln!(
        text,
        "      {} failed, {} passed, {} unclear, {} not applicable; {:.1} s, seed {}",
        count(Verdict::Fail),
        count(Verdict::Pass),
        count(Verdict::Inconclusive),
        count(Verdict::Skipped),
        report.took.as_secs_f64(),
        report.seed
    );
    if let Some(spread) = report.spread {
        let protocols: Vec<_> = report.protocols.iter().map(|it| name(*it)).collect();
        let over = match protocols.is_empty() {
            true => String::new(),
            false => format!(" over {}", protocols.join(" and ")),
        };
        let _ = writeln!(
            text,
            "      {} races{over}; release spread {} (median), {} (99 %)",
            spread.volleys,
            micros(spread.median),
            micros(spread.p99)
        );
    }
}

fn tell(text: &mut String, report: &Report, finding: &ProbeReport, style: Style) {
    let _ = writeln!(
        text,
        "\n{}  {}  {}",
        style.bold(&finding.id),
        style.severity(finding.severity),
        style.bold(if finding.title == finding.id {
            ""
        } else {
            &finding.title
        })
    );
    if finding.subject != report.target {
        let _ = writeln!(text, "      {}", style.faint(&finding.subject));
    }
    text.push_str(&style.wrapped(&finding.reason, 6));
    if !finding.evidence.is_empty() {
        text.push('\n');
        for evidence in &finding.evidence {
            show(text, evidence, style);
        }
    }
    text.push('\n');
    text.push_str(&style.wrapped(&format!("Why: {}", finding.why), 6));
    if let Some(fix) = super::fix(finding) {
        text.push_str(&style.wrapped(&format!("How to fix: {fix}"), 6));
    }
    reproduction(text, report, finding, style);
}

/// What was sent, and what came back, with tags below each other.
fn show(text: &mut String, evidence: &Evidence, style: Style) {
    let exchange = &evidence.exchange;
    let _ = writeln!(
        text,
        "      {} {}",
        style.faint(&format!(
            "{:>6.1} ms",
            exchange.begun.as_secs_f64() * 1000.0
        )),
        evidence.note
    );
    let _ = writeln!(
        text,
        "        > {} {}  {}",
        exchange.request.method,
        exchange.request.url.path(),
        style.faint(&exchange.actor)
    );
    for name in [
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "idempotency-key",
    ] {
        if let Some(value) = exchange
            .request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
        {
            let _ = writeln!(text, "        >   {name:20} {value}");
        }
    }
    body(text, '>', &exchange.request.body);
    match &exchange.reply {
        Reply::Missing(unsure) => {
            let _ = writeln!(text, "        < {unsure}");
        }
        Reply::Received(response) => {
            let _ = writeln!(text, "        < {}", response.status);
            for name in ["etag", "last-modified", "location"] {
                if let Some(value) = response.header(name) {
                    let _ = writeln!(text, "        <   {name:20} {value}");
                }
            }
            body(text, '<', &response.body);
        }
    }
}

fn body(text: &mut String, side: char, body: &[u8]) {
    if body.is_empty() {
        return;
    }
    let told = match std::str::from_utf8(body) {
        Ok(body) => {
            let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut short: String = line
                .chars()
                .filter(|letter| !letter.is_control())
                .take(MOST_BODY)
                .collect();
            if short.chars().count() < line.chars().count() {
                short.push('…');
            }
            short
        }
        Err(_) => format!("{} bytes that are no text", body.len()),
    };
    let _ = writeln!(text, "        {side}   {told}");
}

/// Lines of a shell that show it again.
fn reproduction(text: &mut String, report: &Report, finding: &ProbeReport, style: Style) {
    let _ = writeln!(text, "\n      {}", style.faint("To see it again:"));
    for line in again::lines(report, finding) {
        let _ = writeln!(text, "        {line}");
    }
}

fn lost_updates(text: &mut String, report: &Report, style: Style) {
    if report.lost_updates.iter().all(|row| row.lost == 0) {
        return;
    }
    let _ = writeln!(
        text,
        "\n{}\n\n      writers   races   overlapping   with a loss   updates lost",
        style.bold("Lost updates")
    );
    for row in &report.lost_updates {
        let _ = writeln!(
            text,
            "      {:7} {:7} {:13} {:13} {:14}",
            row.writers, row.rounds, row.overlapping, row.rounds_with_loss, row.lost
        );
    }
}

fn unjudged(text: &mut String, report: &Report, style: Style) {
    let mut by_reason: Vec<(String, Vec<&str>)> = Vec::new();
    for probe in &report.probes {
        if !matches!(probe.verdict, Verdict::Inconclusive | Verdict::Skipped) {
            continue;
        }
        let mut reason = format!("{}: {}", style.verdict(probe.verdict), probe.reason);
        if probe.subject != report.target {
            reason = format!("{}, {reason}", probe.subject);
        }
        match by_reason.iter_mut().find(|(it, _)| *it == reason) {
            Some((_, ids)) => ids.push(&probe.id),
            None => by_reason.push((reason, vec![&probe.id])),
        }
    }
    if by_reason.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}\n", style.bold("Not judged"));
    for (reason, ids) in by_reason {
        let ids = ids.join(" ");
        if ids.len() > 13 {
            text.push_str(&style.wrapped(&ids, 6));
            text.push_str(&style.wrapped(&reason, 20));
            continue;
        }
        let told = style.wrapped(&reason, 20);
        let _ = write!(text, "      {ids:13} {}", told.trim_start());
    }
}

fn held(text: &mut String, report: &Report, style: Style) {
    let passed = report.of(Verdict::Pass);
    if passed.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}\n", style.bold("Holds"));
    for probe in passed {
        let races = match probe.overlapping {
            0 => String::new(),
            overlapping => format!(" ({overlapping} of {} overlapped)", probe.trials),
        };
        if probe.title == probe.id {
            let _ = writeln!(text, "      {}{races}", probe.id);
            continue;
        }
        let told = style.wrapped(&format!("{}{races}", probe.title), 20);
        let _ = write!(text, "      {:13} {}", probe.id, told.trim_start());
    }
    text.push('\n');
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
    }
}

fn micros(time: std::time::Duration) -> String {
    format!("{} µs", time.as_micros())
}
