use std::time::Duration;

use bytes::Bytes;
use detente_core::Moment;
use percent_encoding::percent_decode_str;
use reqwest::header::{
    CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::error::{Cause, Error};
use crate::pace::Pace;
use crate::problem::Problem;
use crate::retry::Retry;
use crate::tag::Tag;

/// Sends requests, and repeats them where that is safe.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    /// The path between the base and the name of a collection.
    pub(crate) api: Vec<String>,
    /// Sent with every request.
    pub(crate) headers: HeaderMap,
    /// How long one request may take.
    pub(crate) timeout: Duration,
    pub(crate) retry: Retry,
    /// Whether the server keeps idempotency keys, once the client has found out.
    pub(crate) keeps_keys: OnceCell<bool>,
}

/// One request, to be sent once or several times.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<(&'static str, Bytes)>,
    pub(crate) repeat: Repeat,
}

/// Why a request may be received twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The request changes nothing.
    Read,
    /// The request has a condition that becomes false once it is applied.
    Conditional(String),
    /// The request has an idempotency key. This helps only if the server keeps keys.
    Keyed(String),
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether an earlier attempt of this request, whose answer was lost, may have been applied.
    pub(crate) in_doubt: bool,
}

/// The outcome of sending a request once.
enum Sent {
    Answered(Answer),
    /// It was not applied; the server asks to send it again after this time.
    Later(Answer, Duration),
    /// It may have been applied.
    Lost(Cause),
    /// It was never sent.
    Unsent(Cause),
}

impl Request {
    pub(crate) fn read(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            repeat: Repeat::Read,
        }
    }
}

/// A key that no other request has.
pub(crate) fn new_key() -> String {
    Uuid::now_v7().to_string()
}

impl Transport {
    pub(crate) fn pace(&self) -> Pace {
        Pace::begin(&self.retry)
    }

    /// The URL of `{base}{api}/{names…}`.
    pub(crate) fn url(&self, names: &[&str]) -> Result<Url, Error> {
        let mut url = self.base.clone();
        let bad = |name: &str| Error::Name(name.to_owned(), "part of a path");
        // The URL Standard treats these as steps within the path, even if they are encoded.
        if let Some(name) = names.iter().find(|name| matches!(**name, "" | "." | "..")) {
            return Err(bad(name));
        }
        {
            let mut segments = url
                .path_segments_mut()
                .map_err(|()| bad(self.base.as_str()))?;
            segments.pop_if_empty();
            segments.extend(&self.api).extend(names);
        }
        Ok(url)
    }

    /// Sends `request` until there is a usable answer, or the pace allows no further attempt.
    ///
    /// A write that may have been applied is repeated only if it cannot be applied twice: with its
    /// key, if the server keeps keys, otherwise with its condition. In the second case the answer
    /// is marked, since the first attempt may be the reason for a refusal.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if it was certainly not applied, [`Error::Uncertain`] otherwise.
    pub(crate) async fn send(&self, request: &Request, pace: &mut Pace) -> Result<Answer, Error> {
        let (mut lost, mut in_doubt) = (false, false);
        loop {
            let (outcome, wait) = match self.send_once(request, pace.remaining()).await {
                Sent::Answered(answer) => {
                    pace.answered();
                    return Ok(Answer { in_doubt, ..answer });
                }
                Sent::Later(answer, wait) if lost => {
                    let cause = answer.problem().to_string();
                    (Err(Error::Uncertain(cause.into())), wait)
                }
                Sent::Later(answer, wait) => (Ok(answer), wait),
                Sent::Unsent(cause) if lost => (Err(Error::Uncertain(cause)), Duration::ZERO),
                Sent::Unsent(cause) => (Err(Error::Unreachable(cause)), Duration::ZERO),
                Sent::Lost(cause) if request.repeat == Repeat::Read => {
                    (Err(Error::Unreachable(cause)), Duration::ZERO)
                }
                Sent::Lost(cause) => {
                    lost = true;
                    if !self.keeps_keys(pace).await {
                        in_doubt = true;
                        if !matches!(request.repeat, Repeat::Conditional(_)) {
                            return Err(Error::Uncertain(cause));
                        }
                    }
                    (Err(Error::Uncertain(cause)), Duration::ZERO)
                }
            };
            if !pace.after_failure(wait).await {
                return outcome;
            }
        }
    }

