//! What can be asked of the server: one row for each operation, grouped by what a URL stands for.
//!
//! The description of the API is made from these rows, and they say what a router, an `Allow` field
//! and a gate need to know.

mod header; // the fields of answers
mod link; // from an answer to the requests that it makes possible
mod parameter; // what requests say beside their bodies
mod refusal; // the problems that an operation can have

mod batch; // several writes at once
mod changes; // versions as they come
mod collection; // lists, and new documents
mod conflicts; // the conflict log
mod document; // one document
mod history; // versions of a document
mod lock; // the only writer of a document for a while
mod merge; // an edit of an older version
mod server; // health, metrics, pages for people

use axum::http::Method;
use detente_service::Action;
use serde_json::Value;

use crate::call::Run;

pub(crate) use header::{HEADERS, Header};
pub(crate) use link::Link;
pub(crate) use parameter::{
    ACTOR, COLLECTION_NAME, IDEMPOTENCY_KEY, LOCK_TOKEN, PARAMETERS, Parameter, Place,
};
pub(crate) use refusal::{Refusal, When};

/// Every kind of resource that has a URL.
pub(crate) static RESOURCES: [&Resource; 20] = [
    &collection::COLLECTION,
    &document::DOCUMENT,
    &history::VERSIONS,
    &history::VERSION,
    &merge::MERGE,
    &lock::LOCK,
    &changes::OF_COLLECTION,
    &changes::OF_DOCUMENT,
    &batch::BATCH,
    &changes::OF_SPACE,
    &conflicts::CONFLICTS,
    &conflicts::STATISTICS,
    &conflicts::CONFLICT,
    &conflicts::RESOLUTION,
    &server::HEALTH,
    &server::READINESS,
    &server::METRICS,
    &server::DESCRIPTION,
    &server::PROBLEM,
    &server::FRONT_PAGE,
];

/// What the URLs of one form stand for.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) scope: Scope,
    /// The form of its URLs: of a server absolute, else beneath the `/api` of a space.
    pub(crate) path: &'static str,
    pub(crate) operations: &'static [Operation],
}

/// What there is one such resource for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Server,
    Space,
    Collection,
}

/// One row of the table of operations.
#[derive(Debug)]
pub(crate) struct Operation {
    /// What it does, in one word that no other operation of the same scope has.
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    pub(crate) run: Run,
    pub(crate) action: Required,
    pub(crate) summary: &'static str,
    /// More about it, if there is more.
    pub(crate) description: &'static str,
    /// The parameters of its query that it knows.
    pub(crate) query: &'static [&'static Parameter],
    /// Whether all other parameters of its query are filters, whose names are free.
    pub(crate) has_filters: bool,
    /// The header fields that it heeds.
    pub(crate) fields: &'static [&'static Parameter],
    pub(crate) body: Option<Body>,
    pub(crate) answers: &'static [Answer],
    /// The problems that it can have, beside those that every operation can have.
    pub(crate) refusals: &'static [&'static [Refusal]],
}

impl Operation {
    /// What most rows leave out.
    const BARE: Self = Self {
        id: "",
        method: Method::GET,
        run: Run::Missing,
        action: Required::Nothing,
        summary: "",
        description: "",
        query: &[],
        has_filters: false,
        fields: &[],
        body: None,
        answers: &[],
        refusals: &[],
    };
}

/// Which action an operation is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Required {
    /// Everybody may do this, without credentials.
    Nothing,
    Always(Action),
    /// The query decides: `then` where the parameter is `true`.
    Switched {
        by: &'static Parameter,
        then: Action,
        otherwise: Action,
    },
    /// One of these. Which one depends on the body or on what is stored, so a caller who may do none
    /// of them is refused at once, and the others are judged behind the gate.
    Any(&'static [Action]),
}

