use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clap::Args;
use detente_check::report::{self, Credentials, Style};
use detente_check::{About, Family, Grade, ProbeReport, Report, Severity, Verdict};

use crate::command::Failure;

/// What is done with the findings.
#[derive(Debug, Args)]
pub(super) struct Reporting {
    /// Also write a report: json, junit, tap, har, html or history; may be repeated
    #[arg(long = "report", value_name = "FORM=FILE", help_heading = "Outcome")]
    reports: Vec<Written>,
    /// Exit with 1 on a finding of this severity or worse
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "high",
        help_heading = "Outcome"
    )]
    fail_on: FailOn,
    /// The arguments of the command, for the reports.
    #[arg(skip)]
    pub(super) arguments: Vec<String>,
    /// What of them, and of what scenarios read, the reports must not hold.
    #[arg(skip)]
    pub(super) credentials: Credentials,
}

/// `html=report.html`.
#[derive(Clone, Debug)]
struct Written {
    form: report::Form,
    file: PathBuf,
}

impl FromStr for Written {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (form, file) = text
            .split_once('=')
            .filter(|(_, file)| !file.is_empty())
            .ok_or_else(|| anyhow!("expected a form and a file, such as html=report.html"))?;
        let form = report::Form::named(form).ok_or_else(|| {
            let forms = report::Form::ALL.map(|(name, _)| name);
            anyhow!("unknown form `{form}`; the forms are {}", forms.join(", "))
        })?;
        Ok(Self {
            form,
            file: file.into(),
        })
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Critical => Severity::Critical,
            Self::High => Severity::High,
            Self::Medium => Severity::Medium,
            Self::Low => Severity::Low,
            Self::Info => Severity::Info,
        }
    }
}

/// Colours where they are seen, and wanted (no-color.org).
fn style(is_terminal: bool) -> Style {
    Style {
        has_colours: is_terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()),
        ..Style::PLAIN
    }
}

impl Reporting {
    /// Checks that the files can be written, before anything is sent.
    pub(super) fn is_writable(&self) -> Result<(), Failure> {
        for written in &self.reports {
            could_be_written(&written.file)
                .with_context(|| cannot_write(&written.file))
                .map_err(Failure::Usage)?;
        }
        Ok(())
    }

    /// Prints the report, writes the files, and decides how the command ends.
    pub(super) fn tell(&self, report: Report) -> Result<(), Failure> {
        let report = Report {
            arguments: self.arguments.clone(),
            ..report
        };
        let report = report.without_secrets(&self.credentials);
        let out = std::io::stdout();
        let style = style(out.is_terminal());
        // A reader that went away, such as `head`, has seen what it wanted.
        let _ = out
            .lock()
            .write_all(report::terminal(&report, &style).as_bytes());
        self.keep(report)
    }

    /// Does the same for a report that is printed already and has no secrets.
    pub(super) fn keep(&self, report: Report) -> Result<(), Failure> {
        let begun_at = SystemTime::now() - report.took;
        for written in &self.reports {
            std::fs::write(&written.file, written.form.render(&report, begun_at))
                .with_context(|| cannot_write(&written.file))
                .map_err(Failure::Start)?;
        }
        tell_what_is_left(&report);
        self.judge(&report)
    }

    fn judge(&self, report: &Report) -> Result<(), Failure> {
        if let Some(outage) = report.outage() {
            return Err(Failure::Start(anyhow!("{}", outage.reason)));
        }
        let least = self.fail_on.severity();
        let findings = report
            .probes
            .iter()
            .filter(|probe| probe.verdict == Verdict::Fail && probe.severity <= least)
            .count();
        match findings {
            // A run that proves nothing must not look like one that found nothing.
            0 if !is_judged(report) => Err(Failure::Findings(anyhow!(
                "nothing could be judged{}: see the reasons above",
                if report.grade.is_some() {
                    " of writes"
                } else {
                    ""
                }
            ))),
            0 if lacks_grade(report) => Err(Failure::Findings(anyhow!(
                "too little could be judged for a grade: see the reasons above"
            ))),
            0 => Ok(()),
            1 => Err(Failure::Findings(anyhow!("1 finding is {least} or worse"))),
            count => Err(Failure::Findings(anyhow!(
                "{count} findings are {least} or worse"
            ))),
        }
    }
}

fn cannot_write(file: &Path) -> String {
    format!("cannot write {}", file.display())
}

/// Leaves everything as it is: what is there keeps its content, what is not is not there afterwards.
fn could_be_written(file: &Path) -> io::Result<()> {
    match std::fs::metadata(file) {
        // A pipe would take an end of it for the end of the report.
        Ok(found) if !found.is_file() && !found.is_dir() => Ok(()),
        Ok(_) => OpenOptions::new().append(true).open(file).map(drop),
        Err(_) => {
            File::create_new(file)?;
            std::fs::remove_file(file)
        }
    }
}

/// Whether there is a verdict; where an API's writes were asked about, one on them.
fn is_judged(report: &Report) -> bool {
    // A resource that could not be examined at all.
    let is_unexamined = |probe: &&ProbeReport| probe.id == detente_check::UNEXAMINED;
    let came_to_one = |probe: &&ProbeReport| {
        matches!(probe.verdict, Verdict::Pass | Verdict::Fail) && !is_unexamined(probe)
    };
    let is_of_writes = |probe: &&ProbeReport| {
        detente_check::about(&probe.id).is_some_and(|it| it.family.is_of_writes())
            || is_unexamined(probe)
    };
    let mut of_writes = report.probes.iter().filter(is_of_writes).peekable();
    if report.grade.is_some() && of_writes.peek().is_some() {
        return of_writes.any(|probe| came_to_one(&probe));
    }
    report.probes.iter().any(|probe| came_to_one(&probe))
}

/// Whether there is no grade although what it takes was asked for: a stale write (B1) and races (D).
fn lacks_grade(report: &Report) -> bool {
    let is_asked = |is_it: fn(&About) -> bool| {
        let mut probes = report.probes.iter();
        probes.any(|probe| detente_check::about(&probe.id).is_some_and(is_it))
    };
    report.grade == Some(Grade::Ungraded)
        && is_asked(|about| about.id == "B1")
        && is_asked(|about| about.family == Family::Races)
}

/// Says on stderr what the run could not restore, since somebody has to do it by hand.
fn tell_what_is_left(report: &Report) {
    for left in report
        .probes
        .iter()
        .filter(|it| it.id == detente_check::RESTORATION)
    {
        eprintln!("detente: {}: {}", left.subject, left.reason);
        for evidence in &left.evidence {
            let response = evidence.exchange.response();
            let body = response.map(|it| String::from_utf8_lossy(&it.body));
            eprintln!("detente: {}:\n{}", evidence.note, body.unwrap_or_default());
        }
    }
}
