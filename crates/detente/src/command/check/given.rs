use std::iter::once;

use clap::{ArgMatches, Args, Command, Error, parser::ValueSource};
use detente_check::report::{self, Credentials};
use url::Url;

use super::{Check, Field};

/// What the command was told, argument by argument, so that it can be told again.
///
/// It stands first among the parts of [`Check`]: whatever reads its arguments takes them away.
#[derive(Clone, Debug, Default)]
pub(super) struct Given(Vec<Argument>);

#[derive(Clone, Debug)]
struct Argument {
    /// As [`Check`] has it; with the name of the field, where the argument is one of many.
    name: String,
    /// `--rounds` and `50`; one word where it is a flag or has no name.
    words: Vec<String>,
}

/// What a report is to be made of is said anew each time.
const OF_ONE_RUN: [&str; 3] = ["replay", "reports", "fail_on"];

impl Given {
    /// Arguments as they stood in a report.
    ///
    /// # Errors
    ///
    /// If the command has no such arguments.
    pub(super) fn parse(words: &[String]) -> Result<Self, Error> {
        let matches = command().try_get_matches_from(words)?;
        Ok(Self::of(&matches))
    }

    /// All of it, but what says where to write a report; logins are hidden.
    pub(super) fn kept(&self) -> Vec<String> {
        let kept = self
            .0
            .iter()
            .filter(|argument| !OF_ONE_RUN.contains(&argument.name.as_str()));
        kept.flat_map(|argument| argument.shown()).collect()
    }

    /// What of it nobody is to see.
    pub(super) fn credentials(&self) -> Credentials {
        let mut credentials = Credentials::default();
        for argument in &self.0 {
            if let Some(field) = argument.field() {
                let value = String::from_utf8_lossy(field.value.as_bytes());
                credentials.add_field(field.name.as_str(), &value);
            }
            // A URL may stand behind a method, or beside others.
            let words = argument
                .words
                .iter()
                .flat_map(|word| word.split([' ', ',']));
            for url in words.filter_map(|word| Url::parse(word).ok()) {
                credentials.add_url(&url);
            }
        }
        credentials
    }

    /// `--name value`.
    pub(super) fn option(name: &str, value: String) -> Self {
        Self(vec![Argument {
            name: name.to_owned(),
            words: vec![format!("--{name}"), value],
        }])
    }

    /// What is given there as well takes the place of what is given here: all `--base` that of all `--base`, a field that
    /// of one by its name.
    #[must_use]
    pub(super) fn overridden_by(mut self, other: &Self) -> Self {
        self.0
            .retain(|argument| !other.0.iter().any(|it| it.name == argument.name));
        self.0.extend(other.0.iter().cloned());
        self
    }

    #[must_use]
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|argument| argument.name != name);
        self
    }

    /// Those that a report could not hold as they were.
    pub(super) fn hidden(&self) -> Vec<String> {
        let hidden = self.0.iter().filter(|argument| argument.is_hidden());
        hidden.map(|argument| argument.words.join(" ")).collect()
    }

    /// # Errors
    ///
    /// If they do not fit together.
    pub(super) fn check(&self) -> Result<Check, Error> {
        let words = self.0.iter().flat_map(|argument| &argument.words);
        let mut matches = command().try_get_matches_from(words)?;
        clap::FromArgMatches::from_arg_matches_mut(&mut matches)
    }

    fn of(matches: &ArgMatches) -> Self {
        let mut given = Vec::new();
        for argument in command().get_arguments() {
            let id = argument.get_id().as_str();
            if !matches!(matches.try_contains_id(id), Ok(true))
                || matches.value_source(id) != Some(ValueSource::CommandLine)
            {
                continue;
            }
            let option = argument.get_long().map(|long| format!("--{long}"));
            let takes_values = argument.get_action().takes_values();
            for values in matches.get_raw_occurrences(id).into_iter().flatten() {
                let mut values: Vec<_> = values
                    .filter(|_| takes_values)
                    .map(|value| value.to_string_lossy().into_owned())
                    .collect();
                if let Some(delimiter) = argument.get_value_delimiter() {
                    values = vec![values.join(&delimiter.to_string())];
                }
                let mut argument = Argument {
                    name: id.to_owned(),
                    words: option.clone().into_iter().chain(values).collect(),
                };
                if id == "headers"
                    && let Some(field) = argument.field()
                {
                    argument.name = format!("headers {}", field.name);
                }
                given.push(argument);
            }
        }
        Self(given)
    }
}

impl Argument {
    fn field(&self) -> Option<Field> {
        let is_field = self.name == "login" || self.name.starts_with("headers");
        self.words.last().filter(|_| is_field)?.parse().ok()
    }

    /// As others may see it.
    fn shown(&self) -> Vec<String> {
        let Some(field) = self.field() else {
            return self.words.clone();
        };
        let name = field.name.as_str();
        if self.name != "login" && report::is_plain(name) {
            return self.words.clone();
        }
        let hidden = format!("{name}: {}", report::placeholder(name));
        self.words[..1]
            .iter()
            .cloned()
            .chain(once(hidden))
            .collect()
    }

    fn is_hidden(&self) -> bool {
        match self.field() {
            Some(field) => field.value == report::placeholder(field.name.as_str()),
            None => self.words.iter().any(|word| report::hides(word)),
        }
    }
}

/// The command alone, without what it is a part of.
fn command() -> Command {
    Check::augment_args(Command::new("detente check").no_binary_name(true))
}

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self::of(matches))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::of(matches);
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
