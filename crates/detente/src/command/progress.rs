use std::time::{Duration, Instant};

use detente_check::{ProbeReport, Progress, Verdict};
use indicatif::{ProgressBar, ProgressStyle};

/// Counts on standard error if that is a terminal; otherwise shows nothing.
pub(super) fn count(unit: &str) -> ProgressBar {
    styled(
        ProgressBar::new_spinner(),
        &format!("{{spinner}} {{human_pos}} {unit}  {{per_sec}}"),
    )
}

/// Like [`count`], but a bar in bytes.
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

/// A run that is likely to take longer than this is announced as long.
const LONG: Duration = Duration::from_secs(60);

/// `40 s`, `8 min`: more digits would claim more than an estimate knows.
fn roughly(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..90 => format!("{} s", (seconds / 10 + 1) * 10),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

/// The progress of the tester and, for a long run, an estimate of the time left.
pub(super) struct Probes(ProgressBar, Option<Instant>);

impl Probes {
    pub(super) fn new() -> Self {
        let bar = styled(ProgressBar::new_spinner(), "{spinner} {msg}");
        Self(bar, None)
    }

    pub(super) fn see(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Calibrating => self.0.set_message("learning how the resource is written"),
            Progress::Expecting(time) => self.expect(time),
            Progress::Probing { id, title } => {
                let left = self.left();
                self.0.set_message(format!("{id:4} {title}{left}"));
            }
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

    /// Announces a long run, also if there is no terminal to show progress on.
    fn expect(&mut self, time: Duration) {
        if time < LONG {
            return;
        }
        self.1 = Some(Instant::now() + time);
        let told = format!(
            "detente: answers are slow, so this will probably take about {}; --rounds, --writers and --only \
             shorten \
             it, --budget limits it",
            roughly(time)
        );
        match self.0.is_hidden() {
            true => eprintln!("{told}"),
            false => self.0.println(told),
        }
    }

    fn left(&self) -> String {
        let left = self
            .1
            .map(|end| end.saturating_duration_since(Instant::now()));
        match left.filter(|left| *left > Duration::ZERO) {
            Some(left) => format!("  about {} left", roughly(left)),
            None => String::new(),
        }
    }

    pub(super) fn begin(&mut self, name: &str) {
        self.0.set_message(name.to_owned());
    }

    /// Shows a failure at once; everything else waits for the report.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_few_digits() {
        let cases = [(61, "70 s"), (89, "90 s"), (90, "2 min"), (460, "8 min")];
        for (seconds, told) in cases {
            assert_eq!(roughly(Duration::from_secs(seconds)), told, "{seconds}");
        }
    }
}