    async fn send_once(&self, request: &Request, remaining: Duration) -> Sent {
        let response = match self.start(request, self.timeout.min(remaining)).await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => {
                return Sent::Unsent(error.into());
            }
            Err(error) => return Sent::Lost(error.into()),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        match response.bytes().await {
            Ok(body) => Answer::new(status, headers, body).judge(&request.repeat),
            Err(error) => Sent::Lost(error.into()),
        }
    }

    async fn start(
        &self,
        request: &Request,
        timeout: Duration,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let mut builder = self
            .http
            .request(request.method.clone(), request.url.clone())
            .headers(self.headers.clone())
            .headers(request.headers.clone())
            .timeout(timeout);
        if let Some((media_type, body)) = &request.body {
            builder = builder.header(CONTENT_TYPE, *media_type).body(body.clone());
        }
        if let Repeat::Conditional(key) | Repeat::Keyed(key) = &request.repeat {
            builder = builder.header("idempotency-key", format!("\"{key}\""));
        }
        builder.send().await
    }

    /// Whether the server keeps idempotency keys; determined only when an answer is lost.
    async fn keeps_keys(&self, pace: &mut Pace) -> bool {
        let told = self
            .keeps_keys
            .get_or_try_init(|| self.ask_about_keys(pace));
        // Without an answer, assume for now that it does not.
        told.await.copied().unwrap_or(false)
    }

    /// A server that explains the misuse of a key keeps keys. (The page must also have the right
    /// content: some servers have a page for every URL.)
    async fn ask_about_keys(&self, pace: &mut Pace) -> Result<bool, ()> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["problems", "key-reuse"]);
        }
        let question = Request::read(url);
        loop {
            let wait = match self.send_once(&question, pace.remaining()).await {
                Sent::Answered(answer) => return Ok(answer.explains_keys()),
                Sent::Later(_, wait) => wait,
                Sent::Unsent(_) | Sent::Lost(_) => Duration::ZERO,
            };
            if !pace.after_failure(wait).await {
                return Err(());
            }
        }
    }
}

