//! All rows and findings, as text and as JSON.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::statistics::Spread;
use super::table::Table;
use super::{Finding, Row, Throughput};
use super::{finding, row, throughput};

/// What a run of the benchmarks found out.
pub(crate) struct Report {
    /// How it was run, as name and value.
    settings: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    throughputs: Vec<Throughput>,
    findings: Vec<Finding>,
    /// What else there is to know, a sentence each.
    notes: Vec<String>,
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new(settings: Vec<(&'static str, String)>) -> Report {
        Report {
            settings,
            rows: Vec::new(),
            throughputs: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) fn add_row(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn add_throughput(&mut self, throughput: Throughput) {
        self.throughputs.push(throughput);
    }

    pub(crate) fn add_note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn add_finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Notes that a promise was broken, which no rate makes up for.
    pub(crate) fn add_failure(&mut self, failure: String) {
        self.failures.push(failure);
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How a server's rate in a case compares to another's; `None` if one of them was not run.
    pub(crate) fn ratio(&self, case: &str, server: &str, to: &str) -> Option<Spread> {
        let rates = |name: &str| {
            let row = self
                .rows
                .iter()
                .find(|row| row.case == case && row.server == name)?;
            Some(row.rates())
        };
        Spread::of_ratios(&rates(server)?, &rates(to)?)
    }

    fn ratios(&self, row: &Row) -> (Option<Spread>, Option<Spread>) {
        let to = |other| self.ratio(&row.case, &row.server, other);
        (to("null"), to("file"))
    }

    /// How a merger's throughput compares to that of each rival on the same documents.
    fn speedups(&self, of: &Throughput) -> [Option<Spread>; 2] {
        throughput::RIVALS.map(|rival| {
            let mut all = self.throughputs.iter();
            let is_it = |it: &&Throughput| it.merger == rival && it.documents == of.documents;
            of.ratio(all.find(is_it)?)
        })
    }

    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn write_json(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.to_json())?;
        fs::write(file, text + "\n")
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    fn to_json(&self) -> Value {
        let settings: serde_json::Map<_, _> = self
            .settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        let rows = self.rows.iter().map(|row| {
            let (to_null, to_file) = self.ratios(row);
            row.to_json(to_null, to_file)
        });
        let throughputs = self
            .throughputs
            .iter()
            .map(|it| it.to_json(self.speedups(it)));
        json!({
            "settings": settings,
            "notes": self.notes,
            "rows": rows.collect::<Vec<_>>(),
            "merges": throughputs.collect::<Vec<_>>(),
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
            "failures": self.failures,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self
            .settings
            .iter()
            .map(|(name, value)| format!("{name} {value}"));
        writeln!(f, "{}", settings.collect::<Vec<_>>().join(", "))?;
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        writeln!(f)?;
        if !self.rows.is_empty() {
            let mut table = Table::new(2, &row::HEAD);
            for row in &self.rows {
                let (to_null, to_file) = self.ratios(row);
                table.add(row.cells(to_null, to_file));
            }
            writeln!(f, "{table}")?;
        }
        if !self.throughputs.is_empty() {
            let mut table = Table::new(3, &throughput::HEAD);
            for throughput in &self.throughputs {
                table.add(throughput.cells(self.speedups(throughput)));
            }
            writeln!(f, "{table}")?;
        }
        if !self.findings.is_empty() {
            let mut table = Table::new(1, &finding::HEAD);
            for finding in &self.findings {
                table.add(finding.cells());
            }
            write!(f, "{table}")?;
        }
        Ok(())
    }
}
