//! Everything that a client can ask the server to do: one row for each operation, grouped by resource.
//!
//! The description of the API is made from these rows. They also have what a router, an `Allow`
//! field and a gate need.

mod action; // what a caller must be allowed to do
mod answer; // bodies, of requests and of answers
mod header; // the fields of answers
mod link; // from an answer to possible next requests
mod misplaced; // fields that an operation could not heed
mod parameter; // what requests say outside their bodies
mod refusal; // the problems that an operation can have

mod batch; // several writes at once
mod changes; // the change feeds
mod collection; // lists, and new documents
mod conflicts; // the conflict log
mod dav; // files over WebDAV
mod document; // one document
mod file; // files and folders
mod graphql; // all of a space, by fields
mod history; // versions of a document
mod lock; // the only writer of a document for a while
mod merge; // an edit of an older version
mod page; // the places of the web page
mod server;
mod storage; // files for applications that bring their own storage // health, metrics, pages for people

use axum::http::Method;
use detente_service::Action;

use crate::call::Run;

pub(crate) use action::Required;
pub(crate) use answer::{Answer, Body, Content, Shape};
pub(crate) use batch::BATCHED;
pub(crate) use conflicts::SEE;
pub(crate) use header::{HEADERS, Header};
pub(crate) use link::Link;
pub(crate) use misplaced::{Guard, IN_DISMISSALS, IN_LISTS_OF_VERSIONS, IN_PREVIEWS, Misplaced};
pub(crate) use parameter::{
    ACTOR, COLLECTION_NAME, IDEMPOTENCY_KEY, LOCK_TOKEN, PARAMETERS, Parameter, ParameterIn,
};
pub(crate) use refusal::{Refusal, When};

/// All resources.
pub(crate) static RESOURCES: [&Resource; 38] = [
    &collection::COLLECTIONS,
    &collection::COLLECTION,
    &document::DOCUMENT,
    &history::VERSIONS,
    &history::VERSION,
    &merge::MERGE,
    &lock::LOCK,
    &changes::OF_COLLECTION,
    &changes::OF_DOCUMENT,
    &file::FILE,
    &file::VERSIONS,
    &file::LOCK,
    &dav::FILE,
    &storage::DOCUMENT,
    &storage::FINGER,
    &graphql::GRAPHQL,
    &batch::BATCH,
    &changes::OF_SPACE,
    &conflicts::CONFLICTS,
    &conflicts::DISMISSAL,
    &conflicts::STATISTICS,
    &conflicts::CONFLICT,
    &conflicts::RESOLUTION,
    &server::HEALTH,
    &server::READINESS,
    &server::METRICS,
    &server::DESCRIPTION,
    &server::PROBLEM,
    &server::FRONT_PAGE,
    &page::SPACE,
    &page::COLLECTION,
    &page::DOCUMENT,
    &page::MERGE,
    &page::CONFLICTS,
    &page::CONFLICT,
    &page::FILES,
    &page::PATH,
    &page::FILE,
];

/// All methods but OPTIONS, in the order of `Allow`.
const METHODS: [&str; 13] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
];

/// What the URLs of one form stand for: a document, its lock, the health of the server.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) scope: Scope,
    /// The form of its URLs: for a server the whole path, otherwise the part after a space's `/api`,
    /// or after the space for a place of the web page.
    pub(crate) path: &'static str,
    pub(crate) operations: &'static [Operation],
    /// Whether the description of the API has it: programs have no use for the rest.
    pub(crate) is_described: bool,
}

/// What a resource belongs to: there is one for the server, for each space, or for each collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Server,
    Space,
    Collection,
    /// A place of the web page, in each space.
    Page,
    /// The files of each space: a path follows.
    Files,
    /// The files of a space for applications of others: its name and a path follow.
    Storage,
    /// GraphQL over each space.
    Graphql,
}

/// One row of the table of operations.
#[derive(Debug)]
pub(crate) struct Operation {
    /// What it does, in one word. Unique within its scope.
    pub(crate) id: &'static str,
    /// As a request line has it: those of WebDAV, too.
    pub(crate) method: &'static str,
    pub(crate) run: Run,
    pub(crate) action: Required,
    pub(crate) summary: &'static str,
    /// More about it, or empty.
    pub(crate) description: &'static str,
    /// The parameters that its query may have.
    pub(crate) query: &'static [&'static Parameter],
    /// Whether all other parameters of the query are filters, which may have any name.
    pub(crate) has_filters: bool,
    /// Whether it passes over parameters that it does not know. Anywhere else they are refused.
    pub(crate) takes_any_query: bool,
    /// The header fields of the request that it uses.
    pub(crate) fields: &'static [&'static Parameter],
    /// The fields that it could not heed.
    pub(crate) misplaced: Misplaced,
    pub(crate) body: Option<Body>,
    pub(crate) answers: &'static [Answer],
    /// The problems that it can have. Those that every operation can have are left out.
    pub(crate) refusals: &'static [&'static [Refusal]],
}

