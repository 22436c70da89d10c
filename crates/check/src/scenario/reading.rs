use detente_core::Patch;
use detente_core::json::Pointer;
use http::{Method, StatusCode};
use serde_json::Value;

use super::edit::{carries, from_core, to_core};
use super::fill::json_of;
use super::template::plain;
use super::value::same;
use crate::model::{Request, Response, remove};

/// A resource as somebody read it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) status: StatusCode,
    pub(super) json: Option<Value>,
    pub(super) body: bytes::Bytes,
}

impl Reading {
    pub(super) fn of(response: &Response) -> Self {
        Self {
            status: response.status,
            json: response.json(),
            body: response.body.clone(),
        }
    }

    /// Whether it is what a request makes of `before`; members that it does not speak of are the
    /// server's own affair, and so are those of `except`.
    pub(super) fn is_made_by(&self, request: &Request, before: &Self, except: &[Pointer]) -> bool {
        if request.method == Method::DELETE {
            return matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE);
        }
        if !self.status.is_success() {
            return false;
        }
        let media_type = request.headers.get(http::header::CONTENT_TYPE);
        let media_type = media_type
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let json = json_of(request).map(|sent| match &self.json {
            Some(found) if !media_type.starts_with("application/json-patch+json") => {
                overlooking(except, sent, found)
            }
            _ => sent,
        });
        match (json, &self.json) {
            (Some(sent), Some(found)) if media_type.starts_with("application/json-patch+json") => {
                let result = patched(&sent, before);
                result.is_some_and(|it| has(found, &overlooking(except, it, found)))
            }
            (Some(sent), Some(found)) if media_type.starts_with("application/merge-patch+json") => {
                carries(found, &sent)
            }
            (Some(sent), Some(found)) => has(found, &sent),
            _ if media_type.starts_with("application/x-www-form-urlencoded") => {
                self.has_form(&request.body)
            }
            _ => self.body == request.body,
        }
    }

    fn has_form(&self, form: &[u8]) -> bool {
        url::form_urlencoded::parse(form).all(|(name, value)| {
            let found = self.json.as_ref().and_then(|json| json.get(name.as_ref()));
            found.is_none_or(|found| plain(found.clone()) == value)
        })
    }

    /// Whether two readings differ in a member that is not in `except`.
    pub(super) fn differs_from(&self, other: &Self, except: &[Pointer]) -> bool {
        match (&self.json, &other.json) {
            (Some(a), Some(b)) => {
                let without = |value: &Value| {
                    let mut value = value.clone();
                    for pointer in except {
                        remove(&mut value, &pointer.to_string());
                    }
                    value
                };
                !same(&without(a), &without(b))
            }
            _ => self.status != other.status || self.body != other.body,
        }
    }
}

/// What is compared with `found`, with the members of `except` as they are there.
fn overlooking(except: &[Pointer], mut value: Value, found: &Value) -> Value {
    for pointer in except.iter().map(ToString::to_string) {
        match (value.pointer_mut(&pointer), found.pointer(&pointer)) {
            (Some(place), Some(found)) => *place = found.clone(),
            (Some(_), None) => remove(&mut value, &pointer),
            (None, _) => {}
        }
    }
    value
}

fn patched(patch: &Value, before: &Reading) -> Option<Value> {
    const MAX_BYTES: usize = 16 << 20;
    let patch = detente_core::JsonPatch::from_value(&to_core(patch)?).ok()?;
    let target = to_core(before.json.as_ref()?)?;
    from_core(&Patch::Json(patch).apply(&target, MAX_BYTES).ok()?)
}

