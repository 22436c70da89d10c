//! How a finding is seen again, on the resource as it is now.
//!
//! Requests of one client are sent again by curl, with the tags of now in place of those of then; what the run put back
//! is put back again. What races, and what curl cannot say, the tester runs again itself.

mod command; // the probe, run again
mod excerpt; // the requests that it takes
mod script; // these as lines of a shell

use crate::model::{ProbeReport, Report};
use excerpt::Excerpt;

/// Lines of a POSIX shell that show a finding again.
pub(super) fn lines(report: &Report, finding: &ProbeReport) -> Vec<String> {
    let excerpt = finding
        .is_resendable
        .then(|| Excerpt::of(report, finding))
        .flatten();
    match excerpt {
        Some(excerpt) => script::lines(report, &excerpt),
        None => vec![command::command(report, finding)],
    }
}
