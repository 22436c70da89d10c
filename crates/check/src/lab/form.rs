use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::{Map, Value};
use url::Url;

use super::{Condition, Mask, Nonce, Reading};
use crate::model::{Request, escape, remove, set};

/// How a body is written so that one write can be told from all others.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub method: Method,
    /// `Content-Type` of what is sent.
    pub media_type: String,
    pub shape: Shape,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A JSON document whose member at `at` takes the nonce; it is read back at `seen_at`.
    Json {
        template: Value,
        at: String,
        seen_at: String,
        kind: Kind,
    },
    /// Bytes that may be anything.
    Opaque,
    /// A document that has to stay well-formed: the nonce is the text of the first element of a name.
    Xml { template: String, element: String },
}

/// What a member takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Text,
    Number,
}

impl Kind {
    pub(crate) fn value(self, nonce: &Nonce) -> Value {
        match self {
            Self::Text => nonce.as_text(),
            Self::Number => nonce.as_number(),
        }
    }
}

impl Shape {
    /// Where in a representation stands what bodies are written of: a JSON Pointer, empty where there is no envelope;
    /// `None` if what is written is found elsewhere.
    pub(super) fn envelope(&self) -> Option<&str> {
        match self {
            Self::Json { at, seen_at, .. } => seen_at.strip_suffix(at.as_str()),
            _ => None,
        }
    }
}

impl Form {
    /// What to send. `extra` members (JSON Pointer, value) are set besides the nonce.
    pub(crate) fn body(&self, nonce: &Nonce, extra: &[(String, Value)]) -> Bytes {
        match &self.shape {
            Shape::Json { at, kind, .. } => {
                let nonce = std::iter::once((at.clone(), kind.value(nonce)));
                self.with_members(nonce.chain(extra.iter().cloned()))
            }
            Shape::Opaque => format!("{}\n", nonce.text()).into(),
            Shape::Xml { template, element } => match text_of(template, element) {
                Some(text) => {
                    let mut body = template.clone();
                    body.replace_range(text, nonce.text());
                    body.into()
                }
                None => template.clone().into(),
            },
        }
    }

    /// A JSON body in which these members (JSON Pointer, value) are set.
    pub(crate) fn with_members(&self, members: impl Iterator<Item = (String, Value)>) -> Bytes {
        let mut body = self.template();
        for (pointer, value) in members {
            set(&mut body, &pointer, value);
        }
        body.to_string().into()
    }

    /// What a body is made from: for PATCH nothing, since it carries only what it changes (RFC 7396).
    fn template(&self) -> Value {
        match &self.shape {
            Shape::Json { template, .. } if self.method != Method::PATCH => template.clone(),
            _ => Value::Object(Map::new()),
        }
    }

    /// What to send to have it as the reading saw it.
    pub(crate) fn body_before(&self, original: &Reading, condition: &Condition) -> Bytes {
        match &self.shape {
            Shape::Json { at, .. } => {
                let mut body = self.template();
                match &original.mark {
                    Some(mark) => set(&mut body, at, mark.clone()),
                    // In a merge patch null takes a member away (RFC 7396, section 2).
                    None if self.method == Method::PATCH => set(&mut body, at, Value::Null),
                    None => remove(&mut body, at),
                }
                condition.set_in(&mut body);
                // The same letters, where an API keeps them.
                if original.document.as_ref() == Some(&body) {
                    return Bytes::copy_from_slice(original.body());
                }
                body.to_string().into()
            }
            Shape::Opaque | Shape::Xml { .. } => Bytes::copy_from_slice(original.body()),
        }
    }

    /// The merge patch (RFC 7396) from what is there now to what was before; `None` where documents are written whole.
    fn patch_back(&self, original: &Reading, now: &Reading, mask: &Mask) -> Option<Value> {
        let envelope = self.shape.envelope()?;
        if self.method != Method::PATCH {
            return None;
        }
        let from = now.document.as_ref()?.pointer(envelope)?.as_object()?;
        let to = original.document.as_ref()?.pointer(envelope)?.as_object()?;
        Some(Value::Object(difference(from, to, envelope, mask)))
    }

    /// What tells the writes apart, as it stands in a representation.
    pub(crate) fn mark(&self, body: &[u8]) -> Option<Value> {
        match &self.shape {
            Shape::Json { seen_at, .. } => serde_json::from_slice::<Value>(body)
                .ok()?
                .pointer(seen_at)
                .cloned(),
            Shape::Opaque => Some(std::str::from_utf8(body).ok()?.trim_end().into()),
            Shape::Xml { element, .. } => {
                let text = std::str::from_utf8(body).ok()?;
                Some(text[text_of(text, element)?].into())
            }
        }
    }

    /// A write of `nonce`.
    pub(crate) fn request(&self, place: &Url, nonce: &Nonce, condition: &Condition) -> Request {
        let body = self.body(nonce, &condition.members);
        self.carrying(place, body, condition)
    }

