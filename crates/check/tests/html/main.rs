//! The page of a report: what it shows, that nothing a server says gets out of it, and that it stays small.

mod run; // exchanges, made up
mod story; // a report of many findings

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use detente_check::report::html;
use detente_check::{Evidence, Report};

use run::Run;

/// 2026-03-14 09:26:53 UTC.
fn begun_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_773_480_413)
}

/// Kept as a file, to be looked at. `UPDATE_REPORTS=1` writes it anew.
#[test]
fn a_report_is_this_page() {
    let page = html(&story::report(), begun_at());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/report.html");
    if std::env::var_os("UPDATE_REPORTS").is_some() {
        std::fs::write(&file, &page).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(&file).expect("the file is there");
    let line = kept.lines().zip(page.lines()).find(|(a, b)| a != b);
    assert!(
        kept == page,
        "the page is another; the first line that differs: {line:?}"
    );
}

/// What a server, a user or a scenario says is text, wherever it stands.
#[test]
fn nothing_that_was_said_is_markup() {
    let evil = "</pre></title></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>";
    let mut run = Run::default();
    let mut exchange = run
        .ask(
            evil,
            "PUT",
            "/<script>alert(1)</script>?q=\"'><script>alert(1)</script>",
        )
        .at(10, 20, 300)
        .with("if-match", evil)
        .json(&serde_json::json!({"member": evil}))
        .answered(200, &[("etag", evil), ("x-more", evil)], evil);
    exchange.request.body = evil.into();
    let lost = run
        .ask(evil, "DELETE", "/a")
        .at(400, 420, 800)
        .with("if-match", evil)
        .unanswered(detente_check::Unsure::Lost(evil.into()));
    let mut report = story::report();
    report.target = evil.into();
    for probe in &mut report.probes {
        for text in [
            &mut probe.id,
            &mut probe.subject,
            &mut probe.title,
            &mut probe.reason,
            &mut probe.why,
        ] {
            *text = evil.into();
        }
        probe.evidence = [&exchange, &lost]
            .map(|exchange| Evidence {
                note: evil.into(),
                exchange: exchange.clone(),
            })
            .into();
    }
    report.exchanges = run.exchanges;
    let page = html(&report, begun_at());
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert_eq!(page.matches("</script").count(), 1, "the page's own");
    assert_eq!(page.matches("<img").count(), 0);
    assert_eq!(page.matches("<svg/").count(), 0);
    for (element, attributes) in tags(&page) {
        assert_ne!(element, "img");
        for attribute in attributes {
            assert!(!attribute.starts_with("on"), "<{element} {attribute}>");
        }
    }
}

/// Every start tag, with the names of its attributes; it panics where one does not end as it should.
fn tags(page: &str) -> Vec<(&str, Vec<&str>)> {
    let (head, rest) = page.split_once("<script>").expect("there is one");
    let (_, body) = head.split_once("</style>").expect("there is one");
    assert!(
        rest.contains("</script>\n</body>"),
        "it is the last element"
    );
    body.split('<')
        .skip(1)
        .filter(|tag| !tag.starts_with('/'))
        .map(|tag| {
            let mut parts = tag.split('"');
            let mut names = Vec::new();
            loop {
                let outside = parts.next().expect("a tag ends");
                let (before, end) = match outside.split_once('>') {
                    Some((before, _)) => (before, true),
                    None => (outside, false),
                };
                names.extend(
                    before
                        .split_whitespace()
                        .map(|name| name.trim_end_matches('=')),
                );
                if end {
                    break;
                }
                parts.next().expect("a value ends");
            }
            (names.remove(0), names)
        })
        .collect()
}

#[test]
fn the_page_asks_for_nothing() {
    let page = html(&story::report(), begun_at());
    assert!(page.contains("default-src 'none'"));
    for asks in [
        " src=",
        "@import",
        "href=\"http",
        "href=\"/",
        "url(http",
        "<link",
        "<iframe",
    ] {
        assert!(!page.contains(asks), "{asks}");
    }
    // A policy by hashes forbids them.
    assert!(!page.contains(" style="));
}

#[test]
fn secrets_are_not_shown() {
    let page = html(&story::report(), begun_at());
    assert!(page.contains("$AUTHORIZATION"));
    assert!(!page.contains("0123456789abcdef"));
}

/// Every link leads to something that is there, and there once.
#[test]
fn links_lead_somewhere() {
    let page = html(&many(700), begun_at());
    for part in page.split("href=\"#").skip(1) {
        let target = part.split('"').next().unwrap_or_default();
        let count = page.matches(&format!(" id=\"{target}\"")).count();
        assert_eq!(count, 1, "#{target}");
    }
}

#[test]
fn thousands_of_exchanges_make_a_page_of_few_megabytes() {
    let report = many(5000);
    let page = html(&report, begun_at());
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    assert!(
        page.contains("The first 400 of 5"),
        "it says that there are more"
    );
}

/// The story, and after it as many exchanges as there have to be, with long bodies.
fn many(count: usize) -> Report {
    let mut report = story::report();
    let mut run = Run {
        exchanges: report.exchanges,
    };
    let body = "\"&<>é".repeat(2_000);
    while run.exchanges.len() < count {
        let number = run.exchanges.len() as u64;
        let begun = 9_000_000 + number * 100;
        run.ask(&format!("reader-{}", number % 60), "PUT", "/notes/9")
            .at(begun, begun + 20, begun + 700)
            .json(&serde_json::json!({"text": body}))
            .answered(200, &[], &body);
    }
    report.exchanges = run.exchanges;
    report
}

#[test]
fn a_run_that_found_nothing_is_a_page_too() {
    let mut report = story::report();
    report.probes.clear();
    report.lost_updates.clear();
    report.protocols.clear();
    report.exchanges.clear();
    report.spread = None;
    let page = html(&report, begun_at());
    assert!(page.contains("Nothing was found."));
    assert!(page.contains("No exchange was kept."));
}
