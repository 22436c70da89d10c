use std::collections::BTreeMap;
use std::path::Path;

use http::HeaderName;

use super::assignment::{rows, vars};
use super::cast::{Cast, cast};
use super::expectation::{Answer, Expect, Sum};
use super::mistake::{Mistake, Mistakes, Position, Source};
use super::race::Race;
use super::section::Section;
use super::step::{self, Sending, Step};
use super::template::{Shape, Template};
use super::tree::{self, Node, Tree};
use super::variables;
use super::{orders, plan};
use crate::model::Severity;

/// What is given from outside of the file: it goes before what stands in the file.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// `--var name=value`
    pub vars: BTreeMap<String, String>,
    /// `{{env.NAME}}`: the process's environment, and what `--env-file` adds to it.
    pub env: BTreeMap<String, String>,
}

/// The scenarios of a file, and what looks wrong in it without being so.
#[derive(Clone, Debug)]
pub struct Suite {
    pub scenarios: Vec<Scenario>,
    pub warnings: Vec<Mistake>,
}

/// One thing that is tried, as often as it says.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(super) position: Position,
    pub name: String,
    pub description: Option<String>,
    pub(super) base: Option<Template>,
    /// In the order of the file: each may use those before it.
    pub(super) vars: Vec<(String, Shape)>,
    /// Sent with every request.
    pub(super) headers: Vec<(HeaderName, Option<Template>)>,
    pub(super) cast: Vec<Cast>,
    /// The rows of its table; one without variables if it has none.
    pub(super) rows: Vec<Vec<(String, Shape)>>,
    /// Rounds for each row, and for each order.
    pub(super) repeat: u32,
    /// In how many orders the steps of the actors are run at most; as they stand if `None`.
    pub(super) interleave: Option<u32>,
    /// How bad a failure is; by what failed if `None`.
    pub(super) severity: Option<Severity>,
    pub(super) wins: Option<Answer>,
    pub(super) setup: Vec<Step>,
    pub(super) steps: Vec<Step>,
    pub(super) teardown: Vec<Step>,
    /// Of all requests of `steps` that write.
    pub(super) expect: Option<Expect>,
    /// Holds after each of the steps.
    pub(super) invariant: Option<Sum>,
    pub(super) inputs: Inputs,
}

const MAX_ORDERS: u32 = 1000;

/// All orders that are run are worked out before.
const MOST_ORDERS: u32 = 100_000;

/// Reads a file of scenarios: one, or several with `---` between them.
///
/// # Errors
///
/// Everything that is wrong in it, each with its place.
pub fn parse(path: &Path, text: &str, inputs: &Inputs) -> Result<Suite, Mistakes> {
    let source = Source::new(path, text);
    let documents = tree::documents(&source, text);
    let read = |node| Scenario::read(&source, node, inputs);
    let scenarios: Vec<_> = documents.iter().filter_map(read).collect();
    for (at, scenario) in scenarios.iter().enumerate() {
        if scenarios[..at].iter().any(|it| it.name == scenario.name) {
            let message = format!("there is another scenario {:?} in this file", scenario.name);
            source.mistake(scenario.position, message);
        }
    }
    if text.trim().is_empty() || is_only_comments(text) {
        source.mistake(
            Position { line: 1, column: 1 },
            "the file holds no scenario",
        );
    }
    let warnings = source.finish()?;
    Ok(Suite {
        scenarios,
        warnings,
    })
}

fn is_only_comments(text: &str) -> bool {
    let is_nothing = |line: &str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    };
    text.lines().all(is_nothing)
}

impl Scenario {
    fn read(source: &Source<'_>, node: &Node, inputs: &Inputs) -> Option<Self> {
        if let Tree::Null = node.tree {
            return None;
        }
        let section = Section::new(source, "the scenario", node)?;
        let name = section.text("scenario");
        if name.is_none() && !section.has("scenario") {
            section.lacks("scenario");
        }
        let base = section.text("base");
        let base = base.map(|(text, position)| Template::read(source, text, position));
        let all = |key| Step::read_all(source, section.list(key));
        let mut scenario = Self {
            position: section.position_of("scenario"),
            name: name.map(|(text, _)| text.to_owned()).unwrap_or_default(),
            description: section.text("description").map(|(text, _)| text.to_owned()),
            base: inputs
                .vars
                .get("base")
                .map(|it| Template::plain(it))
                .or(base),
            vars: vars(&section, inputs),
            headers: step::headers(&section),
            cast: cast(&section, inputs),
            rows: rows(&section),
            repeat: section.number("repeat", 1).unwrap_or(1),
            interleave: interleave(&section),
            severity: severity(&section),
            wins: step::wins(&section),
            setup: all("setup"),
            steps: all("steps"),
            teardown: all("teardown"),
            expect: None,
            invariant: section.section("invariant").and_then(|it| invariant(&it)),
            inputs: inputs.clone(),
        };
        scenario.read_short_form(&section);
        section.finish();
        scenario.check_shape(&section);
        variables::check(source, &scenario);
        Some(scenario)
    }

