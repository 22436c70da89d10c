//! A report as one page that needs nothing else: no network, no other file, and no script to be read.

mod book; // every exchange once, and which tag came from where
mod escape; // text of anybody, as text
mod figure; // numbers and times as people read them
mod mark; // accepted, refused, unknown: colour, pattern and sign
mod rows; // which row of the lanes each exchange is drawn in
mod scale; // a time axis that cuts short what is long and empty

mod dossier; // an exchange to read
mod finding; // a probe that failed
mod lanes; // a lane for each client, a bar for each exchange
mod listing; // probes of one verdict, a line each
mod masthead; // the grade, and what was examined
mod tags; // tags that differ, side by side
mod writers; // lost updates by number of writers

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::model::{ProbeReport, Report, Verdict};
use book::{Book, Entry};
use dossier::OTHER_BYTES;
use escape::{Text, Value};
use finding::Finding;
use lanes::{Lanes, Size};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const SIGNS: &str = include_str!("html/signs.svg");

/// The page is to open at once, whatever was found: so many findings are drawn, so many exchanges stand on the overall
/// timeline, and so many that are no evidence can be read.
const MOST_DRAWN: usize = 60;
const MOST_ON_TIMELINE: usize = 400;
const MOST_DETAILED: usize = 1000;

/// The report as an HTML page; `begun_at` is when the run began.
///
/// All of it is in the page: it asks for nothing from anywhere, and forbids itself to (Content-Security-Policy). Whatever a
/// server said is shown as text. Secrets are replaced by their names.
pub fn html(report: &Report, begun_at: SystemTime) -> String {
    let book = Book::of(report);
    let findings = findings(report, &book);
    let timeline: Vec<Entry> = (0..book.len().min(MOST_ON_TIMELINE)).collect();
    let evidence: BTreeSet<Entry> = findings
        .iter()
        .flat_map(|finding| finding.evidence.iter().copied())
        .collect();
    let others: BTreeSet<Entry> = findings
        .iter()
        .flat_map(|finding| &finding.drawn)
        .chain(&timeline)
        .copied()
        .filter(|place| !evidence.contains(place))
        .take(MOST_DETAILED)
        .collect();
    let detailed: BTreeSet<Entry> = evidence.union(&others).copied().collect();

    let mut page = head(report);
    page += &masthead::masthead(report, book.len(), begun_at);
    page += &contents(report, !findings.is_empty());
    page.push_str("<main>\n");
    write_findings(&mut page, &findings, report, &book, &detailed);
    page += &writers::section(&report.lost_updates);
    page += &listing::section(report, Verdict::Inconclusive);
    page += &listing::section(report, Verdict::Pass);
    page += &listing::section(report, Verdict::Skipped);
    write_timeline(&mut page, timeline, &book, &evidence, &detailed);
    write_others(&mut page, &others, &book);
    let _ = write!(
        page,
        "</main>\n<aside id=\"reader\" aria-label=\"The exchange that was chosen\" tabindex=\"-1\" hidden></aside>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    );
    page
}

/// What failed, the worst first; of one severity in the order in which it ran.
fn findings<'a>(report: &'a Report, book: &Book) -> Vec<Finding<'a>> {
    let mut failed: Vec<&ProbeReport> = report
        .probes
        .iter()
        .filter(|probe| probe.verdict == Verdict::Fail)
        .collect();
    failed.sort_by_key(|probe| probe.severity);
    failed
        .into_iter()
        .enumerate()
        .map(|(place, probe)| Finding::of(probe, book, place < MOST_DRAWN))
        .collect()
}

fn head(report: &Report) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{SIGNS}",
        hash(STYLE),
        hash(SCRIPT),
        masthead::mark(report),
        Text(&report.target),
    )
}

/// What a policy calls this very text, and no other (CSP Level 3, section 2.3.1).
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// Where to go in the page; the filters are shown by the script, which they need.
fn contents(report: &Report, has_findings: bool) -> String {
    let has = |verdict| report.probes.iter().any(|probe| probe.verdict == verdict);
    let links = [
        ("findings", "Findings", true),
        ("writers", "Lost updates", !report.lost_updates.is_empty()),
        ("inconclusive", "Not judged", has(Verdict::Inconclusive)),
        ("passed", "Passed", has(Verdict::Pass)),
        ("skipped", "Not asked", has(Verdict::Skipped)),
        ("timeline", "Timeline", true),
    ];
    let mut html = String::from("<nav aria-label=\"Parts of this report\"><ul>");
    for (id, name, _) in links.iter().filter(|(.., is_there)| *is_there) {
        let _ = write!(html, "<li><a href=\"#{id}\">{name}</a></li>");
    }
    html.push_str("</ul>");
    if has_findings {
        html.push_str(
            "<div class=\"filters\" role=\"group\" aria-label=\"Show findings of\" hidden>",
        );
        for severity in masthead::SEVERITIES {
            let is_there = report
                .probes
                .iter()
                .any(|probe| probe.verdict == Verdict::Fail && probe.severity == severity);
            if is_there {
                let _ = write!(
                    html,
                    "<button type=\"button\" class=\"{severity}\" data-filter=\"{severity}\" aria-pressed=\"true\">{severity}</button>"
                );
            }
        }
        html.push_str("</div>");
    }
    html.push_str("</nav>\n");
    html
}

