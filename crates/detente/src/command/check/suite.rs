use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use detente_check::report::Credentials;
use detente_check::scenario::{self, Inputs, Mistakes, Ran, Scenario};
use detente_check::{Report, RunError, Verdict};

use super::api::{chance, read_text};
use super::reporting::Reporting;
use super::wire::{Wire, client, run_and_restore, unless_interrupted};
use crate::command::{Failure, progress};

/// What scenarios are run with.
#[derive(Debug, Args)]
pub(super) struct Suite {
    /// Set a variable, instead of the value in the file; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment, help_heading = "Scenarios")]
    vars: Vec<(String, String)>,
    /// A file with lines NAME=value, in addition to the environment
    #[arg(long, value_name = "FILE", help_heading = "Scenarios")]
    env_file: Option<PathBuf>,
    /// How many rounds to run, instead of the number in the file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Scenarios")]
    repeat: Option<u32>,
    /// The scenarios to run, by name; all if it is empty.
    #[arg(skip)]
    pub(super) only: Vec<String>,
}

impl Suite {
    /// Refuses settings for scenarios where a resource is examined.
    pub(super) fn is_not_given(&self) -> Result<(), Failure> {
        let given = [
            ("--var", !self.vars.is_empty()),
            ("--env-file", self.env_file.is_some()),
            ("--repeat", self.repeat.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(Failure::Usage(anyhow!(
                "{name} is for scenarios; --rounds says how many races of a resource are run"
            ))),
            None => Ok(()),
        }
    }

    /// Runs the scenarios; reads all files first, and runs none if one has a mistake.
    pub(super) fn run(
        &self,
        files: &[String],
        seed: Option<u64>,
        wire: &Wire,
        reporting: &mut Reporting,
    ) -> Result<(), Failure> {
        let inputs = self.inputs()?;
        let mut scenarios = read(files, &inputs, &mut reporting.credentials)?;
        if !self.only.is_empty() {
            scenarios.retain(|(_, scenario)| self.only.contains(&scenario.name));
        }
        let settings = scenario::Settings {
            repeat: self.repeat,
            seed: seed.unwrap_or_else(chance),
        };
        let client = client(wire)?;
        let mut watch = progress::Probes::new();
        let mut unasked = None;
        let probes = run_and_restore(&client, async {
            let mut probes = Vec::new();
            let mut has_outage = false;
            for (file, scenario) in &scenarios {
                if client.is_interrupted() {
                    break;
                }
                if has_outage {
                    let mut report = scenario::not_run(scenario, AFTER_OUTAGE);
                    report.subject.clone_from(file);
                    probes.push(report);
                    continue;
                }
                watch.begin(&scenario.name);
                let Ran {
                    report,
                    stop,
                    outage,
                } = scenario::run(scenario, &client, &settings).await;
                has_outage = outage.is_some();
                for mut report in std::iter::once(report).chain(outage) {
                    report.subject.clone_from(file);
                    watch.done(&report);
                    probes.push(report);
                }
                unasked = unasked.take().or(stop.filter(is_of_the_way));
            }
            Ok(probes)
        })?;
        watch.end();
        let has_failed = probes.iter().any(|probe| probe.verdict == Verdict::Fail);
        let told = reporting.tell(Report {
            target: files.join(", "),
            arguments: Vec::new(),
            grade: None,
            seed: settings.seed,
            protocols: Vec::new(),
            spread: client.spread(),
            probes,
            lost_updates: Vec::new(),
            history: None,
            exchanges: client.record(),
            took: client.elapsed(),
        });
        let told = unless_interrupted(&client, told);
        match (told, unasked) {
            (Err(Failure::Findings(found)), _) if has_failed => Err(Failure::Findings(found)),
            (Ok(()) | Err(Failure::Findings(_)), Some(stop)) => Err(Failure::Start(stop.into())),
            (told, _) => told,
        }
    }

    fn inputs(&self) -> Result<Inputs, Failure> {
        let mut env: BTreeMap<String, String> = std::env::vars().collect();
        if let Some(file) = &self.env_file {
            let text = read_text(file).map_err(Failure::Usage)?;
            env.extend(scenario::parse_env(file, &text).map_err(|it| told(&it))?);
        }
        Ok(Inputs {
            vars: self.vars.iter().cloned().collect(),
            env,
        })
    }
}

/// Why a scenario that comes after an outage has no verdict.
const AFTER_OUTAGE: &str = "not run: the server had stopped answering";

/// Whether a server could not be reached, or must not be asked: that is not a finding, as for one resource.
fn is_of_the_way(stop: &RunError) -> bool {
    matches!(
        stop,
        RunError::Unreachable { .. }
            | RunError::Gone { .. }
            | RunError::RemoteNotAllowed { .. }
            | RunError::NotHttp { .. }
    )
}

/// What scenarios read from the environment is kept as a secret.
fn read(
    files: &[String],
    inputs: &Inputs,
    credentials: &mut Credentials,
) -> Result<Vec<(String, Scenario)>, Failure> {
    let mut scenarios = Vec::new();
    let mut mistakes = Vec::new();
    for file in files {
        let path = Path::new(file);
        let text = read_text(path)
            .with_context(|| mistaken(file))
            .map_err(Failure::Usage)?;
        match scenario::parse(path, &text, inputs) {
            Ok(suite) => {
                for name in scenario::names_in(&text) {
                    let value = inputs.env.get(name).map_or("", String::as_str);
                    credentials.add_value(name, value);
                }
                for warning in &suite.warnings {
                    eprintln!("detente: warning: {warning}");
                }
                let named = suite.scenarios.into_iter();
                scenarios.extend(named.map(|scenario| (file.clone(), scenario)));
            }
            Err(Mistakes(found)) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() {
        Ok(scenarios)
    } else {
        Err(told(&Mistakes(mistakes)))
    }
}

/// What may be meant by a target that is neither an HTTP URL nor a file.
fn mistaken(target: &str) -> String {
    match target.split_once("://") {
        Some((scheme, _)) => format!("{scheme} is not supported, only http and https"),
        None if target.contains(':') => {
            format!("not a scenario and not a URL; do you mean http://{target}?")
        }
        None => "not a URL, and not a scenario that can be read".into(),
    }
}

fn told(mistakes: &Mistakes) -> Failure {
    Failure::Usage(anyhow!("{mistakes}"))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".into()),
    }
}
