use crate::catalogue::{Family, about};
use crate::model::{OUTAGE, ProbeReport, Report};
use crate::report::redact;
use crate::report::shell::{Word, argument};

/// What is said anew for one probe.
const OF_ALL_PROBES: [&str; 3] = ["--only", "--skip", "--seed"];

/// The command that was given, for this finding alone and with the run's seed.
pub(super) fn command(report: &Report, finding: &ProbeReport) -> String {
    let id = match finding.id.as_str() {
        OUTAGE => report.cut_short().map(|probe| probe.id.as_str()),
        id => Some(id),
    };
    // A description is not asked for anything.
    let probe = id
        .and_then(about)
        .filter(|it| it.family != Family::Description || it.id == finding.id);
    let mut words = vec!["detente".to_owned(), "check".to_owned()];
    let mut given = report.arguments.iter();
    while let Some(word) = given.next() {
        let is_said_anew = match probe.is_some() {
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
    if let Some(probe) = probe {
        words.push("--only".into());
        words.push([probe.builds_on, &[probe.id]].concat().join(","));
    }
    // Where nothing was sent, nothing was left to chance.
    if probe.is_some() || !report.exchanges.is_empty() {
        words.push("--seed".into());
        words.push(report.seed.to_string());
    }
    words.join(" ")
}

/// A login is a variable of the shell, to be set before.
fn shown(word: &str) -> String {
    let login = word.split_once(": ").filter(|(name, value)| {
        !redact::is_plain(&name.to_lowercase()) && *value == redact::placeholder(name)
    });
    match login {
        Some((name, value)) => Word::new(format!("{name}: "))
            .and(Word::variable(value.trim_start_matches('$')))
            .to_string(),
        None => argument(word),
    }
}