fn write_findings(
    page: &mut String,
    findings: &[Finding],
    report: &Report,
    book: &Book,
    detailed: &BTreeSet<Entry>,
) {
    let _ = writeln!(
        page,
        "<section id=\"findings\"><h2>Findings <span class=\"count\">{}</span></h2>",
        figure::count(findings.len())
    );
    if findings.is_empty() {
        page.push_str("<p class=\"lead\">Nothing was found.</p>\n");
    } else {
        page.push_str(LEGEND);
    }
    if findings.len() > MOST_DRAWN {
        let _ = writeln!(
            page,
            "<p class=\"note\">The first {MOST_DRAWN} are drawn; of the others the evidence is told.</p>"
        );
    }
    let mut told = BTreeSet::new();
    for (number, finding) in findings.iter().enumerate() {
        *page += &finding.write(number + 1, report, book, detailed, &mut told);
    }
    page.push_str("</section>\n");
}

const LEGEND: &str = "<div class=\"legend\" role=\"note\" aria-label=\"How to read the drawings\">\
<span><svg width=\"34\" height=\"20\" aria-hidden=\"true\"><g class=\"bar shows accepted\"><rect class=\"body\" x=\"1\" y=\"3\" width=\"32\" height=\"14\" rx=\"2\"/><path class=\"released\" d=\"M9 0v20\"/></g></svg> a request, from its first byte to the end of its answer; the tick: its last byte left</span>\
<span><svg width=\"12\" height=\"12\" aria-hidden=\"true\" class=\"sign accepted\"><use href=\"#sign-accepted\" x=\"1\" y=\"1\"/></svg> accepted</span>\
<span><svg width=\"38\" height=\"14\" aria-hidden=\"true\" class=\"sign refused\"><g class=\"bar shows refused\"><rect class=\"body\" x=\"1\" y=\"1\" width=\"20\" height=\"12\" rx=\"2\"/></g><use href=\"#sign-refused\" x=\"26\" y=\"2\"/></svg> refused</span>\
<span><svg width=\"38\" height=\"14\" aria-hidden=\"true\" class=\"sign unknown\"><g class=\"bar shows unknown\"><rect class=\"body\" x=\"1\" y=\"1\" width=\"20\" height=\"12\" rx=\"2\"/></g><use href=\"#sign-unknown\" x=\"26\" y=\"2\"/></svg> unknown: it may have been applied</span>\
<span><svg width=\"34\" height=\"14\" aria-hidden=\"true\"><g class=\"bar shows read\"><rect class=\"body\" x=\"1\" y=\"3\" width=\"20\" height=\"8\" rx=\"2\"/></g><use class=\"sign read\" href=\"#sign-read\" x=\"24\" y=\"2\"/></svg> a read</span>\
<span><svg width=\"34\" height=\"14\" aria-hidden=\"true\"><g class=\"arrows\"><path class=\"shows\" d=\"M2 3C16 3 16 11 30 11\"/><circle cx=\"2\" cy=\"3\" r=\"2.2\"/></g></svg> from the answer that told a tag to the write that used it</span></div>\n";

fn write_timeline(
    page: &mut String,
    timeline: Vec<Entry>,
    book: &Book,
    evidence: &BTreeSet<Entry>,
    detailed: &BTreeSet<Entry>,
) {
    page.push_str("<section id=\"timeline\"><h2>Timeline of the run</h2>\n");
    let shown = timeline.len();
    let _ = match (shown, book.len()) {
        (0, _) => writeln!(
            page,
            "<p class=\"lead\">No exchange was kept.</p></section>"
        ),
        (_, all) if shown < all => writeln!(
            page,
            "<p class=\"lead\">The first {} of {}; the later ones are not drawn here, except where they show a finding.</p>",
            figure::count(shown),
            figure::plural(all, "exchange"),
        ),
        (_, all) => writeln!(
            page,
            "<p class=\"lead\">{}.</p>",
            figure::plural(all, "exchange")
        ),
    };
    if shown == 0 {
        return;
    }
    *page += &Lanes {
        book,
        shown: timeline,
        evidence,
        detailed,
        size: Size::Small,
        title: "The run: what each client sent, over time".to_owned(),
    }
    .draw();
    page.push_str("</section>\n");
}

fn write_others(page: &mut String, others: &BTreeSet<Entry>, book: &Book) {
    if others.is_empty() {
        return;
    }
    let _ = writeln!(
        page,
        "<section id=\"exchanges\"><h2>Other exchanges <span class=\"count\">{}</span></h2>\n\
         <p class=\"lead\">Those in the drawings above that show no finding themselves.</p>\n<details class=\"all\"><summary>Show \
         them</summary><div class=\"evidence\">",
        figure::count(others.len())
    );
    for place in others {
        let name = Value(book.name(*place)).to_string();
        *page += &dossier::details(&name, None, book.exchange(*place), OTHER_BYTES);
    }
    page.push_str("</div></details></section>\n");
}