    /// `race:` and `expect:` of the scenario itself are those of its only step.
    fn read_short_form(&mut self, section: &Section<'_>) {
        if section.has("race") {
            if section.has("steps") {
                let message =
                    "a scenario has either a race or steps; write the race as one of the steps";
                section.mistake(section.position_of("race"), message);
            }
            section.get("name");
            self.steps = Race::read(section)
                .map(|race| Step::Race(Box::new(race)))
                .into_iter()
                .collect();
        } else {
            section.get("race");
            let expect = section.section("expect");
            self.expect = expect.map(|it| Expect::read(&it));
            if !section.has("steps") {
                section.lacks("steps or race");
            }
        }
    }

    fn check_shape(&self, section: &Section<'_>) {
        if section.has("steps") && section.list("steps").is_empty() {
            section.mistake(section.position_of("steps"), "steps is empty");
        }
        if self.interleave.is_none() {
            return;
        }
        let lengths = plan::steps_by_actor(self)
            .iter()
            .map(Vec::len)
            .collect::<Vec<_>>();
        if orders::count(&lengths).is_none() {
            let message = "the steps have too many orders to count; use fewer steps";
            section.mistake(section.position_of("interleave"), message);
        }
        for step in &self.steps {
            match step {
                // One without a target is told of already.
                Step::Send(send) if send.actor.is_some() || send.url.is_empty() => {}
                Step::Send(send) => {
                    section.mistake(send.position, "with interleave, every step needs an actor");
                }
                Step::Race(race) => {
                    section.mistake(race.position, "with interleave, a step cannot be a race");
                }
                Step::Wait(_) => {
                    let message = "with interleave, a step cannot be a wait";
                    section.mistake(section.position_of("steps"), message);
                }
            }
        }
    }

    /// Everybody that sends something besides the tester, in the order of appearance.
    pub fn actors(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.cast.iter().map(|it| it.name.as_str()).collect();
        let steps = self.setup.iter().chain(&self.steps).chain(&self.teardown);
        let named = steps.flat_map(|step| match step {
            Step::Send(send) => send.actor.iter().map(|(name, _)| name.as_str()).collect(),
            Step::Race(race) => race.sends.iter().map(|(name, _)| name.as_str()).collect(),
            Step::Wait(_) => Vec::new(),
        });
        for name in named {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Every request of it, in the order of the file.
    pub(super) fn sends(&self) -> impl Iterator<Item = &Sending> {
        let logins = self.cast.iter().flat_map(|it| &it.login);
        let steps = logins
            .chain(&self.setup)
            .chain(&self.steps)
            .chain(&self.teardown);
        steps.flat_map(|step| match step {
            Step::Send(send) => vec![send.as_ref()],
            Step::Race(race) => race.sends.iter().map(|(_, send)| send).collect(),
            Step::Wait(_) => Vec::new(),
        })
    }
}

/// `interleave: all`, or `interleave: {max_orders: 200}`.
fn interleave(section: &Section<'_>) -> Option<u32> {
    let node = section.get("interleave")?;
    match &node.tree {
        Tree::Text(text) if text == "all" => Some(MAX_ORDERS),
        Tree::Map(_) => {
            let section = Section::new(section.source, "interleave", node)?;
            let max = section.number("max_orders", 1);
            if max.is_some_and(|max| max > MOST_ORDERS) {
                let most = format!("at most {MOST_ORDERS}");
                section.wrong("max_orders", section.get("max_orders")?, &most);
            }
            if max.is_none() && !section.has("max_orders") {
                section.lacks("max_orders");
            }
            section.finish();
            max
        }
        _ => {
            section.wrong("interleave", node, "all or {max_orders: …}");
            None
        }
    }
}

fn severity(section: &Section<'_>) -> Option<Severity> {
    let words = [
        ("critical", Severity::Critical),
        ("high", Severity::High),
        ("medium", Severity::Medium),
        ("low", Severity::Low),
        ("info", Severity::Info),
    ];
    section.word("severity", &words)
}

fn invariant(section: &Section<'_>) -> Option<Sum> {
    let sum = section.section("sum");
    if sum.is_none() && !section.has("sum") {
        section.lacks("sum");
    }
    section.finish();
    Sum::read(&sum?)
}
