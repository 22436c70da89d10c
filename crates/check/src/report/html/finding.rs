use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::model::{ProbeReport, Report};
use crate::report::{again, fix};

use super::book::{Book, Entry};
use super::dossier::{self, EVIDENCE_BYTES, capitalised};
use super::escape::{Text, Value};
use super::figure;
use super::lanes::{Lanes, Size};
use super::tags;

/// A drawing shows so many exchanges, and a finding so many in words.
const MOST_SHOWN: usize = 40;

/// A probe that failed, and where its exchanges stand.
pub(super) struct Finding<'a> {
    pub probe: &'a ProbeReport,
    /// As its evidence, in its order.
    pub evidence: Vec<Entry>,
    /// What is drawn: the evidence, and what went on around it. Empty if it is not drawn.
    pub drawn: Vec<Entry>,
}

impl<'a> Finding<'a> {
    pub(super) fn of(probe: &'a ProbeReport, book: &Book, is_drawn: bool) -> Self {
        let evidence: Vec<Entry> = probe
            .evidence
            .iter()
            .filter_map(|evidence| book.place(&evidence.exchange))
            .take(MOST_SHOWN)
            .collect();
        let drawn = if is_drawn {
            book.around(&evidence.iter().copied().collect(), MOST_SHOWN)
        } else {
            Vec::new()
        };
        Self {
            probe,
            evidence,
            drawn,
        }
    }

    /// `told` are those whose details stand in an earlier finding; this one adds its own.
    pub(super) fn write(
        &self,
        number: usize,
        report: &Report,
        book: &Book,
        detailed: &BTreeSet<Entry>,
        told: &mut BTreeSet<Entry>,
    ) -> String {
        let probe = self.probe;
        let mut html = format!(
            "<article class=\"finding {severity}\" id=\"f{number}\" data-severity=\"{severity}\" aria-labelledby=\"t{number}\">\n\
             <header><p class=\"kind\"><span class=\"severity\">{severity}</span> <span class=\"id\">{}</span>",
            Text(&probe.id),
            severity = probe.severity,
        );
        if !probe.subject.is_empty() {
            let _ = write!(
                html,
                " <span class=\"subject\">{}</span>",
                Text(&probe.subject)
            );
        }
        let _ = writeln!(
            html,
            "</p><h3 id=\"t{number}\">{}</h3></header>\n<p class=\"seen\">{}</p>\n<p class=\"why\">{}</p>",
            Text(&probe.title),
            Text(&sentence(&probe.reason)),
            Text(&sentence(&probe.why)),
        );
        if let Some(fix) = fix(probe) {
            let _ = writeln!(
                html,
                "<p class=\"fix\"><b>How to fix:</b> {}</p>",
                Text(fix)
            );
        }
        if probe.trials > 1 {
            let _ = writeln!(html, "<p class=\"trials\">{}</p>", trials(probe));
        }
        let evidence: BTreeSet<Entry> = self.evidence.iter().copied().collect();
        if !self.drawn.is_empty() {
            html.push_str("<figure>");
            html += &Lanes {
                book,
                shown: self.drawn.clone(),
                evidence: &evidence,
                detailed,
                size: Size::Full,
                title: format!("{}: what each client sent, over time", probe.id),
            }
            .draw();
            html.push_str(&self.caption());
            html.push_str("</figure>\n");
        }
        html += &tags::table(book, &evidence, detailed);
        self.write_evidence(&mut html, book, told);
        html.push_str("<div class=\"script\"><h4>To see it again</h4>\n");
        html += &dossier::commands(
            "To see it again, in a shell",
            &again::lines(report, probe).join("\n"),
        );
        html.push_str("</div>\n");
        html.push_str("</article>\n");
        html
    }

    fn caption(&self) -> String {
        let others = self.drawn.len() - self.evidence.len().min(self.drawn.len());
        if others == 0 {
            return String::new();
        }
        format!(
            "<figcaption>In full colour what shows it; paler, {} at the same time or that it builds upon.</figcaption>",
            figure::plural(others, "other exchange")
        )
    }

    fn write_evidence(&self, html: &mut String, book: &Book, told: &mut BTreeSet<Entry>) {
        if self.evidence.is_empty() {
            return;
        }
        html.push_str("<h4>What shows it</h4>\n<ol class=\"evidence\">\n");
        for (place, evidence) in self.evidence.iter().zip(&self.probe.evidence) {
            let exchange = book.exchange(*place);
            let note = Some(evidence.note.as_str()).filter(|note| !note.is_empty());
            let name = book.name(*place);
            let _ = if told.insert(*place) {
                write!(
                    html,
                    "<li>{}</li>",
                    dossier::details(name, note, exchange, EVIDENCE_BYTES)
                )
            } else {
                writeln!(
                    html,
                    "<li><a class=\"exchange again\" href=\"#{}\">{}</a></li>",
                    Value(name),
                    dossier::summary(note, exchange)
                )
            };
        }
        html.push_str("</ol>\n");
        let more = self.probe.evidence.len() - self.evidence.len();
        if more > 0 {
            let _ = writeln!(
                html,
                "<p class=\"note\">{} more not shown.</p>",
                figure::count(more)
            );
        }
    }
}

/// `200 trials, 188 of which provably overlapped.`
pub(super) fn trials(probe: &ProbeReport) -> String {
    let trials = figure::plural(probe.trials as usize, "trial");
    if probe.overlapping == 0 {
        return format!("{trials}.");
    }
    format!(
        "{trials}, {} of which provably overlapped.",
        figure::count(probe.overlapping as usize)
    )
}

/// With a capital letter and a full stop, however it was written.
pub(super) fn sentence(text: &str) -> String {
    let text = capitalised(text.trim());
    if text.is_empty() || text.ends_with(['.', '!', '?', ':', '…']) {
        text
    } else {
        text + "."
    }
}
