use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use detente_core::json::Value;
use detente_core::merge::Join;
use detente_core::{JsonPatch, Key, Patch, Preconditions};
use detente_service::{Ask, Done, Edited, OnConflict};

use crate::explanation::{joined_rows, not_a_patch};
use crate::fields;
use crate::preference::Preferences;
use crate::problem::Problem;
use crate::representation::{self, Reply, bodiless, field};
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH};
use crate::site::Site;

/// What the head of a write says. Its body is still to be read.
#[derive(Debug)]
pub(crate) struct WriteHead {
    key: Key,
    conditions: Preconditions,
    lock_token: Option<Arc<str>>,
    on_conflict: Option<OnConflict>,
    verb: &'static str,
    edited: Making,
}

impl WriteHead {
    pub(crate) fn read(key: Key, method: &Method, headers: &HeaderMap) -> Result<Self, Problem> {
        let conditions = fields::preconditions(headers)?;
        let lock_token = fields::lock_token(headers)?;
        let (verb, edited) = edited(method, headers)?;
        Ok(Self {
            key,
            conditions,
            lock_token,
            on_conflict: Preferences::of(headers).on_conflict,
            verb,
            edited,
        })
    }

    pub(crate) fn has_body(&self) -> bool {
        self.verb != "DELETE"
    }

    pub(crate) fn with(self, body: Bytes) -> Result<Ask, Problem> {
        Ok(Ask {
            edit: (self.edited)(body)?,
            key: self.key,
            conditions: self.conditions,
            lock_tokens: self.lock_token.into(),
            is_inner: false,
            on_conflict: self.on_conflict,
            verb: self.verb,
        })
    }
}

/// What a body makes of a document.
type Making = fn(Bytes) -> Result<Edited, Problem>;

/// A method, and what its body makes of a document.
fn edited(method: &Method, headers: &HeaderMap) -> Result<(&'static str, Making), Problem> {
    Ok(match *method {
        Method::POST => {
            fields::must_be(headers, &[JSON], "accept-post")?;
            ("POST", |body| Ok(Edited::Document(body)))
        }
        Method::PUT => {
            fields::must_be(headers, &[JSON], "accept")?;
            ("PUT", |body| Ok(Edited::Document(body)))
        }
        Method::PATCH => {
            let patches = [MERGE_PATCH, JSON_PATCH, JSON];
            let making: Making = match fields::must_be(headers, &patches, "accept-patch")? {
                MERGE_PATCH => |body| Ok(Edited::MergePatch(body)),
                JSON_PATCH => |body| Ok(Edited::JsonPatch(body)),
                _ => plain_patch,
            };
            ("PATCH", making)
        }
        _ => ("DELETE", |_| Ok(Edited::Deletion)),
    })
}

/// A patch that does not say which kind it is: a merge patch, as everybody takes it. An array would
/// make an array of the document; it was meant for a JSON Patch.
fn plain_patch(body: Bytes) -> Result<Edited, Problem> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        let detail = format!(
            "A patch of media type {JSON} is a merge patch, which is an object. Send a JSON Patch as \
             {JSON_PATCH}."
        );
        return Err(Problem::malformed(detail).with("header", "Content-Type"));
    }
    Ok(Edited::MergePatch(body))
}

/// A patch within a body: an array is a JSON Patch, anything else a merge patch.
pub(crate) fn patch_of(value: &Value) -> Result<Patch, Problem> {
    match value {
        Value::Array(_) => {
            let patch = JsonPatch::from_value(value);
            Ok(Patch::Json(patch.map_err(|error| not_a_patch(&error))?))
        }
        _ => Ok(Patch::Merge(value.clone())),
    }
}

