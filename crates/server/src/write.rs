use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use detente_core::json::Value;
use detente_core::{JsonPatch, Key, Patch, Preconditions};
use detente_service::{Ask, Done, Edited, OnConflict};

use crate::explanation::not_a_patch;
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
            lock_token: self.lock_token,
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
            let joined = format!("{base}..{}", stored.version - 1);
            fields.insert("merged-versions", field(joined));
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
