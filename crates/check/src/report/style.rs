use crate::model::{Grade, Severity, Verdict};

/// How text looks: with colours, or plain; and how wide it may be.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub has_colours: bool,
    /// In letters.
    pub width: usize,
}

impl Style {
    /// For a log, a file, a pipe.
    pub const PLAIN: Self = Self {
        has_colours: false,
        width: 100,
    };

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn grade(self, grade: Grade) -> String {
        let colour = match grade {
            Grade::APlus | Grade::A => "1;32",
            Grade::B | Grade::C => "1;33",
            Grade::D | Grade::F => "1;31",
            Grade::Ungraded => "1",
        };
        self.paint(colour, &grade.to_string())
    }

    pub(super) fn severity(self, severity: Severity) -> String {
        let colour = match severity {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        self.paint(colour, &severity.to_string())
    }

    pub(super) fn verdict(self, verdict: Verdict) -> String {
        match verdict {
            Verdict::Pass => self.paint("32", "pass"),
            Verdict::Fail => self.paint("31", "fail"),
            Verdict::Inconclusive => self.paint("33", "unclear"),
            Verdict::Skipped => self.paint("2", "skipped"),
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.has_colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Breaks text into lines that fit, each beginning with `indent` spaces.
    pub(super) fn wrapped(self, text: &str, indent: usize) -> String {
        let room = self.width.saturating_sub(indent).max(20);
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let length = lines.last().map_or(0, |line| line.chars().count());
            if length > 0 && length + 1 + word.chars().count() > room {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
        }
        let margin = " ".repeat(indent);
        lines
            .iter()
            .map(|line| format!("{margin}{line}\n"))
            .collect()
    }
}
