use std::collections::BTreeMap;

use detente_core::json::Pointer;

use super::super::count::Count;
use super::super::expectation::{Answer, Expect, Party, Standing, State};
use super::super::memory::Counts;
use super::group::answered;
use super::*;

/// What was there before the requests that are judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    readings: BTreeMap<Url, Reading>,
    sum: Option<f64>,
}

impl<'a> Runner<'a> {
    pub(super) async fn before_steps(&mut self, expect: &'a Expect) -> Result<Before, Halt> {
        // Nothing is filled in yet: only what a state names itself can be read.
        let scenario = self.scenario;
        let mut sends = scenario.steps.iter().flat_map(|step| match step {
            Step::Send(send) => vec![send.as_ref()],
            Step::Race(race) => race.sends.iter().map(|(_, send)| send).collect(),
            Step::Wait(_) => Vec::new(),
        });
        let first = sends.find(|send| send.is_write());
        let actor = first.and_then(|send| send.actor.as_ref());
        let actor = actor.map(|(name, _)| name.as_str());
        let fresh = Fresh::default();
        let url = first.and_then(|send| {
            let scope = self.memory.scope(actor, &fresh);
            fill::url(&send.url, &scope).ok()
        });
        let request = url.map(Request::get);
        let requests: Vec<_> = request.iter().collect();
        self.before(Some(expect), &requests, actor).await
    }

    /// Reads what will be compared with afterwards.
    pub(super) async fn before(
        &mut self,
        expect: Option<&'a Expect>,
        requests: &[&Request],
        actor: Option<&str>,
    ) -> Result<Before, Halt> {
        let mut before = Before::default();
        let Some(expect) = expect else {
            return Ok(before);
        };
        for state in &expect.states {
            if matches!(state.is, Standing::Answer(_)) {
                continue;
            }
            let fresh = Fresh::default();
            let url = match &state.of {
                // One that needs an answer cannot be known yet.
                Some(of) => fill::url(of, &self.memory.scope(actor, &fresh)).ok(),
                None => requests.first().map(|it| it.url.clone()),
            };
            if let Some(url) = url {
                let (reading, _) = self.read(&url, actor).await?;
                before.readings.insert(url, reading);
            }
        }
        if let Some(sum) = &expect.sum {
            before.sum = self.sum_before(sum).await?;
        }
        Ok(before)
    }

