//! The fields of a request that operations read.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, header};
use detente_core::{Condition, Malformed, Moment, Preconditions, VersionTag};

use crate::operations::{Guard, Misplaced};
use crate::problem::{Problem, ProblemKind};

const LOCK_TOKEN: HeaderName = HeaderName::from_static("lock-token");

/// A field that is passed over would promise what is not kept.
pub(crate) fn must_be_placed(misplaced: &Misplaced, headers: &HeaderMap) -> Result<(), Problem> {
    for Guard {
        field,
        may_have_tags,
    } in misplaced.fields
    {
        let mut values = headers.get_all(field.name).into_iter();
        if values.any(|value| !may_have_tags || value.as_bytes().trim_ascii() == b"*") {
            let (name, belongs) = (field.name, misplaced.belong);
            let detail = format!("{name} cannot be heeded here. It belongs {belongs}.");
            return Err(Problem::malformed(detail).with("header", name));
        }
    }
    Ok(())
}

/// The token of a lock: a coded URL in angle brackets (RFC 4918, section 10.5), or bare.
pub(crate) fn lock_token(headers: &HeaderMap) -> Result<Option<Arc<str>>, Problem> {
    let Some(value) = headers.get(LOCK_TOKEN) else {
        return Ok(None);
    };
    let token = token_of(value.to_str().unwrap_or_default()).ok_or_else(|| {
        let problem =
            Problem::malformed("Lock-Token must be the token that you got when you took the lock.");
        problem.with("header", "Lock-Token")
    })?;
    Ok(Some(token))
}

/// The token that a text has, with brackets around or without.
pub(crate) fn token_of(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    let bare = text.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
    let token = bare.unwrap_or(text);
    let is_plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    (!token.is_empty() && is_plain).then(|| token.into())
}

/// The media type of the body, without parameters; `None` if the request does not say.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let value = String::from_utf8_lossy(value);
    let media_type = value.split(';').next().unwrap_or_default();
    Some(media_type.trim().to_ascii_lowercase())
}

/// No body is taken in a content coding.
pub(crate) fn must_be_plain(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let problem = Problem::new(
                ProblemKind::UnsupportedMediaType,
                "A body is taken without Content-Encoding.",
            );
            Err(problem.header(header::ACCEPT_ENCODING, "identity"))
        }
        _ => Ok(()),
    }
}

/// Which of `accepted` the body is; `answer` is the field that lists them to a client.
pub(crate) fn must_be(
    headers: &HeaderMap,
    accepted: &[&'static str],
    answer: &'static str,
) -> Result<&'static str, Problem> {
    must_be_plain(headers)?;
    let media_type = media_type(headers);
    let found = accepted
        .iter()
        .find(|it| media_type.as_deref() == Some(**it));
    found.copied().ok_or_else(|| {
        let accepted_here = accepted.join(" or ");
        let detail = match &media_type {
            Some(sent) => format!("The body is {sent:?}; send {accepted_here}."),
            None => format!("Content-Type is missing; send {accepted_here}."),
        };
        let problem = Problem::new(ProblemKind::UnsupportedMediaType, detail);
        problem.header(HeaderName::from_static(answer), &accepted.join(", "))
    })
}

/// The preconditions of the request. Every form of our tags names the version, with the suffix of a
/// content coding and without.
pub(crate) fn preconditions(headers: &HeaderMap) -> Result<Preconditions, Problem> {
    Ok(Preconditions {
        if_match: condition(headers, header::IF_MATCH)?,
        if_none_match: condition(headers, header::IF_NONE_MATCH)?,
        if_unmodified_since: date(headers, header::IF_UNMODIFIED_SINCE),
        if_modified_since: date(headers, header::IF_MODIFIED_SINCE),
    })
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
    let condition = condition_of(&value).map_err(|error| not_a_condition(&name, &error))?;
    Ok(Some(condition))
}

/// The condition that a text has. Its tags name versions, with the suffix of a content coding and without.
pub(crate) fn condition_of(text: &[u8]) -> Result<Condition, Malformed> {
    Ok(match Condition::parse(text)? {
        Condition::Any => Condition::Any,
        Condition::Tags(tags) => {
            let tags = tags.into_iter().map(VersionTag::without_suffix);
            Condition::Tags(tags.collect())
        }
    })
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