impl Required {
    /// The actions one of which the caller must be allowed to do. `is_true` says whether the query
    /// has the parameter as `true`.
    pub(crate) fn actions(&self, is_true: impl FnOnce(&Parameter) -> bool) -> &[Action] {
        match self {
            Self::Nothing => &[],
            Self::Always(action) => std::slice::from_ref(action),
            Self::Switched {
                by,
                then,
                otherwise,
            } => std::slice::from_ref(if is_true(by) { then } else { otherwise }),
            Self::Any(actions) => actions,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether it may change what is stored.
    pub(crate) fn is_write(&self) -> bool {
        let writes = |action: &Action| !matches!(action, Action::Read | Action::Operate);
        !self.is_open() && self.actions(|_| false).iter().all(writes)
    }
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) is_required: bool,
    pub(crate) contents: &'static [Content],
}

impl Body {
    const fn of(contents: &'static [Content]) -> Self {
        Self {
            is_required: true,
            contents,
        }
    }
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    /// The header fields that it has, by their names.
    pub(crate) headers: &'static [&'static [&'static str]],
    /// Fields that it may lack, though other answers always have them.
    pub(crate) perhaps: &'static [&'static str],
    pub(crate) contents: &'static [Content],
    pub(crate) links: &'static [Link],
}

impl Answer {
    const BARE: Self = Self {
        status: 200,
        description: "",
        headers: &[],
        perhaps: &[],
        contents: &[],
        links: &[],
    };

    const fn of(description: &'static str, contents: &'static [Content]) -> Self {
        Self {
            description,
            contents,
            ..Self::BARE
        }
    }
}

/// A form of a body.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
    pub(crate) shape: Shape,
    /// An example, which may name a collection that it is given.
    pub(crate) example: Option<fn(&str) -> Value>,
}

impl Content {
    const fn new(media_type: &'static str, shape: Shape) -> Self {
        Self {
            media_type,
            shape,
            example: None,
        }
    }
}

/// What a body looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A document of the collection.
    Document,
    /// A page of them.
    DocumentPage,
    DocumentOr(&'static str),
    /// What a schema of the components says.
    Named(&'static str),
    Object(&'static str),
    Text,
}

impl Resource {
    const fn of_server(path: &'static str, operations: &'static [Operation]) -> Self {
        Self::new(Scope::Server, path, operations)
    }

    const fn of_space(path: &'static str, operations: &'static [Operation]) -> Self {
        Self::new(Scope::Space, path, operations)
    }

    const fn of_collection(path: &'static str, operations: &'static [Operation]) -> Self {
        Self::new(Scope::Collection, path, operations)
    }

    const fn new(scope: Scope, path: &'static str, operations: &'static [Operation]) -> Self {
        Self {
            scope,
            path,
            operations,
        }
    }
}

impl Resource {
    /// The paths of its URLs, as a router matches them.
    pub(crate) fn templates(&self) -> Vec<String> {
        match self.scope {
            Scope::Server => vec![self.path.to_owned()],
            Scope::Space | Scope::Collection => ["/api", "/spaces/{space}/api"]
                .map(|prefix| format!("{prefix}{}", self.path))
                .into(),
        }
    }

    /// The row of a method. What knows GET knows HEAD.
    pub(crate) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let of = |method: &Method| self.operations.iter().find(|row| row.method == *method);
        of(method).or_else(|| (*method == Method::HEAD).then(|| of(&Method::GET))?)
    }

    /// The value of `Allow`.
    pub(crate) fn allow(&self) -> String {
        let mut allow = String::new();
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            if self.operation(&method).is_some() {
                allow.push_str(method.as_str());
                allow.push_str(", ");
            }
        }
        allow + "OPTIONS"
    }

    /// The fields that tell, beside `Allow`, which media types it takes.
    pub(crate) fn accepts(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.operations.iter().filter_map(|row| {
            let field = match row.method {
                Method::POST => "accept-post",
                Method::PATCH => "accept-patch",
                _ => return None,
            };
            let media_types = row.body?.contents.iter().map(|it| it.media_type);
            Some((field, media_types.collect::<Vec<_>>().join(", ")))
        })
    }
}

#[cfg(test)]
mod tests;
