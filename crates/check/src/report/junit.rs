use std::fmt::Write as _;

use super::{again, curl, grade};
use crate::model::{ProbeReport, Report, Verdict};

/// A report as JUnit's XML, which most CI systems show.
pub(super) fn junit(report: &Report) -> String {
    let count = |verdict| report.of(verdict).len();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\">",
        escaped(&format!("detente check {}", report.target)),
        report.probes.len(),
        count(Verdict::Fail),
        count(Verdict::Skipped) + count(Verdict::Inconclusive),
        report.took.as_secs_f64()
    );
    let _ = writeln!(
        text,
        "<properties><property name=\"grade\" value=\"{}\"/><property name=\"seed\" value=\"{}\"/></properties>",
        grade(report),
        report.seed
    );
    for probe in &report.probes {
        case(&mut text, report, probe);
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

fn case(text: &mut String, report: &Report, probe: &ProbeReport) {
    let _ = write!(
        text,
        "<testcase classname=\"{}\" name=\"{}\">",
        escaped(&probe.subject),
        escaped(&probe.name())
    );
    match probe.verdict {
        Verdict::Pass => {}
        Verdict::Fail => {
            let _ = write!(
                text,
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                probe.severity,
                escaped(&probe.reason),
                escaped(&told(report, probe))
            );
        }
        Verdict::Inconclusive | Verdict::Skipped => {
            let _ = write!(text, "<skipped message=\"{}\"/>", escaped(&probe.reason));
        }
    }
    text.push_str("</testcase>\n");
}

fn told(report: &Report, probe: &ProbeReport) -> String {
    let mut text = format!("{}\n{}\n", probe.reason, probe.why);
    if let Some(fix) = super::fix(probe) {
        let _ = writeln!(text, "How to fix: {fix}");
    }
    for evidence in &probe.evidence {
        let answer = match evidence.exchange.status() {
            Some(status) => status.to_string(),
            None => "no answer".into(),
        };
        let _ = writeln!(
            text,
            "\n{}\n{}\n-> {answer}",
            evidence.note,
            curl::command(&evidence.exchange.request)
        );
    }
    text.push_str("\nTo see it again:\n");
    for line in again::lines(report, probe) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Text for an element or an attribute; what XML 1.0 cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(letter),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}
