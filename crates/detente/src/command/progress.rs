use std::time::Duration;

use detente_check::{ProbeReport, Progress, Verdict};
use indicatif::{ProgressBar, ProgressStyle};

/// Counts on the terminal that standard error is, if it is one; else nothing.
pub(super) fn count(unit: &str) -> ProgressBar {
    styled(
        ProgressBar::new_spinner(),
        &format!("{{spinner}} {{human_pos}} {unit}  {{per_sec}}"),
    )
}

/// As [`count`], a bar in bytes.
pub(super) fn bytes(total: u64, what: &str) -> ProgressBar {
    let style =
        format!("{what} {{bar:30}} {{bytes}}/{{total_bytes}}  {{bytes_per_sec}}  {{eta}} left");
    styled(ProgressBar::new(total), &style)
}

fn styled(bar: ProgressBar, style: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(style).expect("our own templates are well-formed");
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How far the tester is.
pub(super) struct Probes(ProgressBar);

impl Probes {
    pub(super) fn new() -> Self {
        Self(styled(ProgressBar::new_spinner(), "{spinner} {msg}"))
    }

    pub(super) fn see(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Calibrating => self.0.set_message("learning how the resource is written"),
            Progress::Probing { id, title } => self.0.set_message(format!("{id:4} {title}")),
            Progress::Done(report) if report.verdict == Verdict::Fail => {
                self.0.println(format!(
                    "  {:4} {}: {}",
                    report.id, report.severity, report.reason
                ));
            }
            Progress::Done(_) => {}
            Progress::Restoring => self.0.set_message("putting everything back"),
        }
    }

    pub(super) fn begin(&mut self, name: &str) {
        self.0.set_message(name.to_owned());
    }

    /// A failure is told at once; the rest waits for the report.
    pub(super) fn done(&mut self, report: &ProbeReport) {
        if report.verdict == Verdict::Fail {
            self.0.println(format!(
                "  {:4} {}: {}",
                report.id, report.severity, report.reason
            ));
        }
    }

    pub(super) fn end(self) {
        self.0.finish_and_clear();
    }
}
