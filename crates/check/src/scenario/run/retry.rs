use http::{HeaderName, header};
use serde_json::Value;

use super::super::fill::json_of;
use super::super::memory::Counts;
use super::super::retry::{Edit, Retry};
use super::super::step::Content;
use super::*;

impl<'a> Runner<'a> {
    /// Those who were refused read again and try again, all at once, until nobody may any more.
    pub(super) async fn retry(&mut self, group: &mut [Contestant<'a>]) -> Result<(), Halt> {
        loop {
            let mut wave = Vec::new();
            for (at, it) in group.iter_mut().enumerate() {
                let Some(retry) = &it.send.retry else {
                    continue;
                };
                let status = it.exchange.status().map(|status| status.as_u16());
                let is_refused = status.is_some_and(|status| retry.on.contains(&status));
                if !is_refused || it.has_given_up || it.retries >= retry.times {
                    continue;
                }
                match self.renew(it, retry).await? {
                    Some(request) => {
                        it.request = request;
                        it.retries += 1;
                        wave.push(at);
                    }
                    None => it.has_given_up = true,
                }
            }
            if wave.is_empty() {
                return Ok(());
            }
            self.send_again(group, &wave).await?;
        }
    }

    async fn send_again(
        &mut self,
        group: &mut [Contestant<'a>],
        wave: &[usize],
    ) -> Result<(), Halt> {
        let exchanges = match wave {
            [at] => {
                let it = &group[*at];
                vec![self.session(it.actor).send(it.request.clone()).await?]
            }
            _ => {
                let requests = wave
                    .iter()
                    .map(|at| (group[*at].actor, group[*at].request.clone()));
                self.volley(requests.collect()).await?.0
            }
        };
        for (at, exchange) in wave.iter().zip(exchanges) {
            let it = &mut group[*at];
            let note = format!("{}, tries again ({})", it.name(), it.retries);
            self.note(note, &exchange);
            it.exchange = exchange;
        }
        Ok(())
    }

    /// The request once more, on what is there now; `None` if it cannot be made, or somebody would
    /// have to decide first.
    async fn renew(
        &mut self,
        it: &Contestant<'a>,
        retry: &'a Retry,
    ) -> Result<Option<Request>, Halt> {
        let url = match &retry.read {
            Some(read) => self.url(read, &self.scope_of(it, Counts::default()))?,
            None => it.request.url.clone(),
        };
        let mut get = Request::get(url.clone());
        get.headers = fill::fields(
            &self.common(it.actor),
            &self.memory.scope(it.actor, &it.fresh),
        )?;
        let read = self.session(it.actor).send(get).await?;
        self.note(format!("{}, reads again", it.name()), &read);
        let Some(response) = read
            .response()
            .filter(|response| response.status.is_success())
        else {
            return Ok(None);
        };
        for capture in &retry.capture {
            if let Ok(value) = capture.take(response) {
                self.memory.keep(it.actor, &capture.name, value);
            }
        }
        let mut request = it.request.clone();
        match (&retry.edit, &it.send.content) {
            (Edit::Rewrite, _) => {
                let scope = self.scope_of(it, Counts::default());
                request = it.send.fill(&self.common(it.actor), &scope)?;
            }
            (edit, Content::Json(_)) => {
                let (Some(ours), Some(theirs)) = (json_of(&request), response.json()) else {
                    return Ok(None);
                };
                let base = self.base_of(it, &url);
                let Some(merged) = edit.apply(base.as_ref(), &ours, &theirs) else {
                    return Ok(None);
                };
                request.body = merged.to_string().into();
                self.bases.insert((it.name().to_owned(), url), theirs);
            }
            // A patch says what it changes, and other content cannot be merged: it is sent as it is.
            _ => {}
        }
        for (condition, validator) in [
            (header::IF_MATCH, header::ETAG),
            (header::IF_UNMODIFIED_SINCE, header::LAST_MODIFIED),
        ] {
            renew_condition(&mut request, it, response, condition, validator);
        }
        Ok(Some(request))
    }

    /// What an actor's edit began from: what it read or wrote itself, or what the tester wrote.
    fn base_of(&self, it: &Contestant<'_>, url: &Url) -> Option<Value> {
        let of = |name: &str| self.bases.get(&(name.to_owned(), url.clone()));
        of(it.name()).or_else(|| of(TESTER)).cloned()
    }
}

/// A condition that still names the old version names the one that was just read.
fn renew_condition(
    request: &mut Request,
    it: &Contestant<'_>,
    response: &crate::model::Response,
    condition: HeaderName,
    validator: HeaderName,
) {
    let is_old = request.headers.get(&condition) == it.request.headers.get(&condition);
    let is_any = request.headers.get(&condition).is_some_and(|it| it == "*");
    if let Some(tag) = response.headers.get(validator)
        && request.headers.contains_key(&condition)
        && is_old
        && !is_any
    {
        request.headers.insert(condition, tag.clone());
    }
}
