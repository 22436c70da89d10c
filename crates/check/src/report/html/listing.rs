use std::fmt::Write as _;

use super::escape::Text;
use super::figure;
use super::finding::{sentence, trials};
use crate::model::{ProbeReport, Report, Verdict};

/// The probes that came to this verdict, a line each; nothing if none did.
pub(super) fn section(report: &Report, verdict: Verdict) -> String {
    let probes: Vec<&ProbeReport> = report
        .probes
        .iter()
        .filter(|probe| probe.verdict == verdict)
        .collect();
    if probes.is_empty() {
        return String::new();
    }
    let (id, title, lead) = match verdict {
        Verdict::Fail => ("failed", "Failed", ""),
        Verdict::Inconclusive => (
            "inconclusive",
            "What could not be judged, and why",
            "It was tried, and what was seen allows no verdict.",
        ),
        Verdict::Skipped => (
            "skipped",
            "What was not asked",
            "It does not apply here, or was not asked for.",
        ),
        Verdict::Pass => (
            "passed",
            "What passed",
            "No failure in n overlapping trials means that fewer than 3/n fail, at 95 % confidence; it never means “safe”.",
        ),
    };
    let mut html = format!(
        "<section id=\"{id}\" class=\"listing\"><h2>{title} <span class=\"count\">{}</span></h2>\n<p class=\"lead\">{lead}</p>\n<dl>\n",
        figure::count(probes.len())
    );
    let mut subject = "";
    let several = probes
        .iter()
        .any(|probe| probe.subject != probes[0].subject);
    for probe in probes {
        if several && probe.subject != subject {
            subject = &probe.subject;
            let _ = writeln!(
                html,
                "</dl><h3 class=\"subject\">{}</h3><dl>",
                Text(subject)
            );
        }
        let _ = write!(
            html,
            "<div><dt><span class=\"id\">{}</span> {}</dt><dd>{}",
            Text(&probe.id),
            Text(&probe.title),
            Text(&sentence(&probe.reason)),
        );
        if probe.trials > 1 {
            let _ = write!(html, " <small>{}</small>", trials(probe));
        }
        html.push_str("</dd></div>\n");
    }
    html.push_str("</dl></section>\n");
    html
}
