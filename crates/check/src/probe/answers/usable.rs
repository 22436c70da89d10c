use serde_json::Value;

use super::{NO_CONFLICT, not_told, provoke, told};
use crate::lab::{Guard, Halt, Lab, Reading};
use crate::model::{Response, Severity, leaves};
use crate::probe::Ruling;
use crate::probe::validators::validator;

/// C3: three of five: a code, the current tag or version, one's own, the fields, a link.
pub(in crate::probe) async fn usable(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(conflict) = provoke(lab).await? else {
        return Ok(Ruling::skipped(NO_CONFLICT));
    };
    let Some(response) = told(&conflict) else {
        return Ok(not_told(&conflict));
    };
    let (has, lacks): (Vec<_>, Vec<_>) = aids(lab, response, &conflict.base, &conflict.current)
        .into_iter()
        .partition(|(_, is_there)| *is_there);
    let names = |list: &[(&'static str, bool)]| {
        list.iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let ruling = if has.len() >= 3 {
        Ruling::pass(format!("the answer has {}", names(&has)))
    } else {
        let told = match names(&has) {
            told if told.is_empty() => "the answer has nothing that lets a client go on".into(),
            told => format!("the answer has only {told}"),
        };
        Ruling::fail(
            Severity::Medium,
            format!("the answer has {told}, but not {}", names(&lacks)),
        )
    };
    Ok(ruling.showing("the answer to a stale write", &conflict.refused))
}

fn aids(
    lab: &Lab,
    response: &Response,
    base: &Reading,
    current: &Reading,
) -> [(&'static str, bool); 5] {
    let body = response.json().unwrap_or(Value::Null);
    let leaves = leaves(&body);
    let named = |names: &[&str]| {
        leaves.iter().any(|(pointer, value)| {
            !value.is_null()
                && pointer
                    .split('/')
                    .any(|token| names.iter().any(|name| token.eq_ignore_ascii_case(name)))
        })
    };
    // What is no JSON is read as a text.
    let text = match &body {
        Value::Null => String::from_utf8_lossy(&response.body).into_owned(),
        _ => String::new(),
    };
    let is_quoted = |reading: &Reading| quotes(lab, response, &leaves, reading);
    [
        (
            "a code",
            named(&[
                "code",
                "error",
                "error_code",
                "errorCode",
                "errno",
                "type",
                "reason",
            ]) || has_code(&text),
        ),
        ("the current version", is_quoted(current)),
        (
            "the client's own version",
            is_quoted(base)
                || named(&[
                    "your_version",
                    "yourVersion",
                    "base_version",
                    "baseVersion",
                    "expected",
                    "expected_version",
                    "submitted_version",
                ]),
        ),
        (
            "the fields in conflict",
            named(&[
                "fields",
                "conflicts",
                "conflicting_fields",
                "conflictingFields",
                "pointer",
                "path",
                "diff",
                "changes",
                "details",
            ]),
        ),
        (
            "a link",
            response.header("link").is_some()
                || response.header("location").is_some()
                || named(&[
                    "href",
                    "links",
                    "_links",
                    "link",
                    "instance",
                    "resolutions",
                    "url",
                ]),
        ),
    ]
}

/// Whether a text begins with a word for programs: `stale_version: …`, `E_CONFLICT`.
fn has_code(text: &str) -> bool {
    text.split([':', '\n']).next().is_some_and(|first| {
        !first.is_empty()
            && first
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.'))
    })
}

/// Whether the version of a reading stands in the answer: in a field, or somewhere in the body.
fn quotes(lab: &Lab, response: &Response, leaves: &[(String, &Value)], reading: &Reading) -> bool {
    let mut versions: Vec<String> = Vec::new();
    if let Some((_, version)) = validator(lab, reading) {
        versions.push(version);
    }
    for pointer in &lab.habits().version_members {
        if let Some(version) = reading.member(pointer) {
            versions.push(plain(&version));
        }
    }
    versions.iter().any(|version| {
        let bare = version.trim_start_matches("W/").trim_matches('"');
        response.header("etag") == Some(version)
            || (response.json().is_none()
                && bare.len() > 1
                && String::from_utf8_lossy(&response.body).contains(bare))
            || leaves.iter().any(|(_, value)| {
                let text = plain(value);
                text.trim_start_matches("W/").trim_matches('"') == bare
            })
    })
}

/// C4: is the tag that the refusal quotes the one that GET gives?
pub(in crate::probe) async fn quoted_tag(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped("If-Match is not enforced"));
    }
    let mut last = None;
    // Twice: somebody may have written in between.
    for _ in 0..2 {
        let Some(conflict) = provoke(lab).await? else {
            return Ok(Ruling::skipped(NO_CONFLICT));
        };
        let Some(response) = told(&conflict) else {
            return Ok(not_told(&conflict));
        };
        let Some(quoted) = quoted(response) else {
            return Ok(Ruling::pass(
                "the refusal quotes no tag, so clients must read again",
            ));
        };
        let current = lab.settled().await?;
        let bare = |tag: &str| tag.trim_start_matches("W/").trim_matches('"').to_owned();
        if current.tag().is_some_and(|tag| bare(tag) == bare(&quoted)) {
            return Ok(
                Ruling::pass("the tag that the refusal quotes is the current one")
                    .showing("the answer to a stale write", &conflict.refused),
            );
        }
        last = Some((conflict, quoted, current));
    }
    let (conflict, quoted, current) = last.expect("it was tried");
    Ok(Ruling::fail(
        Severity::High,
        format!(
            "the refusal quotes {quoted}, GET says {}: a client that goes on from the refusal is refused again, \
             or writes over what it never saw",
            current.tag().unwrap_or("none")
        ),
    )
    .showing("the answer to a stale write", &conflict.refused)
    .showing("read afterwards", &current.exchange))
}

/// The tag that a refusal gives for the current one.
fn quoted(response: &Response) -> Option<String> {
    if let Some(tag) = response.header("etag") {
        return Some(tag.into());
    }
    let body = response.json()?;
    leaves(&body).into_iter().find_map(|(pointer, value)| {
        let name = pointer.rsplit('/').next()?.to_ascii_lowercase();
        let is_current = matches!(
            name.as_str(),
            "etag" | "current_etag" | "currentetag" | "current_tag" | "currenttag"
        );
        match value {
            Value::String(tag) if is_current => Some(tag.clone()),
            _ => None,
        }
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
