use http::StatusCode;

use super::super::expectation::{Answer, Expect};
use super::super::fill::json_of;
use super::super::memory::{Counts, Fresh, Scope};
use super::super::verdict::effect;
use super::judge::Before;
use super::*;

/// A request with all that came of it.
#[derive(Clone, Debug)]
pub(super) struct Contestant<'a> {
    pub(super) actor: Option<&'a str>,
    pub(super) send: &'a Sending,
    /// The actor's place in the race, from 1.
    pub(super) index: usize,
    pub(super) fresh: Fresh,
    /// The last one that was sent.
    pub(super) request: Request,
    pub(super) exchange: Exchange,
    pub(super) effect: Effect,
    pub(super) retries: u32,
    pub(super) has_given_up: bool,
}

impl Contestant<'_> {
    pub(super) fn name(&self) -> &str {
        self.actor.unwrap_or(TESTER)
    }

    /// `PUT /docs/1 of bob`
    pub(super) fn title(&self) -> String {
        match self.actor {
            Some(actor) => format!("{} of {actor}", self.send.title()),
            None => self.send.title(),
        }
    }
}

/// `409`; `no answer within 2s`.
pub(super) fn answered(exchange: &Exchange) -> String {
    match (&exchange.reply, exchange.status()) {
        (_, Some(status)) => format!("the answer was {}", status.as_u16()),
        (crate::model::Reply::Missing(unsure), _) => unsure.to_string(),
        (crate::model::Reply::Received(_), None) => "no answer".to_owned(),
    }
}

/// A request that is filled in and not yet sent.
struct Prepared<'a> {
    actor: Option<&'a str>,
    send: &'a Sending,
    index: usize,
    fresh: Fresh,
    request: Request,
}

impl<'a> Runner<'a> {
    pub(super) async fn single(
        &mut self,
        actor: Option<&'a str>,
        send: &'a Sending,
    ) -> Result<(), Halt> {
        let prepared = self.prepare(actor, send, 1)?;
        let before = self
            .before(send.expect.as_ref(), &[&prepared.request], actor)
            .await?;
        let watches = self.watches();
        if watches && send.is_write() {
            self.watch(&prepared.request.url, actor).await?;
        }
        let exchange = self.session(actor).send(prepared.request.clone()).await?;
        let mut group = vec![prepared.answered(exchange)];
        self.settle(&mut group, None).await?;
        if watches {
            let failure = self.watched(&group[0]).await?;
            self.fail_if(failure)?;
        }
        self.judge_one(&group[0], &before).await?;
        if group[0].effect == Effect::Accepted || self.phase == Phase::Steps {
            let taken = self.capture(actor, send, &group[0].exchange);
            let may_lack = group[0].effect != Effect::Accepted;
            if let (Err(reason), false) = (taken, may_lack) {
                return Err(Halt::Unjudged(reason));
            }
        }
        self.remember(group);
        Ok(())
    }

    pub(super) async fn race(&mut self, race: &'a Race) -> Result<(), Halt> {
        let mut prepared = Vec::new();
        for (at, (name, send)) in race.sends.iter().enumerate() {
            prepared.push(self.prepare(Some(name), send, at + 1)?);
        }
        let requests: Vec<_> = prepared.iter().map(|it| &it.request).collect();
        let reader = prepared.first().and_then(|it| it.actor);
        let before = self.before(race.expect.as_ref(), &requests, reader).await?;
        let volley = prepared.iter().map(|it| (it.actor, it.request.clone()));
        let volley: Vec<_> = volley.collect();
        let (exchanges, overlapped) = self.volley(volley).await?;
        self.overlapped = Some(self.overlapped.unwrap_or(true) && overlapped);
        let group = prepared.into_iter().zip(exchanges);
        let mut group: Vec<_> = group.map(|(it, exchange)| it.answered(exchange)).collect();
        self.settle(&mut group, race.wins.as_ref()).await?;
        for it in &group {
            // Losers mostly have nothing to capture.
            let _ = self.capture(it.actor, it.send, &it.exchange);
        }
        for it in &group {
            if let Some(expect) = &it.send.expect {
                self.judge(std::slice::from_ref(it), expect, &before, it.actor)
                    .await?;
            }
        }
        if let Some(expect) = &race.expect {
            self.judge(&group, expect, &before, None).await?;
        }
        self.remember(group);
        Ok(())
    }

