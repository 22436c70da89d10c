//! What was found, and how it is told.

mod again; // how a finding is seen again
mod curl; // a request as a command to send it again
mod form; // the forms of a report
mod har; // for browsers' network tools
mod html; // for people, in a browser
mod json; // for programs
mod junit; // for CI
mod redact; // what nobody is to see
mod shell; // words of a shell
mod style; // colours, where there is a terminal
mod tap; // for CI
mod terminal; // for people

pub use form::Form;
pub use html::html;
pub use redact::{Credentials, hides, is_plain, placeholder};
pub use style::Style;
pub use terminal::terminal;

use detente_judge::history::{self, History};

use crate::catalogue::about;
use crate::model::{ProbeReport, Report};

/// What the API's author can do about a failure; a scenario does not know.
fn fix(probe: &ProbeReport) -> Option<&'static str> {
    about(&probe.id).map(|it| it.fix)
}

/// The grade, where there is one.
fn grade(report: &Report) -> String {
    report
        .grade
        .map_or_else(|| "none".into(), |grade| grade.to_string())
}

/// What random clients did, one operation a line; nothing where none did.
fn history_lines(report: &Report) -> String {
    let mut lines = Vec::new();
    for operation in report.history.iter().flat_map(History::iter) {
        history::write(&operation, &mut lines).expect("memory takes what is written");
    }
    String::from_utf8_lossy(&lines).into_owned()
}
