use std::fmt;

/// The server's own collection, which has the files and folders of a space.
pub const FILES: &str = "_files";

/// The path of the folder that all others are in.
pub const ROOT: &str = "/";

const MAX_ID: usize = 255;
const MAX_PATH: usize = 1024;
const MAX_COLLECTION: usize = 63;

/// The name of a document: a space, a collection in it, and an id. Stored as one text,
/// `space/collection/id`. The id of a file is its path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    text: Box<str>,
    collection_at: u16,
    id_at: u16,
}

/// A collection within a space, as `space/collection`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionKey {
    pub space: Box<str>,
    pub collection: Box<str>,
}

/// Why a text is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("{0:?} is not a collection name: {LABEL}")]
    Collection(String),
    #[error("{0:?} is not a space name: {LABEL}")]
    Space(String),
    #[error(
        "{0:?} is not a document id: use 1 to 255 bytes of UTF-8 without `/` and control characters, \
         not starting with `_`, and not `.` or `..`"
    )]
    Id(String),
    #[error(
        "{0:?} is not the path of a file: use names of 1 to 255 bytes of UTF-8, together at most 1024, without \
         control characters, and not `.` or `..`, with one `/` between them"
    )]
    Path(String),
}

/// What names of spaces and collections look like.
const LABEL: &str = "use 1 to 63 of A-Z, a-z, 0-9, `-` and `_`, starting with a letter or a digit";

impl CollectionKey {
    /// A collection in a space.
    ///
    /// # Errors
    ///
    /// [`NameError`] if either is not of the form `[A-Za-z0-9][A-Za-z0-9_-]{0,62}`.
    pub fn new(space: &str, collection: &str) -> Result<Self, NameError> {
        if !is_label(space) {
            return Err(NameError::Space(space.to_owned()));
        }
        if !is_label(collection) {
            return Err(NameError::Collection(collection.to_owned()));
        }
        Ok(Self {
            space: space.into(),
            collection: collection.into(),
        })
    }

    /// The document with an id in this collection.
    ///
    /// # Errors
    ///
    /// [`NameError::Id`] if `id` is not 1 to 255 bytes without `/` and control characters, if it is `.`
    /// or `..`, or if it starts with `_`, as names of the server's own do.
    pub fn key(&self, id: &str) -> Result<Key, NameError> {
        if !is_id(id) {
            return Err(NameError::Id(id.to_owned()));
        }
        Ok(Key::from_parts(&self.space, &self.collection, id))
    }
}

impl Key {
    /// The document with an id in a collection of a space.
    ///
    /// # Errors
    ///
    /// [`NameError`] names the part that is not valid.
    pub fn new(space: &str, collection: &str, id: &str) -> Result<Self, NameError> {
        CollectionKey::new(space, collection)?.key(id)
    }

    /// The file or the folder at a path in a space: [`ROOT`], or names with `/` between them. No path is
    /// normalised, and none leads out of the space.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the space or the path is not valid.
    pub fn file(space: &str, path: &str) -> Result<Self, NameError> {
        if !is_label(space) {
            return Err(NameError::Space(space.to_owned()));
        }
        if !is_path(path) {
            return Err(NameError::Path(path.to_owned()));
        }
        Ok(Self::from_parts(space, FILES, path))
    }

    /// The name of a document or a file, in words of a store that may be another one.
    ///
    /// # Errors
    ///
    /// [`NameError`] names the part that is not valid.
    pub fn of_any(space: &str, collection: &str, id: &str) -> Result<Self, NameError> {
        match collection {
            FILES => Self::file(space, id),
            _ => Self::new(space, collection, id),
        }
    }

    /// From parts that were checked before, such as those read from a store.
    pub fn from_parts(space: &str, collection: &str, id: &str) -> Self {
        let mut text = String::with_capacity(space.len() + collection.len() + id.len() + 2);
        text.push_str(space);
        text.push('/');
        text.push_str(collection);
        text.push('/');
        text.push_str(id);
        let offset = |at: usize| u16::try_from(at).expect("names are at most 255 bytes");
        Self {
            collection_at: offset(space.len() + 1),
            id_at: offset(space.len() + collection.len() + 2),
            text: text.into(),
        }
    }

    /// The space that the collection is in.
    pub fn space(&self) -> &str {
        &self.text[..usize::from(self.collection_at) - 1]
    }

    /// The collection that it is in.
    pub fn place(&self) -> CollectionKey {
        CollectionKey {
            space: self.space().into(),
            collection: self.collection().into(),
        }
    }

    /// The collection that the document is in.
    pub fn collection(&self) -> &str {
        &self.text[usize::from(self.collection_at)..usize::from(self.id_at) - 1]
    }

    /// What names the document in its collection.
    pub fn id(&self) -> &str {
        &self.text[usize::from(self.id_at)..]
    }

    /// Whether it names a file or a folder.
    pub fn is_of_files(&self) -> bool {
        self.collection() == FILES
    }

