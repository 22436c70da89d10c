//! The guide's table of probes is that of the catalogue.

use std::fmt::Write as _;
use std::path::Path;

use detente_check::{About, Family, Severity, probes};

const BEGIN: &str = "<!-- probes -->\n";
const END: &str = "<!-- /probes -->";

fn table() -> String {
    let mut text = String::from(
        "| id | what is right | severity | passes if | why, and by which text | how to fix |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for probe in probes() {
        let letter = match probe.severity {
            Severity::Critical => 'X',
            Severity::High => 'H',
            Severity::Medium => 'M',
            Severity::Low => 'L',
            Severity::Info => 'I',
        };
        let _ = writeln!(
            text,
            "| {} | {} | {letter} | {} | {} | {} |",
            probe.id,
            cell(probe.title),
            cell(probe.holds),
            cell(probe.why),
            cell(probe.fix)
        );
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// With ACCEPT=1 in the environment the guide is written instead.
#[test]
fn the_guide_lists_every_probe() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checking.md");
    let guide = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = guide.split_once(BEGIN).expect("the table's beginning");
    let (written, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    assert!(
        written == table(),
        "docs/checking.md is not what the catalogue says: ACCEPT=1 cargo test -p detente-check --test probe_table"
    );
}

#[test]
fn the_readme_counts_the_probes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let of_descriptions = |probe: &&About| probe.family == Family::Description;
    let described = probes().filter(of_descriptions).count();
    let all = probes().count();
    for told in [
        format!("runs up to {} probes", all - described),
        format!("{all} probes, scenarios"),
    ] {
        assert!(readme.contains(&told), "README.md does not say: {told}");
    }
}

#[test]
fn every_probe_says_what_is_right_why_and_how_to_fix_it() {
    for probe in probes() {
        assert!(!probe.title.ends_with(['?', '.']), "{}", probe.id);
        for sentence in [probe.why, probe.fix] {
            assert!(sentence.ends_with('.'), "{}: {sentence}", probe.id);
        }
        for text in [probe.title, probe.holds, probe.why, probe.fix] {
            assert!(
                !text.contains("  ") && !text.contains('\n'),
                "{}: {text}",
                probe.id
            );
        }
    }
}
