use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use bytes::{Bytes, BytesMut};
use detente_core::json::{self, SyntaxError};
use detente_core::{Condition, EntityTag, Malformed, Moment, Preconditions};
use http_body_util::BodyExt;

use crate::problem::{Problem, ProblemKind};

const LOCK_TOKEN: HeaderName = HeaderName::from_static("lock-token");

/// What is read and thrown away of a body that was refused, so that the client gets to read why.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A request on its way in: its head, and a body that is read at most once.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) parts: Parts,
    // Never locked: a Body is not Sync, and within a Mutex it is.
    body: Mutex<Body>,
    limit: usize,
}

impl Inbound {
    pub(crate) fn new(parts: Parts, body: Body, limit: usize) -> Self {
        let body = Mutex::new(body);
        Self { parts, body, limit }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The token of a lock: a coded URL in angle brackets (RFC 4918, section 10.5), or bare.
    pub(crate) fn lock_token(&self) -> Result<Option<Arc<str>>, Problem> {
        let Some(value) = self.headers().get(LOCK_TOKEN) else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default().trim();
        let bare = text.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
        let token = bare.unwrap_or(text);
        let is_plain = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.is_empty() || !is_plain {
            let problem = Problem::malformed("Lock-Token is the token that taking the lock gave.");
            return Err(problem.with("header", "Lock-Token"));
        }
        Ok(Some(token.into()))
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The media type of the body, without parameters; `None` if the request does not say.
    fn media_type(&self) -> Option<String> {
        let value = self.headers().get(header::CONTENT_TYPE)?.as_bytes();
        let value = String::from_utf8_lossy(value);
        let media_type = value.split(';').next().unwrap_or_default();
        Some(media_type.trim().to_ascii_lowercase())
    }

    /// Which of `accepted` the body is; `answer` is the field that lists them to a client.
    pub(crate) fn must_be(
        &self,
        accepted: &[&'static str],
        answer: &'static str,
    ) -> Result<&'static str, Problem> {
        if let Some(coding) = self.headers().get(header::CONTENT_ENCODING)
            && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            let problem = Problem::new(
                ProblemKind::UnsupportedMediaType,
                "A body is taken without Content-Encoding.",
            );
            return Err(problem.header(header::ACCEPT_ENCODING, "identity"));
        }
        let media_type = self.media_type();
        let found = accepted
            .iter()
            .find(|it| media_type.as_deref() == Some(**it));
        found.copied().ok_or_else(|| {
            let sent = media_type.unwrap_or_else(|| "no media type".into());
            let detail = format!("The body is {sent:?}; send {}.", accepted.join(" or "));
            let problem = Problem::new(ProblemKind::UnsupportedMediaType, detail);
            problem.header(HeaderName::from_static(answer), &accepted.join(", "))
        })
    }

    fn body(&mut self) -> &mut Body {
        self.body
            .get_mut()
            .expect("a mutex that is never locked is never poisoned")
    }

    /// Whether the request says that there is no body.
    pub(crate) fn is_empty(&mut self) -> bool {
        use axum::body::HttpBody;
        self.body().is_end_stream()
    }

    /// Reads the body.
    pub(crate) async fn read(&mut self) -> Result<Bytes, Problem> {
        let declared = self.headers().get(header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = self.body().frame().await {
            let Ok(data) = frame.map_err(|error| interrupted(&error))?.into_data() else {
                continue;
            };
            length += data.len();
            if length > self.limit {
                return Err(self.too_large());
            }
            match &first {
                None => first = Some(data),
                Some(start) => {
                    if rest.is_empty() {
                        rest.extend_from_slice(start);
                    }
                    rest.extend_from_slice(&data);
                }
            }
        }
        // A slice of the connection's read buffer would keep all of that buffer alive.
        let body = if rest.is_empty() {
            Bytes::copy_from_slice(&first.unwrap_or_default())
        } else {
            rest.freeze()
        };
        Ok(body)
    }

    /// Reads a body that must be I-JSON.
    pub(crate) async fn read_json(&mut self) -> Result<Bytes, Problem> {
        let body = self.read().await?;
        json::check(&body).map_err(|error| not_json(&error))?;
        Ok(body)
    }

    fn too_large(&self) -> Problem {
        let detail = format!("A body may have at most {} bytes.", self.limit);
        let problem = Problem::new(ProblemKind::ContentTooLarge, detail);
        problem.with("limit_bytes", self.limit as u64)
    }

    /// Reads what is left of the body, within bounds: closing a connection on a client that is
    /// still sending can take the answer away from it.
    pub(crate) async fn drain(&mut self) {
        let drain = async {
            let mut left = DRAIN_BYTES;
            while let Some(Ok(frame)) = self.body().frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
    }

    /// The preconditions of the request; either form of our tags, with a content coding and
    /// without, names the version.
    pub(crate) fn preconditions(&self) -> Result<Preconditions, Problem> {
        let headers = self.headers();
        Ok(Preconditions {
            if_match: condition(headers, header::IF_MATCH)?,
            if_none_match: condition(headers, header::IF_NONE_MATCH)?,
            if_unmodified_since: date(headers, header::IF_UNMODIFIED_SINCE),
            if_modified_since: date(headers, header::IF_MODIFIED_SINCE),
        })
    }
}

fn interrupted(error: &axum::Error) -> Problem {
    Problem::malformed(format!("The body could not be read: {error}."))
}

pub(crate) fn not_json(error: &SyntaxError) -> Problem {
    let detail = format!("The body is not JSON as RFC 7493 has it: {error}.");
    Problem::malformed(detail).with("offset", error.offset as u64)
}

fn condition(headers: &HeaderMap, name: HeaderName) -> Result<Option<Condition>, Problem> {
    let mut lines = headers.get_all(&name).into_iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut value = first.as_bytes().to_vec();
    for line in lines {
        value.extend_from_slice(b", ");
        value.extend_from_slice(line.as_bytes());
    }
    let condition = Condition::parse(&value).map_err(|error| not_a_condition(&name, &error))?;
    Ok(Some(match condition {
        Condition::Any => Condition::Any,
        Condition::Tags(tags) => Condition::Tags(tags.iter().map(plain_form).collect()),
    }))
}

fn plain_form(tag: &EntityTag) -> EntityTag {
    match tag.split_coding() {
        (plain, Some("gzip")) => plain,
        _ => tag.clone(),
    }
}

fn not_a_condition(name: &HeaderName, error: &Malformed) -> Problem {
    let name = match *name {
        header::IF_MATCH => "If-Match",
        _ => "If-None-Match",
    };
    let problem = Problem::malformed(format!("{name}: {error}."));
    problem
        .with("header", name)
        .with("offset", error.offset as u64)
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Moment> {
    Moment::from_http_date(headers.get(name)?.to_str().ok()?)
}
