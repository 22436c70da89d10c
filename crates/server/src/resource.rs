use std::borrow::Cow;

use axum::http::Method;
use detente_core::{CollectionKey, FILES, Key, NameError, ROOT};

use detente_service::Place;

use crate::operations::Scope;
use crate::problem::Problem;
use crate::segment::{decode_segment, push_segment};

/// The space of URLs that name none.
pub(crate) const DEFAULT_SPACE: &str = "default";

pub(crate) const JSON: &str = "application/json";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

/// The variable parts of a URL's path, decoded.
#[derive(Debug)]
pub(crate) struct PathParts {
    names: &'static [String],
    /// All of them, one after the other, and where each ends.
    text: String,
    ends: [usize; MOST_PARTS],
}

/// How many variable parts a URL has at most.
pub(crate) const MOST_PARTS: usize = 4;

impl PathParts {
    /// The parts of these names, as they stand in a path.
    ///
    /// # Errors
    ///
    /// That one is no UTF-8 once it is decoded; it is refused as any malformed request is.
    pub(crate) fn decode<'a>(
        names: &'static [String],
        parts: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Problem> {
        let (mut text, mut ends) = (String::new(), [0; MOST_PARTS]);
        for ((name, part), end) in names.iter().zip(parts).zip(&mut ends) {
            let decoded = decode_segment(part).ok_or_else(|| {
                let detail = format!("The URL cannot be understood: {name} is not UTF-8 in it.");
                Problem::malformed(detail)
            })?;
            text.push_str(&decoded);
            *end = text.len();
        }
        Ok(Self { names, text, ends })
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let begins = [0].into_iter().chain(self.ends);
        let texts = begins.zip(self.ends);
        let texts = texts.map(|(begin, end)| &self.text[begin..end]);
        self.names.iter().map(String::as_str).zip(texts)
    }

    pub(crate) fn get(&self, wanted: &str) -> Option<&str> {
        let mut parts = self.iter();
        parts
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    }
}

/// Where a resource of such a scope is, whether or not the names are ones that can be. They are looked
/// for where it matters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whereabouts<'a> {
    pub(crate) scope: Scope,
    pub(crate) path: &'a PathParts,
}

impl<'a> From<Whereabouts<'a>> for Place<'a> {
    fn from(Whereabouts { scope, path }: Whereabouts<'a>) -> Self {
        let space = || path.get("space").unwrap_or(DEFAULT_SPACE);
        match scope {
            Scope::Server => Self::Server,
            Scope::Space | Scope::Page | Scope::Graphql => Self::Space(space()),
            Scope::Files => Self::Collection {
                space: space(),
                collection: FILES,
            },
            Scope::Storage => Module::of(path.get("path").unwrap_or_default())
                .place(path.get("user").unwrap_or_default()),
            Scope::Collection => match path.get("collection") {
                Some(collection) => Self::Collection {
                    space: space(),
                    collection,
                },
                None => Self::Space(space()),
            },
        }
    }
}

/// What a document of a remoteStorage belongs to: the first folder of its path, or the second if the first is
/// `public`. None has the empty name, which is that of no collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module<'a> {
    name: &'a str,
    /// Whether it is a document that anybody may read.
    pub(crate) is_open: bool,
}

impl<'a> Module<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        let (first, rest) = path.split_once('/').unwrap_or(("", ""));
        if first != "public" {
            return Self {
                name: first,
                is_open: false,
            };
        }
        let (name, _) = rest.split_once('/').unwrap_or(("", ""));
        Self {
            name,
            is_open: !rest.is_empty() && !rest.ends_with('/'),
        }
    }

    /// Where somebody has rights if they have them for the module.
    pub(crate) fn place(self, space: &'a str) -> Place<'a> {
        Place::Collection {
            space,
            collection: self.name,
        }
    }
}

impl Whereabouts<'_> {
    /// Whether anybody may read what is there.
    pub(crate) fn is_open(&self, method: &Method) -> bool {
        let is_read = [Method::GET, Method::HEAD].contains(method);
        let module = || Module::of(self.path.get("path").unwrap_or_default());
        is_read && self.scope == Scope::Storage && module().is_open
    }
}

/// The names in a URL's path, decoded and not yet checked.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    space: Cow<'a, str>,
    collection: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    /// That of a file.
    path: Option<&'a str>,
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
            space: decode_segment(space)?,
            collection: Some(decode_segment(collection)?),
            id: id
                .map(decode_segment)
                .map_or(Some(None), |it| it.map(Some))?,
            path: None,
            version: None,
        })
    }

    pub(crate) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    pub(crate) fn of(path: &'a PathParts) -> Self {
        let mut names = Self {
            space: DEFAULT_SPACE.into(),
            collection: None,
            id: None,
            path: None,
            version: None,
        };
        for (name, value) in path.iter() {
            match name {
                "space" | "user" => names.space = value.into(),
                "collection" => names.collection = Some(value.into()),
                "id" => names.id = Some(value.into()),
                "path" => names.path = Some(value),
                "version" => names.version = Some(value),
                _ => {}
            }
        }
        names
    }

    pub(crate) fn space(&self) -> Result<&str, Problem> {
        // A collection's name that is fine: only the space is in question.
        CollectionKey::new(&self.space, "a").map_err(bad_name)?;
        Ok(&self.space)
    }

    pub(crate) fn collection(&self) -> Result<CollectionKey, Problem> {
        let collection = self.collection.as_deref().unwrap_or_default();
        CollectionKey::new(&self.space, collection).map_err(bad_name)
    }

    /// The document, or the file, that the path names.
    pub(crate) fn key(&self) -> Result<Key, Problem> {
        if let Some(path) = self.path {
            return Key::file(&self.space, path).map_err(bad_name);
        }
        let id = self.id.as_deref().unwrap_or_default();
        self.collection()?.key(id).map_err(bad_name)
    }
}

pub(crate) fn bad_name(error: NameError) -> Problem {
    Problem::malformed(format!("{error}."))
}

/// The path of a document.
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

/// The path of a collection.
pub(crate) fn collection_href(space: &str, collection: &str) -> String {
    format!("{}/api/{collection}", space_prefix(space))
}

/// The path of something that belongs to a document or a file: its `versions`, its `lock`.
pub(crate) fn push_part_href(out: &mut String, key: &Key, part: &str) {
    if !key.is_of_files() {
        push_href(out, key);
        out.push('/');
        out.push_str(part);
        return;
    }
    out.push_str(&space_prefix(key.space()));
    out.push_str(match part {
        "lock" => "/file-locks",
        _ => "/file-versions",
    });
    push_path(out, key.id());
}

/// The segments of a file's path, each behind a slash.
pub(crate) fn push_path(out: &mut String, path: &str) {
    for segment in path.split('/') {
        out.push('/');
        push_segment(out, segment);
    }
}

pub(crate) fn push_href(out: &mut String, key: &Key) {
    out.push_str(&space_prefix(key.space()));
    if key.is_of_files() {
        out.push_str("/files");
        match key.id() {
            ROOT => out.push('/'),
            path => push_path(out, path),
        }
        return;
    }
    out.push_str("/api/");
    out.push_str(key.collection());
    out.push('/');
    push_segment(out, key.id());
}

/// Where a conflict of the log is found.
pub(crate) fn conflict_href(space: &str, id: &str) -> String {
    let prefix = space_prefix(space);
    format!("{prefix}/api/_conflicts/{id}")
}
