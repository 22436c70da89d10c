use crate::model::{ProbeReport, Report};
use crate::probe;
use crate::report::redact;
use crate::report::shell::{Word, argument};

/// What is said anew for one probe.
const OF_ALL_PROBES: [&str; 3] = ["--only", "--skip", "--seed"];

/// Probes that look at what others saw, and those.
const BUILT_UPON: [(&str, &str); 3] = [("C6", "B1,B9,C6"), ("C8", "B8,C8"), ("D13", "B1,D13")];

/// The command that was given, for this finding alone and with the run's seed.
pub(super) fn command(report: &Report, finding: &ProbeReport) -> String {
    let is_of_probes = probe::ids().any(|id| id == finding.id);
    let mut words = vec!["detente".to_owned(), "check".to_owned()];
    let mut given = report.arguments.iter();
    while let Some(word) = given.next() {
        let is_said_anew = match is_of_probes {
            true => OF_ALL_PROBES.contains(&word.as_str()),
            false => word == "--seed",
        };
        if is_said_anew {
            given.next();
        } else {
            words.push(shown(word));
        }
    }
    if report.arguments.is_empty() {
        words.push(shown(&report.target));
    }
    if is_of_probes {
        let built_upon = BUILT_UPON.into_iter().find(|(id, _)| *id == finding.id);
        words.push("--only".into());
        words.push(built_upon.map_or(finding.id.clone(), |(_, only)| only.to_owned()));
    }
    // Where nothing was sent, nothing was left to chance.
    if is_of_probes || !report.exchanges.is_empty() {
        words.push("--seed".into());
        words.push(report.seed.to_string());
    }
    words.join(" ")
}

/// A login is a variable of the shell, to be set before.
fn shown(word: &str) -> String {
    let login = word.split_once(": ").filter(|(name, value)| {
        redact::is_secret(&name.to_lowercase()) && *value == redact::placeholder(name)
    });
    match login {
        Some((name, value)) => Word::new(format!("{name}: "))
            .and(Word::variable(value.trim_start_matches('$')))
            .to_string(),
        None => argument(word),
    }
}
