//! From a request in a scenario to one that can be sent.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::filter::quoted;
use super::memory::Scope;
use super::step::{Content, Sending};
use super::template::{Template, Unfilled};
use crate::model::Request;

/// Why a request cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
    #[error("{url:?} is not a URL: {reason}")]
    Url { url: String, reason: String },
    #[error("{value:?} cannot be sent as {name}")]
    Field { name: HeaderName, value: String },
}

pub(super) type Fields = [(HeaderName, Option<Template>)];

impl Sending {
    /// `common` is what goes with every request of its actor; what comes later goes first.
    pub(super) fn fill(&self, common: &[&Fields], scope: &Scope<'_>) -> Result<Request, Unfit> {
        let lookup = |path: &[String]| scope.lookup(path);
        let mut url = url(&self.url, scope)?;
        if !self.query.is_empty() {
            let mut query = url.query_pairs_mut();
            for (name, value) in &self.query {
                query.append_pair(&name.fill(&lookup)?, &value.fill(&lookup)?);
            }
        }
        let mut request = Request::new(self.method.clone(), url);
        request.headers = fields(common, scope)?;
        if let Some(media_type) = self.content.media_type() {
            let value = HeaderValue::from_static(media_type);
            request.headers.insert(header::CONTENT_TYPE, value);
        }
        set(&mut request.headers, &self.headers, scope)?;
        for (name, tag) in [
            (header::IF_MATCH, &self.if_match),
            (header::IF_NONE_MATCH, &self.if_none_match),
        ] {
            if let Some(tag) = tag {
                let value = quoted(&tag.fill(&lookup)?);
                request.headers.insert(name.clone(), field(name, value)?);
            }
        }
        request.body = self.content.fill(scope)?;
        Ok(request)
    }
}

impl Content {
    fn fill(&self, scope: &Scope<'_>) -> Result<Bytes, Unfilled> {
        let lookup = |path: &[String]| scope.lookup(path);
        Ok(match self {
            Self::None => Bytes::new(),
            Self::Json(shape) | Self::MergePatch(shape) | Self::JsonPatch(shape) => {
                shape.value(&lookup)?.to_string().into()
            }
            Self::Form(pairs) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in pairs {
                    form.append_pair(&name.fill(&lookup)?, &value.fill(&lookup)?);
                }
                form.finish().into()
            }
            Self::Text(template) => template.fill(&lookup)?.into(),
            Self::File(bytes) => bytes.clone().into(),
        })
    }
}

/// A URL with a host, or a path that follows the base, whose own path it keeps.
pub(super) fn url(template: &Template, scope: &Scope<'_>) -> Result<Url, Unfit> {
    let text = template.fill(&|path| scope.lookup(path))?;
    let whole = match text.contains("://") {
        true => text,
        false => {
            let base = scope.memory.base().trim_end_matches('/');
            let slash = if text.starts_with(['/', '?']) || text.is_empty() {
                ""
            } else {
                "/"
            };
            format!("{base}{slash}{text}")
        }
    };
    Url::parse(&whole).map_err(|error| Unfit::Url {
        url: whole,
        reason: error.to_string(),
    })
}

pub(super) fn fields(common: &[&Fields], scope: &Scope<'_>) -> Result<HeaderMap, Unfit> {
    let mut headers = HeaderMap::new();
    for fields in common {
        set(&mut headers, fields, scope)?;
    }
    Ok(headers)
}

fn set(headers: &mut HeaderMap, fields: &Fields, scope: &Scope<'_>) -> Result<(), Unfit> {
    for (name, value) in fields {
        match value {
            Some(value) => {
                let value = value.fill(&|path| scope.lookup(path))?;
                headers.insert(name.clone(), field(name.clone(), value)?);
            }
            None => {
                headers.remove(name);
            }
        }
    }
    Ok(())
}

fn field(name: HeaderName, value: String) -> Result<HeaderValue, Unfit> {
    // Bytes, not text: a field may have any that are not control characters.
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Unfit::Field { name, value })
}

/// The content of a request as JSON, if its media type says that it is.
pub(super) fn json_of(request: &Request) -> Option<Value> {
    let media_type = request.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let is_json = media_type.starts_with("application/json") || media_type.contains("+json");
    is_json.then(|| serde_json::from_slice(&request.body).ok())?
}
