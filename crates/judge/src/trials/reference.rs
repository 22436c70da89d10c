//! Whether a small history is linearizable, as todc-utils sees it.
//!
//! Its checker wants to know everything: what was there at first, which writes of unknown outcome were applied, and the
//! tag and the value that each left. So all of that is tried.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

use crate::history::{Kind, Operation, Outcome};
use crate::rules::Rules;

/// A tag and a value.
type Version = (String, String);

#[derive(Clone, Debug)]
enum Deed {
    Begin(Option<Version>),
    See(Option<(Option<String>, Option<String>)>),
    Change(Demand, Option<Version>),
    Refuse(Demand),
}

#[derive(Clone, Debug)]
enum Demand {
    Nothing,
    Absent,
    Tag(String),
    Value(String),
}

impl Demand {
    fn of(operation: &Operation<'_>) -> Self {
        match (&operation.base, &operation.expected) {
            _ if operation.kind == Kind::Create => Self::Absent,
            (Some(tag), _) => Self::Tag(tag.to_string()),
            (_, Some(value)) => Self::Value(value.to_string()),
            _ => Self::Nothing,
        }
    }

    fn is_met(&self, state: &Option<Version>) -> bool {
        match (self, state) {
            (Self::Nothing, _) | (Self::Absent, None) => true,
            (Self::Tag(wanted), Some((tag, _))) => wanted == tag,
            (Self::Value(wanted), Some((_, value))) => wanted == value,
            _ => false,
        }
    }
}

struct Register;

impl Specification for Register {
    type State = Option<Version>;
    type Operation = Deed;

    fn init() -> Self::State {
        None
    }

    fn apply(deed: &Deed, state: &Self::State) -> (bool, Self::State) {
        match deed {
            Deed::Begin(state) => (true, state.clone()),
            Deed::See(None) => (state.is_none(), state.clone()),
            Deed::See(Some((tag, value))) => {
                let agrees = state.as_ref().is_some_and(|(its_tag, its_value)| {
                    tag.as_ref().is_none_or(|tag| tag == its_tag)
                        && value.as_ref().is_none_or(|value| value == its_value)
                });
                (agrees, state.clone())
            }
            Deed::Change(demand, left) => (demand.is_met(state), left.clone()),
            // Of a deletion that demanded nothing: there was nothing.
            Deed::Refuse(Demand::Nothing) => (state.is_none(), state.clone()),
            Deed::Refuse(demand) => (!demand.is_met(state), state.clone()),
        }
    }
}

pub(super) fn is_linearizable(operations: &[Operation<'_>], rules: &Rules) -> bool {
    let guess = Guess::new(operations, rules);
    let mut versions = vec![None; operations.len() + 1];
    guess.assign(0, &mut versions)
}

/// What is tried in place of what is not known.
struct Guess<'a> {
    operations: &'a [Operation<'a>],
    rules: &'a Rules,
    unique_values: bool,
    tags: Vec<String>,
    values: Vec<String>,
}

/// Of the state at first, and of each operation: whether it was applied, and what it left.
type Assigned = Option<Option<Version>>;