/// Whether `found` has all members of `sent`, also deep within.
fn has(found: &Value, sent: &Value) -> bool {
    match (found, sent) {
        (Value::Object(found), Value::Object(sent)) => sent
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|it| has(it, value))),
        (Value::Array(found), Value::Array(sent)) => {
            found.len() == sent.len() && found.iter().zip(sent).all(|(a, b)| has(a, b))
        }
        _ => same(found, sent),
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::response;
    use super::*;

    #[test]
    fn a_state_is_the_one_that_a_request_made() {
        let request = |method: Method, media_type: &str, body: &str| {
            let mut request = Request::new(method, "http://a/x".parse().unwrap());
            request
                .headers
                .insert(http::header::CONTENT_TYPE, media_type.parse().unwrap());
            request.body = body.to_owned().into();
            request
        };
        let before = Reading::of(&response(200, "application/json", r#"{"a": 1, "b": 1}"#));
        let json = "application/json";
        let merge = "application/merge-patch+json";
        let cases = [
            // (method, media type, sent, status, found, whether)
            (
                Method::PUT,
                json,
                r#"{"a": 2}"#,
                200,
                r#"{"a": 2, "version": 3}"#,
                true,
            ),
            (Method::PUT, json, r#"{"a": 2}"#, 200, r#"{"a": 1}"#, false),
            (
                Method::PUT,
                json,
                r#"{"a": [1]}"#,
                200,
                r#"{"a": [1, 2]}"#,
                false,
            ),
            (Method::PUT, json, r#"{"a": 2}"#, 404, "{}", false),
            (
                Method::PATCH,
                merge,
                r#"{"a": null}"#,
                200,
                r#"{"b": 1}"#,
                true,
            ),
            (
                Method::PATCH,
                merge,
                r#"{"a": null}"#,
                200,
                r#"{"a": 1}"#,
                false,
            ),
            (
                Method::PATCH,
                "application/json-patch+json",
                r#"[{"op": "remove", "path": "/a"}, {"op": "add", "path": "/c", "value": 1}]"#,
                200,
                r#"{"b": 1, "c": 1}"#,
                true,
            ),
            (Method::DELETE, json, "", 404, "", true),
            (Method::DELETE, json, "", 200, "{}", false),
            (Method::PUT, "text/plain", "abc", 200, "abc", true),
            (Method::PUT, "text/plain", "abc", 200, "abd", false),
            (
                Method::POST,
                "application/x-www-form-urlencoded",
                "a=2&x=1",
                200,
                r#"{"a": 2}"#,
                true,
            ),
            (
                Method::POST,
                "application/x-www-form-urlencoded",
                "a=2",
                200,
                r#"{"a": 3}"#,
                false,
            ),
        ];
        for (method, media_type, sent, status, found, is_made) in cases {
            let request = request(method.clone(), media_type, sent);
            let reading = Reading::of(&response(status, json, found));
            assert_eq!(
                reading.is_made_by(&request, &before, &[]),
                is_made,
                "{method} {sent} {found}"
            );
        }
    }

    /// A version that is sent as it was read comes back as the next one.
    #[test]
    fn members_that_the_server_sets_are_not_compared() {
        let reading = |body: &str| Reading::of(&response(200, "application/json", body));
        let before = reading(r#"{"a": 1, "v": 1}"#);
        let except = ["/v".parse().unwrap(), "/deep/v".parse().unwrap()];
        let cases = [
            // (media type, sent, found, whether)
            (
                "application/json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 2, "v": 2}"#,
                true,
            ),
            (
                "application/json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 2}"#,
                true,
            ),
            (
                "application/json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 1, "v": 2}"#,
                false,
            ),
            (
                "application/json",
                r#"{"deep": {"v": 1, "a": 1}}"#,
                r#"{"deep": {"v": 2, "a": 1}}"#,
                true,
            ),
            (
                "application/merge-patch+json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 2, "v": 2}"#,
                true,
            ),
            (
                "application/json-patch+json",
                r#"[{"op": "replace", "path": "/a", "value": 2}]"#,
                r#"{"a": 2, "v": 2}"#,
                true,
            ),
        ];
        for (media_type, sent, found, is_made) in cases {
            let mut request = Request::new(Method::PUT, "http://a/x".parse().unwrap());
            let media_type = media_type.parse().unwrap();
            request
                .headers
                .insert(http::header::CONTENT_TYPE, media_type);
            request.body = sent.to_owned().into();
            assert_eq!(
                reading(found).is_made_by(&request, &before, &except),
                is_made,
                "{sent} {found}"
            );
        }
        assert!(!reading(r#"{"a": 1, "v": 2}"#).differs_from(&before, &except));
        assert!(reading(r#"{"a": 1, "v": 2}"#).differs_from(&before, &[]));
        assert!(reading(r#"{"a": 2, "v": 2}"#).differs_from(&before, &except));
    }
}