impl Answer {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
            in_doubt: false,
        }
    }

    fn judge(self, repeat: &Repeat) -> Sent {
        let wait = self.retry_after();
        let in_progress = self.status == StatusCode::CONFLICT
            && wait.is_some()
            && self.problem().kind() == "request-in-progress";
        match (self.status.as_u16(), wait) {
            (503, Some(wait)) => Sent::Later(self, wait),
            (408 | 429, _) => Sent::Later(self, wait.unwrap_or_default()),
            _ if in_progress => Sent::Later(self, wait.unwrap_or_default()),
            (502..=504, _) if *repeat == Repeat::Read => {
                Sent::Later(self, wait.unwrap_or_default())
            }
            // Sent by a proxy, which need not know what the server did.
            (502..=504, _) => Sent::Lost(self.problem().to_string().into()),
            _ => Sent::Answered(self),
        }
    }

    pub(crate) fn header(&self, name: &'static str) -> Option<&HeaderValue> {
        self.headers.get(HeaderName::from_static(name))
    }

    fn text(&self, name: &'static str) -> Option<&str> {
        self.header(name)?.to_str().ok()
    }

    pub(crate) fn tag(&self) -> Option<Tag> {
        self.headers.get(ETAG).and_then(Tag::of)
    }

    /// The tag of what was stored, if that is not what was sent.
    pub(crate) fn merged_tag(&self) -> Option<Tag> {
        self.header("merged-etag").and_then(Tag::of)
    }

    pub(crate) fn version(&self) -> Option<u64> {
        self.text("document-version")?.parse().ok()
    }

    /// The version that the edit was based on and the one that it was merged with.
    pub(crate) fn merged_versions(&self) -> Option<(u64, u64)> {
        let (from, to) = self.text("merged-versions")?.split_once("..")?;
        Some((from.parse().ok()?, to.parse().ok()?))
    }

    /// The last name in `Location`.
    pub(crate) fn created_id(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        let path = location.split(['?', '#']).next()?;
        let name = path.trim_end_matches('/').rsplit('/').next()?;
        let id = percent_decode_str(name).decode_utf8().ok()?.into_owned();
        (!id.is_empty()).then_some(id)
    }

    /// Whether the document does not exist (any more).
    pub(crate) fn says_gone(&self) -> bool {
        matches!(self.status.as_u16(), 404 | 410) || self.problem().kind() == "deleted"
    }

    pub(crate) fn problem(&self) -> Problem {
        Problem::new(self.status, &self.body, self.retry_after())
    }

    /// A date is interpreted relative to the server's own clock.
    fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name)?.to_str().ok();
        let after = text(RETRY_AFTER)?;
        if let Ok(seconds) = after.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let now = Moment::from_http_date(text(DATE)?)?;
        let seconds = Moment::from_http_date(after)?
            .second()
            .saturating_sub(now.second());
        Some(Duration::from_secs(seconds))
    }

    fn explains_keys(&self) -> bool {
        let page = String::from_utf8_lossy(&self.body);
        self.status.is_success() && page.contains("IdempotencyKeyReuse")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, fields: &[(&'static str, &'static str)], body: &'static str) -> Answer {
        let fields = fields.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let status = StatusCode::from_u16(status).unwrap();
        Answer::new(
            status,
            fields.collect(),
            Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn which_answers_are_to_go_by() {
        let in_progress = r#"{"type":"/problems/request-in-progress"}"#;
        let two = ("retry-after", "2");
        let date = ("date", "Sun, 22 Nov 2026 19:28:49 GMT");
        let later = ("retry-after", "Sun, 22 Nov 2026 19:28:52 GMT");
        let cases: &[(u16, &[_], _, _, _)] = &[
            // (status, header fields, body, a read, a write)
            (200, &[], "", "answered", "answered"),
            (409, &[], "", "answered", "answered"),
            (409, &[two], "", "answered", "answered"),
            (409, &[two], in_progress, "after 2", "after 2"),
            (500, &[], "", "answered", "answered"),
            (503, &[two], "", "after 2", "after 2"),
            (503, &[date, later], "", "after 3", "after 3"),
            (503, &[later], "", "after 0", "lost"),
            (503, &[], "", "after 0", "lost"),
            (502, &[], "", "after 0", "lost"),
            (504, &[two], "", "after 2", "lost"),
            (429, &[], "", "after 0", "after 0"),
            (408, &[], "", "after 0", "after 0"),
        ];
        for (status, fields, body, read, write) in cases {
            let told = |repeat| match answer(*status, fields, body).judge(&repeat) {
                Sent::Answered(_) => "answered".to_owned(),
                Sent::Later(_, wait) => format!("after {}", wait.as_secs()),
                Sent::Lost(_) => "lost".to_owned(),
                Sent::Unsent(_) => "unsent".to_owned(),
            };
            let found = (told(Repeat::Read), told(Repeat::Keyed(new_key())));
            assert_eq!(
                found,
                ((*read).to_owned(), (*write).to_owned()),
                "{status} {fields:?}"
            );
        }
    }

    #[test]
    fn the_id_is_the_last_name_of_the_location() {
        let cases = [
            ("/api/a/7", Some("7")),
            ("http://h/api/a/7/?x=/y#/z", Some("7")),
            ("7%2Fb", Some("7/b")),
            ("/", None),
        ];
        for (location, id) in cases {
            let answer = answer(201, &[("location", location)], "");
            assert_eq!(answer.created_id().as_deref(), id, "{location}");
        }
    }
}