impl<'a> Guess<'a> {
    fn new(operations: &'a [Operation<'a>], rules: &'a Rules) -> Self {
        let names = |of: fn(&Operation<'a>) -> [Option<Cow<'a, str>>; 2]| {
            let names = operations.iter().flat_map(of).flatten();
            let names: BTreeSet<_> = names.map(Cow::into_owned).collect();
            names.into_iter().collect()
        };
        let writes = || operations.iter().filter(|operation| writes(operation));
        let values: Option<Vec<_>> = writes().map(|write| write.value.as_deref()).collect();
        let count = writes().count();
        Self {
            operations,
            rules,
            unique_values: values
                .is_some_and(|values| values.into_iter().collect::<BTreeSet<_>>().len() == count),
            tags: names(|operation| [operation.tag.clone(), operation.base.clone()]),
            values: names(|operation| [operation.value.clone(), operation.expected.clone()]),
        }
    }

    /// Tries all there is for the version at `at`, and then for those after it.
    fn assign(&self, at: usize, versions: &mut Vec<Assigned>) -> bool {
        if at == versions.len() {
            return self.keeps_promises(versions) && self.check(versions);
        }
        for version in self.candidates(at) {
            versions[at] = version;
            if self.assign(at + 1, versions) {
                return true;
            }
        }
        versions[at] = None;
        false
    }

    fn candidates(&self, at: usize) -> Vec<Assigned> {
        let Some(operation) = at.checked_sub(1).map(|at| &self.operations[at]) else {
            let mut all = vec![Some(None)];
            all.extend(
                self.pairs(None, None, at)
                    .into_iter()
                    .map(|pair| Some(Some(pair))),
            );
            return all;
        };
        let mut all = Vec::new();
        if operation.outcome != Outcome::Ok {
            all.push(None);
        }
        if operation.outcome == Outcome::Refused || operation.kind == Kind::Read {
            return vec![None];
        }
        if operation.kind == Kind::Delete {
            all.push(Some(None));
        } else {
            let pairs = self.pairs(operation.tag.as_deref(), operation.value.as_deref(), at);
            all.extend(pairs.into_iter().map(|pair| Some(Some(pair))));
        }
        all
    }

    fn pairs(&self, tag: Option<&str>, value: Option<&str>, at: usize) -> Vec<Version> {
        let choices = |known: Option<&str>, all: &[String]| match known {
            Some(known) => vec![known.to_owned()],
            None => all.iter().cloned().chain([format!("other {at}")]).collect(),
        };
        let tags = choices(tag, &self.tags);
        let values = choices(value, &self.values);
        let pairs = tags.iter().flat_map(|tag| {
            let with = |value: &String| (tag.clone(), value.clone());
            values.iter().map(with).collect::<Vec<_>>()
        });
        pairs.collect()
    }

    /// A tag stands for one value; what is unique is.
    fn keeps_promises(&self, versions: &[Assigned]) -> bool {
        let there: Vec<&Version> = versions.iter().flatten().flatten().collect();
        let mut value_of: HashMap<&str, &str> = HashMap::new();
        let seen = self
            .operations
            .iter()
            .filter(|operation| operation.outcome == Outcome::Ok);
        let seen = seen
            .filter_map(|operation| Some((operation.tag.as_deref()?, operation.value.as_deref()?)));
        for (tag, value) in seen {
            if *value_of.entry(tag).or_insert(value) != value {
                return false;
            }
        }
        // What nobody saw together is not held against a history.
        let fits = |(tag, value): &Version| {
            let known = value_of.get(tag.as_str());
            known.is_none_or(|known| known == value)
        };
        if !there.iter().all(|version| fits(version)) {
            return false;
        }
        let differ =
            |names: Vec<&String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let is_initial_new = match (&versions[0], self.unique_values) {
            (Some(Some((_, value))), true) => !self.operations.iter().any(|operation| {
                operation.kind != Kind::Read && operation.value.as_deref() == Some(value)
            }),
            _ => true,
        };
        let unique_tags = self.unique_values || self.rules.tags_are_unique;
        is_initial_new && (!unique_tags || differ(there.iter().map(|(tag, _)| tag).collect()))
    }

    fn check(&self, versions: &[Assigned]) -> bool {
        let mut events = Vec::new();
        for (at, operation) in self.operations.iter().enumerate() {
            let Some(deed) = self.deed(operation, versions[at + 1].clone()) else {
                continue;
            };
            let ended = match operation.outcome {
                Outcome::Unknown => u64::MAX,
                _ => operation.ended.unwrap_or(u64::MAX),
            };
            events.push((operation.begun, false, at + 1, deed.clone()));
            events.push((ended, true, at + 1, deed));
        }
        events.sort_by_key(|(time, ends, at, _)| (*time, *ends, *at));
        let initial = Deed::Begin(versions[0].clone().flatten());
        let mut actions = vec![
            (0, Action::Call(initial.clone())),
            (0, Action::Response(initial)),
        ];
        actions.extend(events.into_iter().map(|(_, ends, at, deed)| {
            let action = if ends {
                Action::Response(deed)
            } else {
                Action::Call(deed)
            };
            (at, action)
        }));
        WGLChecker::<Register>::is_linearizable(History::from_actions(actions))
    }

    fn deed(&self, operation: &Operation<'_>, version: Assigned) -> Option<Deed> {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let demand = Demand::of(operation);
        match (operation.kind, operation.outcome) {
            (Kind::Read, Outcome::Ok) if operation.absent => Some(Deed::See(None)),
            (Kind::Read, Outcome::Ok) => Some(Deed::See(Some((
                text(&operation.tag),
                text(&operation.value),
            )))),
            (Kind::Read, _) | (Kind::Write, Outcome::Refused) => None,
            (_, Outcome::Refused) => self.rules.trusts_refusals.then_some(Deed::Refuse(demand)),
            _ => version.map(|left| Deed::Change(demand, left)),
        }
    }
}

fn writes(operation: &Operation<'_>) -> bool {
    !matches!(operation.kind, Kind::Read | Kind::Delete) && operation.outcome != Outcome::Refused
}
