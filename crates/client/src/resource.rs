use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Value, object};
use detente_core::merge::{Choices, Merge};
use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode, Url};

use crate::condition::Condition;
use crate::conflict::{Stale, choices_to_json};
use crate::error::Error;
use crate::pace::Pace;
use crate::problem::Problem;
use crate::snapshot::Snapshot;
use crate::tag::Tag;
use crate::transport::{Answer, Repeat, Request, Transport, new_key};

pub(crate) const JSON: &str = "application/json";

/// One document, by its URL.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    transport: Arc<Transport>,
    pub(crate) id: String,
    url: Url,
}

/// Whether the server is to join a write that comes too late with what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    Wanted,
    /// Also where the server is set up to do it unasked: an intent that is to be run again must not
    /// be taken for a text that says how things are to be.
    Unwanted,
    /// As the server is set up.
    Default,
}

/// What became of a write.
#[derive(Debug)]
pub(crate) enum Outcome {
    Applied(Answer),
    Refused(Refused),
}

/// A write that came too late, or may have.
#[derive(Debug)]
pub(crate) struct Refused {
    refusal: Refusal,
    in_doubt: bool,
}

#[derive(Debug)]
enum Refusal {
    /// Told in so many words.
    Stale(Box<Stale>),
    /// 409 or 412 in other words: what is there now must be looked at.
    Unexplained(Problem),
}

/// A refusal, understood.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The document is what was sent: an earlier attempt, whose answer was lost, was applied.
    Done(Snapshot),
    Stale(Box<Stale>),
}

impl Refused {
    /// Whether the server itself said what is there now.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.refusal, Refusal::Stale(_))
    }
}

impl Resource {
    pub(crate) fn new(
        transport: Arc<Transport>,
        collection: &[&str],
        id: &str,
    ) -> Result<Self, Error> {
        let names: Vec<_> = collection.iter().copied().chain([id]).collect();
        let url = transport.url(&names)?;
        let id = id.to_owned();
        Ok(Self { transport, id, url })
    }