    fn prepare(
        &mut self,
        actor: Option<&'a str>,
        send: &'a Sending,
        index: usize,
    ) -> Result<Prepared<'a>, Halt> {
        let fresh = Fresh::draw(&mut self.random);
        let scope = Scope {
            index,
            ..self.memory.scope(actor, &fresh)
        };
        let request = send.fill(&self.common(actor), &scope);
        let request =
            request.map_err(|unfit| Halt::Unjudged(format!("{}: {unfit}", send.title())))?;
        Ok(Prepared {
            actor,
            send,
            index,
            fresh,
            request,
        })
    }

    /// Released together; the exchanges in the order of the requests.
    pub(super) async fn volley(
        &mut self,
        requests: Vec<(Option<&str>, Request)>,
    ) -> Result<(Vec<Exchange>, bool), Halt> {
        let requests = requests.into_iter();
        let requests = requests.map(|(actor, request)| (self.session(actor), request));
        let requests: Vec<_> = requests.collect();
        let volley = self.client.volley(requests).await?;
        let overlapped = volley.overlapped();
        Ok((volley.exchanges, overlapped))
    }

    /// After the first answers: retries, then how each fared.
    async fn settle(
        &mut self,
        group: &mut [Contestant<'a>],
        wins: Option<&'a Answer>,
    ) -> Result<(), Halt> {
        for it in group.iter() {
            self.note(self.first_note(it), &it.exchange);
        }
        self.retry(group).await?;
        for it in group.iter_mut() {
            let wins = it
                .send
                .wins
                .as_ref()
                .or(wins)
                .or(self.scenario.wins.as_ref());
            let wins = wins.filter(|_| it.send.is_write());
            let scope = self.scope_of(it, Counts::default());
            it.effect = effect(&it.exchange, wins, &|path| scope.lookup(path))?;
            self.learn_base(it);
        }
        Ok(())
    }

    fn first_note(&self, it: &Contestant<'_>) -> String {
        let word = match it.exchange.effect() {
            Effect::Accepted => "accepted",
            Effect::Refused => "refused",
            Effect::Busy => "put off",
            Effect::Unknown => "neither accepted nor refused",
        };
        format!("{}, {word}", it.name())
    }

    /// What its next edit of this resource begins from.
    fn learn_base(&mut self, it: &Contestant<'_>) {
        if it.effect != Effect::Accepted {
            return;
        }
        let document = match it.request.method.as_str() {
            "GET" => it.exchange.response().and_then(|response| response.json()),
            "PUT" => json_of(&it.request),
            _ => None,
        };
        if let Some(document) = document {
            let key = (it.name().to_owned(), it.request.url.clone());
            self.bases.insert(key, document);
        }
    }

    pub(super) fn scope_of<'s>(&'s self, it: &Contestant<'s>, counts: Counts) -> Scope<'s> {
        Scope {
            index: it.index,
            counts,
            ..self.memory.scope(it.actor, &it.fresh)
        }
    }

    async fn judge_one(&mut self, it: &Contestant<'a>, before: &Before) -> Result<(), Halt> {
        let expect = it.send.expect.as_ref();
        let says_nothing = |expect: &Expect| {
            let is_open = expect.winners.is_none() && expect.losers.is_none();
            is_open && expect.answer.statuses.is_empty()
        };
        if expect.is_none_or(says_nothing) {
            self.judge_unasked(it)?;
        }
        match expect {
            Some(expect) => {
                self.judge(std::slice::from_ref(it), expect, before, it.actor)
                    .await
            }
            None => Ok(()),
        }
    }

    /// A step that says nothing of its status is to be accepted, unless the scenario as a whole
    /// says what is to come of its writes, or runs them in every order.
    fn judge_unasked(&self, it: &Contestant<'_>) -> Result<(), Halt> {
        let is_fine = |status: StatusCode| status.is_success() || status.is_redirection();
        let is_left_open = self.phase == Phase::Steps
            && it.send.is_write()
            && (self.scenario.expect.is_some() || self.scenario.interleave.is_some());
        let is_gone = |status: StatusCode| {
            let is_deleted =
                self.phase == Phase::Teardown && it.request.method == http::Method::DELETE;
            // `*` holds for whatever is there (RFC 9110, section 13.1.1).
            let condition = it.request.headers.get(http::header::IF_MATCH);
            let asks_for_any = condition.is_some_and(|it| it.as_bytes() == b"*");
            is_deleted
                && match status {
                    StatusCode::NOT_FOUND | StatusCode::GONE => true,
                    StatusCode::PRECONDITION_FAILED => asks_for_any,
                    _ => false,
                }
        };
        let reason = || format!("{}: {}", it.title(), answered(&it.exchange));
        match (it.effect, it.exchange.status()) {
            (Effect::Accepted, _) => Ok(()),
            (Effect::Busy, _) => Err(Halt::Busy),
            (Effect::Refused, Some(status)) if is_fine(status) && it.send.wins.is_none() => Ok(()),
            (Effect::Refused, _) if is_left_open => Ok(()),
            (Effect::Refused, Some(status)) if is_gone(status) => Ok(()),
            (Effect::Unknown, None) => Err(Halt::Unjudged(reason())),
            _ => Err(self.failed(Failure::high(reason()))),
        }
    }

    fn remember(&mut self, group: Vec<Contestant<'a>>) {
        if self.phase == Phase::Steps {
            let writes = group.into_iter().filter(|it| it.send.is_write());
            self.writes.extend(writes);
        }
    }
}

impl<'a> Prepared<'a> {
    fn answered(self, exchange: Exchange) -> Contestant<'a> {
        Contestant {
            actor: self.actor,
            send: self.send,
            index: self.index,
            fresh: self.fresh,
            request: self.request,
            effect: exchange.effect(),
            exchange,
            retries: 0,
            has_given_up: false,
        }
    }
}
