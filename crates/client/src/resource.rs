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

/// Whether the server should merge a write that comes too late with what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    Wanted,
    /// No, even if the server merges by default: an intent must be run again, and not be merged as
    /// if its result were meant literally.
    Unwanted,
    /// Whatever the server does by default.
    Default,
}

/// The outcome of a write.
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
    /// The server says so explicitly.
    Stale(Box<Stale>),
    /// 409 or 412 without an explanation: the client must look at the current document.
    Unexplained(Problem),
}

/// What a refusal turned out to mean.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The document is what was sent: an earlier attempt, whose answer was lost, was applied.
    Done(Snapshot),
    Stale(Box<Stale>),
}

impl Refused {
    /// Whether the server itself sent the current document.
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
    /// [`Error::Missing`], [`Error::Deleted`], or an error of the transport.
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
        // A cache on the way may have an older version than the one that was just refused as stale.
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

    /// Has the server merge an edit of `base` with what is stored, using `choices` that were made
    /// for `current`; `None` if the server cannot merge.
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

    /// The document after a write; read again if the answer does not contain it.
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
    /// [`Error::Stale`] if `condition` does not hold.
    pub(crate) async fn delete(&self, condition: &Condition, pace: &mut Pace) -> Result<(), Error> {
        let request = self.request(Method::DELETE, None, condition, Joining::Default);
        let answer = self.transport.send(&request, pace).await?;
        // It is gone, as requested: an earlier attempt, whose answer was lost, has deleted it.
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

    /// Finds out what a refusal means. `edit` is what a PUT was based on, if known, and what it
    /// sent.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if nobody else has saved, so it was a rule that refused;
    /// [`Error::Uncertain`] if an earlier attempt may have been applied and overwritten since.
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
            // There is no document that could have prevented its creation.
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

/// A refusal that may mean a stale tag, but does not say so in a way that this client knows.
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
