use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::plan::Round;
use super::suite::Scenario;
use super::template::Unfilled;

/// What is known in the course of a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    env: BTreeMap<String, String>,
    base: String,
    round: Option<Round>,
    shared: Map<String, Value>,
    /// What each actor captured for itself.
    own: BTreeMap<String, Map<String, Value>>,
}

/// What is known to one request, or in one expectation.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub(super) memory: &'a Memory,
    pub(super) actor: Option<&'a str>,
    /// The actor's place in the race, from 1.
    pub(super) index: usize,
    pub(super) fresh: Fresh,
    pub(super) counts: Counts,
}

/// Told apart from every other of the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    pub(super) nonce: String,
    pub(super) uuid: String,
}

/// What came of the requests that are judged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) winners: usize,
    pub(super) losers: usize,
    pub(super) retries: usize,
}

impl Fresh {
    pub(super) fn draw(random: &mut fastrand::Rng) -> Self {
        let nonce = format!("{:016x}", random.u64(..));
        let bits = random.u128(..);
        // Version 4 and its variant (RFC 9562, section 5.4).
        let bits = bits & !(0xf << 76) | 0x4 << 76;
        let bits = bits & !(0x3 << 62) | 0x2 << 62;
        let hex = format!("{bits:032x}");
        let uuid = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-");
        Self { nonce, uuid }
    }
}

impl Memory {
    /// What is known before the first round: what actors captured when they logged in.
    pub(super) fn begin(
        scenario: &Scenario,
        round: Round,
        fresh: &Fresh,
    ) -> Result<Self, Unfilled> {
        let memory = Self {
            env: scenario.inputs.env.clone(),
            ..Self::default()
        };
        memory.enter(scenario, round, fresh)
    }

    /// A round begins: its row, the variables, and for each actor its own.
    pub(super) fn enter(
        &self,
        scenario: &Scenario,
        round: Round,
        fresh: &Fresh,
    ) -> Result<Self, Unfilled> {
        let mut memory = self.clone();
        memory.round = Some(round);
        memory.shared.clear();
        for (name, shape) in scenario.rows.get(round.row).into_iter().flatten() {
            let value = shape.value(&|path| memory.scope(None, fresh).lookup(path))?;
            memory.shared.insert(name.clone(), value);
        }
        if let Some(base) = &scenario.base {
            // It may have variables of its own, and they it.
            let known = base.fill(&|path| memory.scope(None, fresh).lookup(path));
            memory.base = known.unwrap_or_default();
        }
        for (name, shape) in &scenario.vars {
            let value = shape.value(&|path| memory.scope(None, fresh).lookup(path))?;
            memory.shared.insert(name.clone(), value);
        }
        if let Some(base) = &scenario.base {
            memory.base = base.fill(&|path| memory.scope(None, fresh).lookup(path))?;
        }
        for cast in &scenario.cast {
            for (name, shape) in &cast.vars {
                let actor = Some(cast.name.as_str());
                let value = shape.value(&|path| memory.scope(actor, fresh).lookup(path))?;
                memory.keep(actor, name, value);
            }
        }
        Ok(memory)
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn keep(&mut self, actor: Option<&str>, name: &str, value: Value) {
        let variables = match actor {
            Some(actor) => self.own.entry(actor.to_owned()).or_default(),
            None => &mut self.shared,
        };
        variables.insert(name.to_owned(), value);
    }

    pub(super) fn scope<'a>(&'a self, actor: Option<&'a str>, fresh: &Fresh) -> Scope<'a> {
        Scope {
            memory: self,
            actor,
            index: 1,
            fresh: fresh.clone(),
            counts: Counts::default(),
        }
    }
}

impl Scope<'_> {
    /// `etag`: the actor's own, then what all share; `alice.etag`; and on into its members.
    pub(super) fn lookup(&self, path: &[String]) -> Option<Value> {
        let (name, rest) = path.split_first()?;
        let round = self.memory.round;
        let built_in = match name.as_str() {
            "env" => return Some(self.memory.env.get(rest.first()?)?.clone().into()),
            "actor" => Some(json!(self.actor.unwrap_or(TESTER))),
            "nonce" => Some(json!(self.fresh.nonce)),
            "uuid" => Some(json!(self.fresh.uuid)),
            "index" => Some(json!(self.index)),
            "round" => round.map(|round| json!(round.number)),
            "row" => round.map(|round| json!(round.row + 1)),
            "base" => Some(json!(self.memory.base)),
            "winners" => Some(json!(self.counts.winners)),
            "losers" => Some(json!(self.counts.losers)),
            "retries" => Some(json!(self.counts.retries)),
            _ => None,
        };
        if built_in.is_some() {
            return built_in;
        }
        let own = self.actor.and_then(|actor| self.memory.own.get(actor));
        let variable = own.and_then(|own| own.get(name));
        if let Some(value) = variable.or_else(|| self.memory.shared.get(name)) {
            return member(value, rest).cloned();
        }
        let (variable, rest) = rest.split_first()?;
        member(self.memory.own.get(name)?.get(variable)?, rest).cloned()
    }
}

/// Who takes the steps that name no actor.
pub(super) const TESTER: &str = "tester";

fn member<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}