/// The answer to a write that was performed; `headers` and `method` are those of its request.
pub(crate) fn answer(done: Done, method: &Method, headers: &HeaderMap, site: &Site) -> Reply {
    let Done {
        stored,
        created,
        is_shown,
        is_known,
        is_replayed,
        joined,
    } = done;
    let mut reply = if stored.head().is_document() {
        let preferences = Preferences::of(headers);
        let is_bodiless = preferences.minimal || !is_shown;
        let status = match (created, is_bodiless) {
            (true, _) => StatusCode::CREATED,
            (false, true) => StatusCode::NO_CONTENT,
            (false, false) => StatusCode::OK,
        };
        let mut reply = if is_bodiless {
            bodiless(status, &stored, site)
        } else {
            representation::written(status, &stored, site)
        };
        let fields = reply.headers_mut();
        if let Some(applied) = preferences.applied(is_bodiless) {
            fields.insert("preference-applied", HeaderValue::from_static(applied));
        }
        if let Some(base) = stored.base {
            let versions = format!("{base}..{}", stored.version - 1);
            fields.insert("merged-versions", field(versions));
            if let Some(places) = merged_places(&joined) {
                fields.insert("merged-places", field(places));
            }
        }
        let shows_it = !is_bodiless && *method != Method::PUT;
        if !(shows_it || is_known) {
            hide_validators(fields);
        }
        // Not by the edit: sent again, the same request finds the document there.
        if *method == Method::POST {
            let name = match created {
                true => header::LOCATION,
                false => header::CONTENT_LOCATION,
            };
            fields.insert(name, field(site.document(&stored.key)));
        }
        reply
    } else {
        let mut reply = bodiless(StatusCode::NO_CONTENT, &stored, site);
        // There is no representation left that a tag could name.
        reply.headers_mut().remove(header::ETAG);
        reply
    };
    if is_replayed {
        mark_replayed(reply.headers_mut());
    }
    reply
}

/// The longest value of Merged-Places, in bytes: intermediaries have little room for a head.
const MAX_PLACES: usize = 2048;

/// The rows of `joined` as a refusal has them, without the brackets around, in ASCII. What a person should
/// read stands first. A lost value, and then a row, that has no room is left out.
fn merged_places(joined: &[Join]) -> Option<String> {
    let mut joined: Vec<_> = joined.iter().collect();
    joined.sort_by_key(|join| (!join.review, join.lost.is_none()));
    let mut places = String::new();
    for join in joined {
        let short = Join {
            lost: None,
            ..join.clone()
        };
        let rows = joined_rows(&[join.clone(), short]);
        let rows = rows.into_iter().map(|row| in_ascii(&row.into_text()));
        let room = MAX_PLACES - places.len();
        if let Some(row) = rows.into_iter().find(|row| row.len() + 2 <= room) {
            places.push_str(if places.is_empty() { "" } else { ", " });
            places.push_str(&row);
        }
    }
    (!places.is_empty()).then_some(places)
}

/// JSON has such letters in strings alone, where an escape stands for each.
fn in_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.trim_end().chars() {
        if matches!(letter, ' '..='~') {
            text.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

/// A client that holds a tag without the document that it stands for would undo, with its next PUT,
/// what others wrote into that document (for PUT also RFC 9110, section 9.3.4).
fn hide_validators(headers: &mut HeaderMap) {
    headers.remove(header::LAST_MODIFIED);
    if let Some(tag) = headers.remove(header::ETAG) {
        headers.insert("merged-etag", tag);
    }
}

pub(crate) fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(path: &str, review: bool, lost: Option<&str>) -> Join {
        Join {
            path: path.parse().unwrap(),
            strategy: "text",
            review,
            lost: lost.map(|text| Value::String(text.into())),
        }
    }

    #[test]
    fn what_was_joined_is_told_in_little_room_and_in_ascii() {
        assert_eq!(merged_places(&[]), None);
        let joined = [
            join("/n", false, None),
            join("/café\u{7f}", false, Some("\u{1f600}")),
            join("/body", true, None),
        ];
        assert_eq!(
            merged_places(&joined).unwrap(),
            r#"{"path":"/body","strategy":"text","review":true}, {"path":"/caf\u00e9\u007f","strategy":"text","lost":"\ud83d\ude00"}, {"path":"/n","strategy":"text"}"#
        );
        let long = "x".repeat(MAX_PLACES);
        let joined = [
            join("/a", false, Some(&long)),
            join(&format!("/{long}"), true, None),
        ];
        assert_eq!(
            merged_places(&joined).unwrap(),
            r#"{"path":"/a","strategy":"text"}"#
        );
        let many: Vec<_> = (0..1000)
            .map(|n| join(&format!("/{n}"), n == 999, None))
            .collect();
        let places = merged_places(&many).unwrap();
        assert!(
            places.len() <= MAX_PLACES && places.starts_with(r#"{"path":"/999""#),
            "{places}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&format!("[{places}]")).is_ok());
    }
}