impl Operation {
    /// Defaults for the columns.
    const BARE: Self = Self {
        id: "",
        method: "GET",
        run: Run::Missing,
        action: Required::Nothing,
        summary: "",
        description: "",
        query: &[],
        has_filters: false,
        takes_any_query: false,
        fields: &[],
        misplaced: misplaced::IN_READS,
        body: None,
        answers: &[],
        refusals: &[],
    };
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

    const fn of_page(path: &'static str, operations: &'static [Operation]) -> Self {
        Self::new(Scope::Page, path, operations).undescribed()
    }

    const fn of_files(path: &'static str, operations: &'static [Operation]) -> Self {
        Self::new(Scope::Files, path, operations).undescribed()
    }

    const fn of_graphql(path: &'static str, operations: &'static [Operation]) -> Self {
        Self::new(Scope::Graphql, path, operations).undescribed()
    }

    const fn new(scope: Scope, path: &'static str, operations: &'static [Operation]) -> Self {
        Self {
            scope,
            path,
            operations,
            is_described: true,
        }
    }

    const fn undescribed(mut self) -> Self {
        self.is_described = false;
        self
    }
}

impl Resource {
    /// The paths of its URLs, as templates for a router.
    pub(crate) fn templates(&self) -> Vec<String> {
        let prefixes: &[&str] = match (self.scope, self.path) {
            (Scope::Server | Scope::Storage, _) => &[""],
            (Scope::Space | Scope::Collection, _) => &["/api", "/spaces/{space}/api"],
            // The start of the default space is that of the server.
            (Scope::Page, "") => &["/spaces/{space}"],
            (Scope::Page | Scope::Files | Scope::Graphql, _) => &["", "/spaces/{space}"],
        };
        // A router takes no path at all for another form than one of some length.
        let suffixes: &[&str] = match self.scope {
            Scope::Files | Scope::Storage => &["", "/", "/{*path}"],
            _ => &[""],
        };
        let all = |prefix: &&'static str| {
            let prefix = *prefix;
            let template = move |suffix: &&str| format!("{prefix}{}{suffix}", self.path);
            suffixes.iter().map(template).collect::<Vec<_>>()
        };
        prefixes.iter().flat_map(all).collect()
    }

    /// Whether a path has the form of its URLs.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        let fits = |(part, wanted): (&str, &str)| match wanted.starts_with('{') {
            true => !part.is_empty(),
            false => part == wanted,
        };
        self.templates().iter().any(|template| {
            let parts = path.split('/').zip(template.split('/'));
            path.split('/').count() == template.split('/').count() && parts.into_iter().all(fits)
        })
    }

    /// The row of a method. HEAD has the row of GET unless it has its own.
    pub(crate) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let of = |method: &str| self.operations.iter().find(|row| row.method == method);
        of(method.as_str()).or_else(|| (*method == Method::HEAD).then(|| of("GET"))?)
    }

    /// The value of `Allow`.
    pub(crate) fn allow(&self) -> String {
        let mut allow = String::new();
        for method in METHODS {
            let has = |method: &str| self.operations.iter().any(|row| row.method == method);
            if has(method) || method == "HEAD" && has("GET") {
                allow.push_str(method);
                allow.push_str(", ");
            }
        }
        allow + "OPTIONS"
    }

    /// The fields that accompany `Allow`: which media types POST and PATCH accept.
    pub(crate) fn accepts(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.operations.iter().filter_map(|row| {
            let field = match row.method {
                "POST" => "accept-post",
                "PATCH" => "accept-patch",
                _ => return None,
            };
            let media_types = row.body?.contents.iter().map(|it| it.media_type);
            Some((field, media_types.collect::<Vec<_>>().join(", ")))
        })
    }
}

/// Whether pages of any origin may ask for what has such a path: somebody's storage, and where it is.
pub(crate) fn is_for_all_origins(path: &str) -> bool {
    path.starts_with("/storage/") || path.starts_with("/.well-known/")
}

/// The value of `Allow` of a file over WebDAV.
pub(crate) fn dav_allow() -> String {
    dav::FILE.allow()
}

#[cfg(test)]
mod tests;