    /// Holds what came of a group against what was expected of it. `asker` is the actor whose
    /// expectation it is: a race's is nobody's own.
    pub(super) async fn judge(
        &mut self,
        group: &[Contestant<'a>],
        expect: &'a Expect,
        before: &Before,
        asker: Option<&'a str>,
    ) -> Result<(), Halt> {
        self.tell_of_busy(group, expect)?;
        let counts = counts(group);
        let failure = self.answers_failure(group, expect, counts)?;
        // The state goes with the failure of the answers: it shows what came of them.
        let states = self
            .states_failure(group, expect, before, (counts, asker))
            .await;
        self.fail_if(failure)?;
        let failure = states?;
        self.fail_if(failure)?;
        if let Some(sum) = &expect.sum {
            let failure = self.sum_failure(sum, before.sum, group.first()).await?;
            self.fail_if(failure)?;
        }
        Ok(())
    }

    /// 429 and 503 say nothing of a race, unless they are expected.
    fn tell_of_busy(&self, group: &[Contestant<'_>], expect: &Expect) -> Result<(), Halt> {
        let parties = expect.winners.iter().chain(&expect.losers);
        let answers: Vec<_> = parties
            .map(|party| &party.answer)
            .chain([&expect.answer])
            .collect();
        let is_unexpected = |it: &Contestant<'_>| {
            let is_named = |status| answers.iter().any(|answer| answer.names(status));
            it.effect == Effect::Busy && !it.exchange.status().is_some_and(is_named)
        };
        match group.iter().any(is_unexpected) {
            true => Err(Halt::Busy),
            false => Ok(()),
        }
    }

    fn answers_failure(
        &self,
        group: &[Contestant<'a>],
        expect: &'a Expect,
        counts: Counts,
    ) -> Result<Option<Failure>, Halt> {
        let unknown = group
            .iter()
            .filter(|it| it.effect == Effect::Unknown)
            .count();
        if let Some(party) = &expect.winners
            && let Some(failure) = winners_failure(group, party, counts.winners, unknown)?
        {
            return Ok(Some(failure));
        }
        if let Some(failure) = self.unsure_failure(group, expect)? {
            return Ok(Some(failure));
        }
        if let Some(Party {
            count: Some(count), ..
        }) = &expect.losers
            && !(counts.losers..=counts.losers + unknown).any(|it| count.admits(it))
        {
            let found = counts.losers;
            let reason = format!(
                "expected {}, got {found}",
                numbered(*count, "refused write")
            );
            return Ok(Some(Failure::high(format!("{reason}: {}", told(group)))));
        }
        for it in group {
            let parties = match it.effect {
                Effect::Accepted => [
                    Some(&expect.answer),
                    expect.winners.as_ref().map(|it| &it.answer),
                ],
                Effect::Refused | Effect::Busy => [
                    Some(&expect.answer),
                    expect.losers.as_ref().map(|it| &it.answer),
                ],
                Effect::Unknown => [Some(&expect.answer), None],
            };
            for answer in parties.into_iter().flatten() {
                if let Some(failure) = self.answer_failure(it, answer, counts)? {
                    return Ok(Some(failure));
                }
            }
        }
        Ok(expect
            .retries
            .filter(|it| !it.admits(counts.retries))
            .map(|wanted| {
                let found = counts.retries;
                Failure::high(format!("expected {wanted} repeated requests, got {found}"))
            }))
    }

    fn answer_failure(
        &self,
        it: &Contestant<'a>,
        answer: &Answer,
        counts: Counts,
    ) -> Result<Option<Failure>, Halt> {
        // Of a request without an answer nothing can be said, and nothing is held against it.
        if it.exchange.response().is_none() {
            return Ok(None);
        }
        let scope = self.scope_of(it, counts);
        let failure = answer.complaint(&it.exchange, &|path| scope.lookup(path))?;
        Ok(failure.map(|failure| Failure::high(format!("{}: {failure}", it.title()))))
    }

    /// A 5xx leaves its client not knowing whether the write was applied.
    fn unsure_failure(
        &self,
        group: &[Contestant<'_>],
        expect: &Expect,
    ) -> Result<Option<Failure>, Halt> {
        let unsure = group.iter().find(|it| it.effect == Effect::Unknown);
        let Some(it) = unsure else { return Ok(None) };
        let Some(status) = it.exchange.status() else {
            let is_alone = group.len() == 1;
            let reason = format!("{}: {}", it.title(), answered(&it.exchange));
            return if is_alone {
                Err(Halt::Unjudged(reason))
            } else {
                Ok(None)
            };
        };
        let parties = expect.winners.iter().chain(&expect.losers);
        let mut answers = parties.map(|party| &party.answer).chain([&expect.answer]);
        let is_named = answers.any(|answer| answer.names(status));
        Ok((!is_named).then(|| {
            let status = status.as_u16();
            Failure::high(format!(
                "{}: the answer was {status}, which neither accepts nor refuses the request",
                it.title()
            ))
        }))
    }

    async fn states_failure(
        &mut self,
        group: &[Contestant<'a>],
        expect: &'a Expect,
        before: &Before,
        (counts, asker): (Counts, Option<&'a str>),
    ) -> Result<Option<Failure>, Halt> {
        for state in &expect.states {
            if let Some(failure) = self
                .state_failure(group, state, before, (counts, asker))
                .await?
            {
                return Ok(Some(failure));
            }
        }
        Ok(None)
    }

    async fn state_failure(
        &mut self,
        group: &[Contestant<'a>],
        state: &'a State,
        before: &Before,
        (counts, asker): (Counts, Option<&'a str>),
    ) -> Result<Option<Failure>, Halt> {
        let Some(first) = group.first() else {
            return Ok(None);
        };
        let url = match &state.of {
            Some(of) => self.url(of, &self.memory.scope(asker, &Fresh::default()))?,
            None => first.request.url.clone(),
        };
        if state.of.is_none() && group.iter().any(|it| it.request.url != url) {
            let reason = "the requests have several URLs; say with `of` which one `state` means";
            return Err(Halt::Unjudged(reason.to_owned()));
        }
        let (reading, exchange) = self.read(&url, first.actor).await?;
        self.note("what is stored afterwards", &exchange);
        let known = before.readings.get(&url);
        let found = reading.json.as_ref().map_or_else(
            || format!("status {}", reading.status.as_u16()),
            super::super::value::short,
        );
        match &state.is {
            Standing::Answer(answer) => {
                let fresh = Fresh::default();
                let scope = Scope {
                    counts,
                    ..self.memory.scope(asker, &fresh)
                };
                let failure = answer.complaint(&exchange, &|path| scope.lookup(path))?;
                Ok(failure.map(|failure| Failure::critical(format!("{url}: {failure}"))))
            }
            Standing::Unchanged => {
                let Some(known) = known else {
                    return Err(Halt::Unjudged(format!("{url} was not read before")));
                };
                let reason =
                    || Failure::critical(format!("{url} must stay unchanged, but is {found}"));
                Ok(reading.differs_from(known, &state.except).then(reason))
            }
            Standing::Winner => {
                let readings = (&reading, known);
                Ok(winner_failure(group, &url, readings, &found, &state.except))
            }
        }
    }
}

fn counts(group: &[Contestant<'_>]) -> Counts {
    let count = |effects: &[Effect]| {
        group
            .iter()
            .filter(|it| effects.contains(&it.effect))
            .count()
    };
    Counts {
        winners: count(&[Effect::Accepted]),
        losers: count(&[Effect::Refused, Effect::Busy]),
        retries: group.iter().map(|it| it.retries as usize).sum(),
    }
}

/// `alice 200, bob 409`
fn told(group: &[Contestant<'_>]) -> String {
    const MAX: usize = 8;
    let told = |it: &Contestant<'_>| match it.exchange.status() {
        Some(status) => format!("{} {}", it.name(), status.as_u16()),
        None => format!("{} no answer", it.name()),
    };
    let mut all: Vec<_> = group.iter().take(MAX).map(told).collect();
    if group.len() > MAX {
        all.push(format!("and {} more", group.len() - MAX));
    }
    all.join(", ")
}

fn winners_failure(
    group: &[Contestant<'_>],
    party: &Party,
    found: usize,
    unknown: usize,
) -> Result<Option<Failure>, Halt> {
    let Some(count) = party.count else {
        return Ok(None);
    };
    let reason = || {
        format!(
            "expected {}, got {found}: {}",
            numbered(count, "accepted write"),
            told(group)
        )
    };
    if count.max.is_some_and(|max| found > max as usize) {
        return Ok(Some(Failure::critical(reason())));
    }
    if found + unknown < count.min as usize {
        return Ok(Some(Failure::high(reason())));
    }
    if !count.admits(found) {
        // One of those without an answer may be the one that is missing.
        return Err(Halt::Unjudged(reason()));
    }
    Ok(None)
}

/// `1 accepted write`, `at most 2 accepted writes`.
fn numbered(count: Count, what: &str) -> String {
    let plural = if count.max == Some(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The state is what somebody sent who was accepted, or whose answer did not come. If nobody was
/// accepted, it is as before.
fn winner_failure(
    group: &[Contestant<'_>],
    url: &Url,
    (reading, before): (&Reading, Option<&Reading>),
    found: &str,
    except: &[Pointer],
) -> Option<Failure> {
    let nothing = Reading {
        status: http::StatusCode::NOT_FOUND,
        json: None,
        body: bytes::Bytes::new(),
    };
    let before = before.unwrap_or(&nothing);
    let made_by = |effect: Effect| {
        let mut all = group.iter().filter(|it| it.effect == effect);
        all.find(|it| reading.is_made_by(&it.request, before, except))
    };
    if made_by(Effect::Accepted).is_some() || made_by(Effect::Unknown).is_some() {
        return None;
    }
    let has_winner = group.iter().any(|it| it.effect == Effect::Accepted);
    if !has_winner && !reading.differs_from(before, except) {
        return None;
    }
    let whose = made_by(Effect::Refused).map(Contestant::name);
    Some(Failure::critical(match (has_winner, whose) {
        (_, Some(loser)) => {
            format!("{url} holds what {loser} sent, although that was refused: {found}")
        }
        (true, None) => format!("{url} does not hold what the winner sent, but {found}"),
        (false, None) => format!("no request was accepted, but {url} has changed: {found}"),
    }))
}
