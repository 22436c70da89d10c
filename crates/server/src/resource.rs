use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use detente_core::{CollectionKey, Key, NameError};

use crate::app::App;
use crate::problem::{Problem, ProblemKind};
use crate::settings::Collection;

/// The space of URLs that name none.
const DEFAULT_SPACE: &str = "default";

pub(crate) const JSON: &str = "application/json";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

/// A kind of resource: the methods that it knows.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) allow: &'static str,
    /// Fields that say which media types it takes, beside `Allow`.
    accepts: &'static [(&'static str, &'static str)],
}

pub(crate) const DOCUMENT: Resource = Resource {
    allow: "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
    accepts: &[(
        "accept-patch",
        "application/merge-patch+json, application/json-patch+json",
    )],
};

pub(crate) const COLLECTION: Resource = Resource {
    allow: "GET, HEAD, POST, OPTIONS",
    accepts: &[("accept-post", "application/json")],
};

/// Takes a JSON body by POST, and nothing else.
pub(crate) const ACTION: Resource = Resource {
    allow: "POST, OPTIONS",
    accepts: &[("accept-post", "application/json")],
};

pub(crate) const LOCK: Resource = Resource {
    allow: "GET, HEAD, POST, DELETE, OPTIONS",
    accepts: &[("accept-post", "application/json")],
};

pub(crate) const READ_ONLY: Resource = Resource {
    allow: "GET, HEAD, OPTIONS",
    accepts: &[],
};

impl Resource {
    /// The answer to a method that has no handler: OPTIONS, or one that is not known here.
    pub(crate) fn otherwise(&self, method: &Method) -> Result<Response, Problem> {
        if *method != Method::OPTIONS {
            let detail = format!("{method} is not known here; {} are.", self.allow);
            let problem = Problem::new(ProblemKind::MethodNotAllowed, detail);
            return Err(problem.header(header::ALLOW, self.allow));
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static(self.allow));
        for (name, value) in self.accepts {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

/// The variable parts of a URL's path, decoded. What is no UTF-8 then is refused as any malformed
/// request is.
#[derive(Debug)]
pub(crate) struct PathParts(RawPathParams);

impl<S: Send + Sync> FromRequestParts<S> for PathParts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        let refuse = |error| Problem::malformed(format!("The URL cannot be understood: {error}."));
        found.map(Self).map_err(refuse)
    }
}

impl PathParts {
    pub(crate) fn get(&self, wanted: &str) -> Option<&str> {
        let mut parts = self.0.iter();
        parts
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    }
}

/// The names in a URL's path, not yet checked.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    space: &'a str,
    collection: Option<&'a str>,
    id: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Names<'a> {
    /// Of a path such as a request line has, if it is that of a document or of a collection.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let (space, rest) = match path.strip_prefix("/spaces/") {
            Some(rest) => rest.split_once('/')?,
            None => (DEFAULT_SPACE, path.strip_prefix('/')?),
        };
        let (collection, id) = match rest.strip_prefix("api/")?.split_once('/') {
            Some((collection, id)) => (collection, Some(id)),
            None => (rest.strip_prefix("api/")?, None),
        };
        Some(Self {
            space,
            collection: Some(collection),
            id,
            version: None,
        })
    }

    pub(crate) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    pub(crate) fn of(path: &'a PathParts) -> Self {
        Self {
            space: path.get("space").unwrap_or(DEFAULT_SPACE),
            collection: path.get("collection"),
            id: path.get("id"),
            version: path.get("version"),
        }
    }

    pub(crate) fn space(&self) -> Result<&'a str, Problem> {
        // A collection's name that is fine: only the space is in question.
        CollectionKey::new(self.space, "a").map_err(bad_name)?;
        Ok(self.space)
    }

    pub(crate) fn collection(&self) -> Result<CollectionKey, Problem> {
        CollectionKey::new(self.space, self.collection.unwrap_or_default()).map_err(bad_name)
    }

    pub(crate) fn key(&self) -> Result<Key, Problem> {
        self.collection()?
            .key(self.id.unwrap_or_default())
            .map_err(bad_name)
    }
}

fn bad_name(error: NameError) -> Problem {
    Problem::malformed(format!("{error}."))
}

impl App {
    /// How a collection is treated; 404 if it is not to exist.
    pub(crate) fn collection(&self, name: &str) -> Result<&Arc<Collection>, Problem> {
        let found = self.settings.collection(name);
        found.ok_or_else(|| Problem::not_found(format!("There is no collection {name:?}.")))
    }
}

/// The path of a document. Ids need no escaping: they are unreserved characters.
pub(crate) fn document_href(key: &Key) -> String {
    let mut href = String::new();
    push_href(&mut href, key);
    href
}

/// What the paths of a space begin with, before `/api`.
pub(crate) fn space_prefix(space: &str) -> String {
    if space == DEFAULT_SPACE {
        return String::new();
    }
    format!("/spaces/{space}")
}

pub(crate) fn push_href(out: &mut String, key: &Key) {
    out.push_str(&space_prefix(key.space()));
    out.push_str("/api/");
    out.push_str(key.collection());
    out.push('/');
    out.push_str(key.id());
}