    /// The folders that a path is in, the outermost first; none of the root, and none of a document.
    pub fn folders(&self) -> impl Iterator<Item = Self> {
        let (space, path) = (self.space(), self.id());
        let is_within = self.is_of_files() && path != ROOT;
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        let folders = std::iter::once(ROOT).chain(ends);
        let folders = folders.filter(move |_| is_within);
        folders.map(move |it| Self::from_parts(space, FILES, it))
    }

    /// Whether it names something in a folder, or in one of the folders in it.
    pub fn is_below(&self, folder: &Self) -> bool {
        let (path, of) = (self.id(), folder.id());
        let is_inside = || match of {
            ROOT => path != ROOT,
            of => path.strip_prefix(of).is_some_and(|it| it.starts_with('/')),
        };
        self.is_of_files() && folder.is_of_files() && self.space() == folder.space() && is_inside()
    }

    /// `space/collection/id`. No part before the id can contain `/`, so two keys are equal if these texts
    /// are.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the document belongs to `collection`.
    pub fn is_in(&self, collection: &CollectionKey) -> bool {
        self.collection() == &*collection.collection && self.space() == &*collection.space
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a space or a collection may have this name.
pub fn is_label(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= MAX_COLLECTION
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(rest)
}

/// Paths, like ids, are compared byte for byte.
fn is_path(path: &str) -> bool {
    let is_name = |name: &str| {
        (1..=MAX_ID).contains(&name.len())
            && name != "."
            && name != ".."
            && !name.contains(char::is_control)
    };
    path == ROOT || path.len() <= MAX_PATH && path.split('/').all(is_name)
}

/// Ids are compared byte for byte: none is normalised.
fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && !id.starts_with('_')
        && id != "."
        && id != ".."
        && !id.contains(|it: char| it == '/' || it.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_all_folders_above_it() {
        for (path, folders) in [
            ("/", &[][..]),
            ("a", &["/"]),
            ("a/b/c.txt", &["/", "a", "a/b"]),
        ] {
            let key = Key::file("s", path).unwrap();
            let found: Vec<_> = key.folders().collect();
            let names: Vec<_> = found.iter().map(Key::id).collect();
            assert_eq!(names, folders, "{path}");
            assert!(found.iter().all(|it| key.is_below(it)), "{path}");
            assert!(!key.is_below(&key), "{path}");
        }
        let document = Key::new("s", "notes", "a").unwrap();
        assert_eq!(document.folders().count(), 0);
        let [a, ab] = ["a", "ab"].map(|it| Key::file("s", it).unwrap());
        assert!(!ab.is_below(&a));
    }

    #[test]
    fn keys_come_apart_as_they_were_put_together() {
        let key = Key::new("default", "line-items", "a.b~c_1").unwrap();
        assert_eq!(
            (key.space(), key.collection(), key.id(), key.as_str()),
            (
                "default",
                "line-items",
                "a.b~c_1",
                "default/line-items/a.b~c_1"
            )
        );
    }

    #[test]
    fn paths_stay_where_they_are() {
        let long = "é".repeat(127);
        for path in [
            "/", "a", "a/b.txt", "_x/ y", "...", "a/~", "100%", "a\\b", &long,
        ] {
            let key = Key::file("s", path).unwrap();
            assert_eq!((key.collection(), key.id()), (FILES, path));
            assert_eq!(Key::of_any("s", FILES, path).unwrap(), key);
        }
        let (long, deep) = ("é".repeat(128), "a/".repeat(512) + "b");
        for path in [
            "", "/a", "a/", "a//b", ".", "a/../b", "a/.", "a\0", "a/\n", "\u{85}", "//", &long,
            &deep,
        ] {
            assert!(Key::file("s", path).is_err(), "{path:?}");
        }
        assert!(Key::new("s", FILES, "a").is_err());
        assert!(Key::file("_s", "a").is_err());
    }

    #[test]
    fn people_s_own_names_are_names() {
        let long = "é".repeat(127);
        for id in [
            "bob@example.com",
            "a:b",
            "café",
            "a b",
            " ",
            "a%20",
            "x_",
            "...",
            "~",
            "?",
            "#",
            "-1",
            "🦀",
            "\"",
            &long,
        ] {
            assert_eq!(Key::new("s", "c", id).unwrap().id(), id);
        }
        let long = "x".repeat(63);
        for collection in ["my_things", "MyThings", "2024", "a-b", "0", "A_", &long] {
            let key = Key::new(collection, collection, "1").unwrap();
            assert_eq!(key.collection(), collection);
        }
        let upper = Key::new("s", "A", "1").unwrap();
        assert_ne!(upper, Key::new("s", "a", "1").unwrap());
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "é".repeat(128);
        for id in [
            "", ".", "..", "_x", "a/b", "/", "a\0", "a\n", "\u{7f}", "\u{85}", &long,
        ] {
            assert!(Key::new("s", "c", id).is_err(), "{id:?}");
        }
        let long = "x".repeat(64);
        for name in ["", "_c", "-a", "a b", "a.b", "ä", "a/b", "a%62", &long] {
            assert!(Key::new("s", name, "1").is_err(), "{name}");
            assert!(Key::new(name, "c", "1").is_err(), "{name}");
        }
    }
}