    /// A write of what was there before.
    pub(super) fn restoring(
        &self,
        place: &Url,
        (original, now, mask): (&Reading, &Reading, &Mask),
        condition: &Condition,
    ) -> Request {
        let body = match self.patch_back(original, now, mask) {
            Some(mut patch) => {
                condition.set_in(&mut patch);
                patch.to_string().into()
            }
            None => self.body_before(original, condition),
        };
        self.carrying(place, body, condition)
    }

    /// A write of any body.
    pub(crate) fn carrying(&self, place: &Url, body: Bytes, condition: &Condition) -> Request {
        let mut request = Request::new(self.method.clone(), place.clone());
        request.body = body;
        if let Ok(media_type) = HeaderValue::from_str(&self.media_type) {
            request = request.with(header::CONTENT_TYPE, media_type);
        }
        condition.carried_by(request)
    }

    pub(crate) fn is_json(&self) -> bool {
        matches!(self.shape, Shape::Json { .. })
    }
}

/// Members that a merge patch has to set, or to take away by null; those that the server moves itself are left alone.
fn difference(
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    place: &str,
    mask: &Mask,
) -> Map<String, Value> {
    let mut patch = Map::new();
    let pointer = |name: &str| format!("{place}/{}", escape(name));
    for (name, value) in to {
        let now = from.get(name);
        if let (Some(Value::Object(now)), Value::Object(value)) = (now, value) {
            let inner = difference(now, value, &pointer(name), mask);
            if !inner.is_empty() {
                patch.insert(name.clone(), inner.into());
            }
        } else if now != Some(value) && !mask.hides(&pointer(name)) {
            patch.insert(name.clone(), value.clone());
        }
    }
    for name in from.keys() {
        if !to.contains_key(name) && !mask.hides(&pointer(name)) {
            patch.insert(name.clone(), Value::Null);
        }
    }
    patch
}

/// Names of elements that hold nothing but text, in the order in which they begin.
pub(crate) fn text_elements(xml: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (start, _) in xml.match_indices('<') {
        let name: String = xml[start + 1..]
            .chars()
            .take_while(|letter| {
                letter.is_alphanumeric() || matches!(letter, ':' | '_' | '-' | '.')
            })
            .collect();
        if !name.is_empty() && !names.contains(&name) && text_of(xml, &name).is_some() {
            names.push(name);
        }
    }
    names
}

/// Where the text of the first element of that name stands, if it holds nothing else.
fn text_of(xml: &str, element: &str) -> Option<std::ops::Range<usize>> {
    let opening = format!("<{element}");
    let begin = xml
        .match_indices(&opening)
        .map(|(at, _)| at + opening.len())
        .find(|at| xml[*at..].starts_with(['>', ' ', '\n', '\t']))?;
    let start = begin + xml[begin..].find('>')? + 1;
    let length = xml[start..].find('<')?;
    xml[start + length..]
        .starts_with(&format!("</{element}"))
        .then_some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_with_nothing_but_text_are_found() {
        let cases = [
            (
                "<note><title>a</title><text>b</text></note>",
                vec!["title", "text"],
            ),
            ("<a><b/><c d='e'></c></a>", vec!["c"]),
            ("<a>mixed<b>x</b></a>", vec!["b"]),
            ("no markup", vec![]),
            ("<a", vec![]),
        ];
        for (xml, expected) in cases {
            assert_eq!(text_elements(xml), expected, "{xml}");
        }
    }

    #[test]
    fn a_nonce_is_read_where_it_was_written() {
        let nonces = super::super::nonce::Nonces::new(7);
        let nonce = nonces.next();
        let json = |kind| Shape::Json {
            template: json!({"title": "x", "n": 1}),
            at: "/title".into(),
            seen_at: "/title".into(),
            kind,
        };
        let shapes = [
            json(Kind::Text),
            json(Kind::Number),
            Shape::Opaque,
            Shape::Xml {
                template: "<a><b c='d'>e</b></a>".into(),
                element: "b".into(),
            },
        ];
        for shape in shapes {
            let form = Form {
                method: Method::PUT,
                media_type: "text/plain".into(),
                shape,
            };
            let mark = form.mark(&form.body(&nonce, &[]));
            assert!(mark.is_some_and(|mark| nonce.is(&mark)), "{form:?}");
        }
    }

    #[test]
    fn a_patch_takes_back_what_was_changed_added_and_taken_away() {
        let mask = Mask::default();
        let cases = [
            (json!({"a": 1}), json!({"a": 1}), json!({})),
            (
                json!({"a": 2, "b": 1}),
                json!({"a": 1}),
                json!({"a": 1, "b": null}),
            ),
            (json!({}), json!({"a": {"b": []}}), json!({"a": {"b": []}})),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 1, "d": [3]}}),
                json!({"a": {"c": null, "d": [3]}}),
            ),
            (json!({"a": {"b": 1}}), json!({"a": "b"}), json!({"a": "b"})),
        ];
        for (now, before, patch) in cases {
            let found = difference(
                now.as_object().unwrap(),
                before.as_object().unwrap(),
                "",
                &mask,
            );
            assert_eq!(Value::Object(found), patch, "from {now} to {before}");
        }
    }
}