    pub(crate) fn pace(&self) -> Pace {
        self.transport.pace()
    }

    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::Deleted`], or that it cannot be had.
    pub(crate) async fn read(&self, pace: &mut Pace) -> Result<Snapshot, Error> {
        let answer = self.get(HeaderMap::new(), pace).await?;
        Snapshot::of_read(&answer)
    }

    /// `None` if it is still at `tag`.
    pub(crate) async fn read_unless(
        &self,
        tag: &Tag,
        pace: &mut Pace,
    ) -> Result<Option<Snapshot>, Error> {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, tag.as_header().clone())]);
        let answer = self.get(headers, pace).await?;
        match answer.status {
            StatusCode::NOT_MODIFIED => Ok(None),
            _ => Snapshot::of_read(&answer).map(Some),
        }
    }

    async fn get(&self, mut headers: HeaderMap, pace: &mut Pace) -> Result<Answer, Error> {
        // What a cache in between has may be older than what was just refused for being old.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let request = Request {
            headers,
            ..Request::read(self.url.clone())
        };
        let answer = self.transport.send(&request, pace).await?;
        match answer.status {
            StatusCode::OK | StatusCode::NOT_MODIFIED => Ok(answer),
            _ => Err(Error::of(answer.problem())),
        }
    }

    pub(crate) async fn put(
        &self,
        ours: &Value,
        condition: &Condition,
        joining: Joining,
        pace: &mut Pace,
    ) -> Result<Outcome, Error> {
        let body = Some((JSON, Bytes::from(ours.to_text())));
        self.write(Method::PUT, body, condition, joining, pace)
            .await
    }

    pub(crate) async fn write(
        &self,
        method: Method,
        body: Option<(&'static str, Bytes)>,
        condition: &Condition,
        joining: Joining,
        pace: &mut Pace,
    ) -> Result<Outcome, Error> {
        let request = self.request(method, body, condition, joining);
        outcome(self.transport.send(&request, pace).await?)
    }

    fn request(
        &self,
        method: Method,
        body: Option<(&'static str, Bytes)>,
        condition: &Condition,
        joining: Joining,
    ) -> Request {
        let mut headers = HeaderMap::new();
        condition.write(&mut headers);
        let preference = match joining {
            Joining::Wanted => Some("conflict=merge"),
            Joining::Unwanted => Some("conflict=reject"),
            Joining::Default => None,
        };
        if let Some(preference) = preference {
            headers.insert("prefer", HeaderValue::from_static(preference));
        }
        Request {
            method,
            url: self.url.clone(),
            headers,
            body,
            repeat: if condition.holds_once() {
                Repeat::Conditional(new_key())
            } else {
                Repeat::Keyed(new_key())
            },
        }
    }

    /// Has the server join an edit of `base` with what is stored, by `choices` that were made upon
    /// `current`; `None` if it does not know how.
    pub(crate) async fn merge(
        &self,
        base: &Tag,
        ours: &Value,
        choices: &Choices,
        current: &Tag,
        pace: &mut Pace,
    ) -> Result<Option<Outcome>, Error> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push("merge");
        }
        let body = Value::Object(object([
            ("base", base.to_string().into()),
            ("document", ours.clone()),
            ("choices", choices_to_json(choices)),
            ("current", current.to_string().into()),
        ]));
        let request = Request {
            method: Method::POST,
            url,
            headers: HeaderMap::new(),
            body: Some((JSON, Bytes::from(body.to_text()))),
            repeat: Repeat::Keyed(new_key()),
        };
        let answer = self.transport.send(&request, pace).await?;
        if matches!(answer.status.as_u16(), 404 | 405 | 501) {
            return Ok(None);
        }
        outcome(answer).map(Some)
    }

    /// What a write left behind, read if the answer does not tell.
    pub(crate) async fn stored(
        &self,
        answer: &Answer,
        sent: Option<&Value>,
        pace: &mut Pace,
    ) -> Result<Snapshot, Error> {
        let stored = match Snapshot::of_write(answer, sent) {
            Ok(Some(stored)) => return Ok(stored),
            Ok(None) => self.read(pace).await,
            Err(error) => Err(error),
        };
        stored.map_err(|error| Error::Applied(Box::new(error)))
    }

    /// Deletes the document.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] if it is not as `condition` has it.
    pub(crate) async fn delete(&self, condition: &Condition, pace: &mut Pace) -> Result<(), Error> {
        let request = self.request(Method::DELETE, None, condition, Joining::Default);
        let answer = self.transport.send(&request, pace).await?;
        // It is gone, as it was to be: an earlier attempt, whose answer was lost, saw to that.
        if answer.in_doubt && answer.says_gone() {
            return Ok(());
        }
        let refused = match outcome(answer)? {
            Outcome::Applied(_) => return Ok(()),
            Outcome::Refused(refused) => refused,
        };
        match self.settle(refused, condition, None, pace).await? {
            Settled::Done(_) => Ok(()),
            Settled::Stale(stale) => Err(Error::Stale(stale)),
        }
    }

    /// Finds out what a refusal was about. `edit` is what a PUT began from, where that is known, and
    /// what it sent.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if nobody else saved, so that it is a rule that refused;
    /// [`Error::Uncertain`] if an earlier attempt may have been applied and overtaken since.
    pub(crate) async fn settle(
        &self,
        refused: Refused,
        condition: &Condition,
        edit: Option<(Option<&Snapshot>, &Value)>,
        pace: &mut Pace,
    ) -> Result<Settled, Error> {
        let stale = match refused.refusal {
            Refusal::Stale(stale) => stale,
            Refusal::Unexplained(problem) => self.look(problem, condition, edit, pace).await?,
        };
        if !refused.in_doubt {
            return Ok(Settled::Stale(stale));
        }
        if let Some((_, ours)) = edit {
            let current = match stale.snapshot() {
                Some(current) => current,
                None => self.read(pace).await?,
            };
            if current.tree == *ours {
                return Ok(Settled::Done(current));
            }
        }
        Err(Error::Uncertain(stale.problem.to_string().into()))
    }

    async fn look(
        &self,
        problem: Problem,
        condition: &Condition,
        edit: Option<(Option<&Snapshot>, &Value)>,
        pace: &mut Pace,
    ) -> Result<Box<Stale>, Error> {
        if !condition.holds_once() {
            return Err(Error::Refused(Box::new(problem)));
        }
        let theirs = match self.read(pace).await {
            Ok(theirs) => theirs,
            // Nothing is there that could have been in the way of creating it.
            Err(Error::Missing(_) | Error::Deleted(_)) if *condition == Condition::Absent => {
                return Err(Error::Refused(Box::new(problem)));
            }
            Err(error) => return Err(error),
        };
        if let (Condition::Tag(base), Some(theirs)) = (condition, &theirs.tag)
            && base == theirs
        {
            return Err(Error::Refused(Box::new(problem)));
        }
        let merge = match edit {
            Some((Some(base), ours)) => base.merge(ours, &theirs.tree, &Choices::default()),
            _ => Merge::default(),
        };
        Ok(Stale::found(problem, theirs, merge))
    }
}

fn outcome(answer: Answer) -> Result<Outcome, Error> {
    if answer.status.is_success() {
        return Ok(Outcome::Applied(answer));
    }
    let refusal = match Stale::of(answer.problem()) {
        Ok(stale) if stale.current_tag.is_none() => {
            return Err(Error::Missing(Box::new(stale.problem)));
        }
        Ok(stale) => Refusal::Stale(stale),
        Err(problem) if is_unexplained(&problem) => Refusal::Unexplained(problem),
        Err(problem) => return Err(Error::of(problem)),
    };
    let in_doubt = answer.in_doubt;
    Ok(Outcome::Refused(Refused { refusal, in_doubt }))
}

/// A refusal that could be for a stale tag, in words that this client does not know.
fn is_unexplained(problem: &Problem) -> bool {
    let known = [
        "deleted",
        "duplicate-entry",
        "state-conflict",
        "patch-conflict",
        "request-in-progress",
        "base-gone",
    ];
    matches!(problem.status(), 409 | 412) && !known.contains(&problem.kind())
}
