//! Every variable is set before it is used, whichever way a run takes.

use std::collections::{BTreeMap, BTreeSet};

use super::capture::Capture;
use super::expectation::{Answer, Expect, Standing, Sum};
use super::mistake::{Position, Source, suggestion};
use super::race::{Race, numbered};
use super::step::{BUILT_IN, Content, Sending, Step};
use super::suite::Scenario;
use super::template::{Expression, Template};

pub(super) fn check(source: &Source<'_>, scenario: &Scenario) {
    let mut walk = Walk {
        source,
        scenario,
        shared: BTreeSet::new(),
        own: BTreeMap::new(),
        is_interleaved: false,
    };
    walk.begin();
    walk.steps(&scenario.setup);
    if let Some(sum) = &scenario.invariant {
        walk.sum(None, sum);
    }
    walk.is_interleaved = scenario.interleave.is_some();
    walk.steps(&scenario.steps);
    walk.is_interleaved = false;
    if let Some(expect) = &scenario.expect {
        walk.expect(None, expect);
    }
    walk.steps(&scenario.teardown);
    tell_of_no_base(source, scenario);
}

/// What is known at one point of a scenario.
struct Walk<'a> {
    source: &'a Source<'a>,
    scenario: &'a Scenario,
    shared: BTreeSet<String>,
    own: BTreeMap<String, BTreeSet<String>>,
    /// Whether somebody else's steps may come later than they stand in the file.
    is_interleaved: bool,
}

impl<'a> Walk<'a> {
    fn begin(&mut self) {
        let scenario = self.scenario;
        let names = |row: &Vec<(String, _)>| row.iter().map(|(name, _)| name.clone()).collect();
        let mut rows = scenario.rows.iter();
        let first: BTreeSet<String> = rows.next().map(names).unwrap_or_default();
        let columns = rows.fold(first, |known, row| &known & &names(row));
        for (_, shape) in scenario.rows.iter().flatten() {
            self.all(None, shape.templates());
        }
        self.shared = columns;
        for (name, shape) in &scenario.vars {
            self.all(None, shape.templates());
            self.shared.insert(name.clone());
        }
        self.all(None, scenario.base.iter().collect());
        self.all(
            None,
            scenario
                .headers
                .iter()
                .filter_map(|it| it.1.as_ref())
                .collect(),
        );
        if let Some(wins) = &scenario.wins {
            self.answer(None, wins);
        }
        for cast in &scenario.cast {
            let own = self.own.entry(cast.name.clone()).or_default();
            own.extend(cast.vars.iter().map(|(name, _)| name.clone()));
            for (_, shape) in &cast.vars {
                self.all(Some(&cast.name), shape.templates());
            }
            for step in &cast.login {
                if let Step::Send(send) = step {
                    self.send(Some(&cast.name), send);
                    self.learn(Some(&cast.name), &send.capture);
                }
            }
            let headers = cast.headers.iter().filter_map(|it| it.1.as_ref());
            self.all(Some(&cast.name), headers.collect());
        }
    }

    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            match step {
                Step::Send(send) => {
                    let actor = send.actor.as_ref();
                    if let Some((name, position)) = actor {
                        self.actor(name, *position);
                    }
                    let actor = actor.map(|(name, _)| name.as_str());
                    self.send(actor, send);
                    self.learn(actor, &send.capture);
                }
                Step::Race(race) => self.race(race),
                Step::Wait(_) => {}
            }
        }
    }

    fn race(&mut self, race: &'a Race) {
        let mut told = Vec::new();
        for (name, send) in &race.sends {
            let position = send
                .actor
                .as_ref()
                .map_or(race.position, |(_, position)| *position);
            self.actor(name, position);
            // Several actors may send the one request: its mistakes are told once.
            if !told.contains(&send.position) {
                told.push(send.position);
                self.send(Some(name), send);
            }
        }
        for (name, send) in &race.sends {
            self.learn(Some(name), &send.capture);
        }
        if let Some(wins) = &race.wins {
            self.answer(None, wins);
        }
        if let Some(expect) = &race.expect {
            self.expect(None, expect);
        }
    }

    /// A scenario that lists its actors has no others.
    fn actor(&self, name: &str, position: Position) {
        let cast = &self.scenario.cast;
        let is_known = cast.iter().any(|it| it.name == name);
        let is_numbered = (0..1000).any(|at| numbered(at) == name);
        if !cast.is_empty() && !is_known && !is_numbered {
            let hint = suggestion(name, cast.iter().map(|it| it.name.as_str()));
            self.source
                .mistake(position, format!("unknown actor {name}{hint}"));
        }
    }

    fn learn(&mut self, actor: Option<&str>, captures: &[Capture]) {
        let names = captures.iter().map(|capture| capture.name.clone());
        match actor {
            Some(actor) => self.own.entry(actor.to_owned()).or_default().extend(names),
            None => self.shared.extend(names),
        }
    }

    fn send(&mut self, actor: Option<&str>, send: &'a Sending) {
        self.all(actor, send.templates());
        let retry = send.retry.iter().flat_map(|retry| &retry.read);
        self.all(actor, retry.collect());
        let before = (self.shared.clone(), self.own.clone());
        self.learn(actor, &send.capture);
        if let Some(wins) = &send.wins {
            self.answer(actor, wins);
        }
        if let Some(expect) = &send.expect {
            self.expect(actor, expect);
        }
        (self.shared, self.own) = before;
    }

    fn answer(&self, actor: Option<&str>, answer: &'a Answer) {
        self.all_expected(actor, answer.templates());
    }

    fn expect(&self, actor: Option<&str>, expect: &'a Expect) {
        self.answer(actor, &expect.answer);
        for party in expect.winners.iter().chain(&expect.losers) {
            self.answer(actor, &party.answer);
        }
        for state in &expect.states {
            self.all_expected(actor, state.of.iter().collect());
            if let Standing::Answer(answer) = &state.is {
                self.answer(actor, answer);
            }
        }
        if let Some(sum) = &expect.sum {
            self.sum(actor, sum);
        }
    }

    fn sum(&self, actor: Option<&str>, sum: &'a Sum) {
        self.all_expected(actor, sum.over.iter().collect());
        let is = sum.is.iter().flat_map(|matcher| matcher.templates());
        self.all_expected(actor, is.collect());
    }

    fn all(&self, actor: Option<&str>, templates: Vec<&Template>) {
        self.each(actor, templates, false);
    }

    fn all_expected(&self, actor: Option<&str>, templates: Vec<&Template>) {
        self.each(actor, templates, true);
    }

    fn each(&self, actor: Option<&str>, templates: Vec<&Template>, counts: bool) {
        for expression in templates.into_iter().flat_map(Template::expressions) {
            for path in expression.paths() {
                self.path(actor, path, expression, counts);
            }
        }
    }

    fn path(&self, actor: Option<&str>, path: &[String], at: &Expression, counts: bool) {
        let source = self.source;
        let name = path[0].as_str();
        match (name, path.get(1)) {
            ("env", Some(name)) => {
                let env = &self.scenario.inputs.env;
                if !env.contains_key(name) {
                    let hint = suggestion(name, env.keys().map(String::as_str));
                    let message = format!("the environment has no {name}{hint}");
                    source.mistake(at.position, message);
                }
            }
            ("winners" | "losers" | "retries", _) if !counts => {
                let message = format!("{{{{{name}}}}} can be used only in expect");
                source.mistake(at.position, message);
            }
            ("env", None) => source.mistake(at.position, "write {{env.NAME}}"),
            _ if BUILT_IN.contains(&name) || self.knows(actor, name) => {}
            (_, Some(variable)) if self.scenario.actors().contains(&name) => {
                self.of_actor(actor, name, variable, at);
            }
            _ => {
                let own = actor.and_then(|actor| self.own.get(actor));
                let known = self.shared.iter().chain(own.into_iter().flatten());
                let known = known.map(String::as_str).chain(BUILT_IN);
                let hint = suggestion(name, known);
                let message = format!(
                    "{{{{{name}}}}} is not set before this, neither in vars, nor by --var, nor by a capture{hint}"
                );
                source.mistake(at.position, message);
            }
        }
    }

    fn knows(&self, actor: Option<&str>, name: &str) -> bool {
        let own = actor.and_then(|actor| self.own.get(actor));
        self.shared.contains(name) || own.is_some_and(|own| own.contains(name))
    }

    /// `{{alice.etag}}`
    fn of_actor(&self, actor: Option<&str>, other: &str, variable: &str, at: &Expression) {
        let known = self.own.get(other);
        if !known.is_some_and(|known| known.contains(variable)) {
            let names = known.into_iter().flatten().map(String::as_str);
            let hint = suggestion(variable, names);
            let message = format!("{other} captures no {variable} before this{hint}");
            self.source.mistake(at.position, message);
        } else if self.is_interleaved
            && actor != Some(other)
            && self.comes_in_steps(other, variable)
        {
            let message =
                format!("in some orders of the steps, {other} captures no {variable} before this");
            self.source.mistake(at.position, message);
        }
    }

    fn comes_in_steps(&self, actor: &str, variable: &str) -> bool {
        let captures = |step: &Step| match step {
            Step::Send(send) => {
                let is_theirs = send.actor.as_ref().is_some_and(|(name, _)| name == actor);
                is_theirs && send.capture.iter().any(|it| it.name == variable)
            }
            _ => false,
        };
        self.scenario.steps.iter().any(captures)
    }
}

/// A URL without a scheme needs something to begin with.
fn tell_of_no_base(source: &Source<'_>, scenario: &Scenario) {
    if scenario.base.is_some() {
        return;
    }
    let is_relative = |url: &Template| url.to_string().starts_with('/');
    if let Some(send) = scenario.sends().find(|send| is_relative(&send.url)) {
        let message = format!(
            "{} has no host: write `base: http://…` at the top, or give --var base=http://…",
            send.url
        );
        source.mistake(send.url.position(), message);
    }
}

impl Sending {
    /// All that is filled in before it is sent.
    fn templates(&self) -> Vec<&Template> {
        let mut all = vec![&self.url];
        all.extend(self.query.iter().flat_map(|(name, value)| [name, value]));
        all.extend(self.headers.iter().filter_map(|(_, value)| value.as_ref()));
        all.extend(self.if_match.iter().chain(&self.if_none_match));
        match &self.content {
            Content::Json(shape) | Content::MergePatch(shape) | Content::JsonPatch(shape) => {
                all.extend(shape.templates());
            }
            Content::Form(pairs) => {
                all.extend(pairs.iter().flat_map(|(name, value)| [name, value]))
            }
            Content::Text(template) => all.push(template),
            Content::None | Content::File(_) => {}
        }
        all
    }
}
