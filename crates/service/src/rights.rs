use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use detente_core::{CollectionKey, Key, is_label};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    /// Settle a conflict of the log.
    Resolve,
    /// Take a lock away from whoever holds it.
    BreakLock,
    /// See how the server does.
    Operate,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Resolve,
        Self::BreakLock,
        Self::Operate,
    ];

    /// As people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Resolve => "resolve",
            Self::BreakLock => "break-lock",
            Self::Operate => "operate",
        }
    }
}

/// Where somebody wants to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The server as a whole.
    Server,
    /// Somewhere in a space: whoever may do it in one of its collections may begin to.
    Space(&'a str),
    Collection {
        space: &'a str,
        collection: &'a str,
    },
}

impl<'a> From<&'a Key> for Place<'a> {
    fn from(key: &'a Key) -> Self {
        Self::Collection {
            space: key.space(),
            collection: key.collection(),
        }
    }
}

impl<'a> From<&'a CollectionKey> for Place<'a> {
    fn from(key: &'a CollectionKey) -> Self {
        Self::Collection {
            space: &key.space,
            collection: &key.collection,
        }
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions(u8);

impl Actions {
    /// Every action.
    pub const ALL: Self = Self(u8::MAX);

    /// Whether the action is one of them.
    pub fn contains(self, action: Action) -> bool {
        self.0 & bit(action) != 0
    }

    fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

fn bit(action: Action) -> u8 {
    1 << action as u8
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let bits = actions.into_iter().map(bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

/// Names of spaces or of collections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    All,
    Only(BTreeSet<Box<str>>),
}

impl Names {
    /// Whether a name is one of them.
    pub fn contain(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

/// Which actions somebody may perform, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    pub spaces: Names,
    everywhere: Actions,
    /// What is allowed in some collections alone.
    somewhere: Vec<(Box<str>, Actions)>,
}

/// One right, as people write it: an action, or `write` for creating, updating and deleting, or `all`;
/// perhaps with a colon and the collection in which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    word: Box<str>,
    actions: Actions,
    collection: Option<Box<str>>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

/// A text that is no [`Right`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARight;

impl fmt::Display for NotARight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a right must be read, create, update, delete, write, resolve, break-lock, operate or all, \
             perhaps followed by a colon and the name of a collection, such as update:notes",
        )
    }
}

impl std::error::Error for NotARight {}

impl FromStr for Right {
    type Err = NotARight;

    fn from_str(text: &str) -> Result<Self, NotARight> {
        use Action::{Create, Delete, Update};
        let (word, collection) = match text.split_once(':') {
            Some((word, collection)) if is_label(collection) => (word, Some(collection.into())),
            Some(_) => return Err(NotARight),
            None => (text, None),
        };
        let named = Action::ALL.into_iter().find(|action| action.word() == word);
        let actions = match (word, named) {
            (_, Some(action)) => Actions::from_iter([action]),
            ("write", None) => Actions::from_iter([Create, Update, Delete]),
            ("all", None) => Actions::ALL,
            _ => return Err(NotARight),
        };
        Ok(Self {
            word: text.into(),
            actions,
            collection,
        })
    }
}

impl Rights {
    /// Whoever has these may do anything.
    pub const ALL: Self = Self {
        spaces: Names::All,
        everywhere: Actions::ALL,
        somewhere: Vec::new(),
    };

    /// Whoever has these may do nothing.
    pub fn none() -> Self {
        Self::of([], Names::Only(BTreeSet::new()))
    }

    /// These actions in one collection of one space.
    pub fn in_collection(
        space: &str,
        collection: &str,
        actions: impl IntoIterator<Item = Action>,
    ) -> Self {
        Self {
            spaces: Names::Only([space.into()].into()),
            everywhere: Actions::default(),
            somewhere: vec![(collection.into(), actions.into_iter().collect())],
        }
    }

    /// The rights of somebody of whom nothing else is said: everything but to break locks and to see
    /// how the server does.
    pub fn usual(spaces: Names) -> Self {
        use Action::{Create, Delete, Read, Resolve, Update};
        Self {
            spaces,
            everywhere: Actions::from_iter([Read, Create, Update, Delete, Resolve]),
            somewhere: Vec::new(),
        }
    }

    /// These rights, in these spaces.
    pub fn of(rights: impl IntoIterator<Item = Right>, spaces: Names) -> Self {
        let (mut everywhere, mut somewhere) =
            (Actions::default(), Vec::<(Box<str>, Actions)>::new());
        for Right {
            actions,
            collection,
            ..
        } in rights
        {
            let Some(name) = collection else {
                everywhere = everywhere.join(actions);
                continue;
            };
            match somewhere.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = known.join(actions),
                None => somewhere.push((name, actions)),
            }
        }
        Self {
            spaces,
            everywhere,
            somewhere,
        }
    }

    /// Whether they allow an action in a place. What concerns the server as a whole must be allowed
    /// in every collection of every space.
    pub fn allow(&self, action: Action, place: Place<'_>) -> bool {
        let (space, collection) = match place {
            Place::Server => return self.allow_everywhere(action),
            Place::Space(space) => (space, None),
            Place::Collection { space, collection } => (space, Some(collection)),
        };
        if !self.spaces.contain(space) {
            return false;
        }
        let is_meant = |name: &str| collection.is_none_or(|collection| collection == name);
        let mut somewhere = self.somewhere.iter();
        self.everywhere.contains(action)
            || somewhere.any(|(name, actions)| is_meant(name) && actions.contains(action))
    }

    /// Whether they allow an action in every collection of every space.
    #[inline]
    pub(crate) fn allow_everywhere(&self, action: Action) -> bool {
        matches!(self.spaces, Names::All) && self.everywhere.contains(action)
    }

    /// Whether an action is allowed in all collections of a space.
    pub fn allow_throughout(&self, action: Action, space: &str) -> bool {
        self.spaces.contain(space) && self.everywhere.contains(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(words: &[&str], spaces: Names) -> Rights {
        Rights::of(words.iter().map(|it| it.parse().unwrap()), spaces)
    }

    fn allowed(rights: &Rights, place: Place<'_>) -> Vec<&'static str> {
        let may = Action::ALL.into_iter();
        let may = may.filter(|it| rights.allow(*it, place));
        may.map(Action::word).collect()
    }

    fn of<'a>(space: &'a str, collection: &'a str) -> Place<'a> {
        Place::Collection { space, collection }
    }

    #[test]
    fn rights_allow_what_they_name_where_they_name_it() {
        let some = rights(&["read", "update:notes", "delete:notes"], Names::All);
        let all: [(Place<'_>, &[&str]); 4] = [
            (of("default", "users"), &["read"]),
            (of("default", "notes"), &["read", "update", "delete"]),
            (Place::Space("default"), &["read", "update", "delete"]),
            (Place::Server, &["read"]),
        ];
        for (place, expected) in all {
            assert_eq!(allowed(&some, place), expected, "{place:?}");
        }
        assert!(some.allow_throughout(Action::Read, "default"));
        assert!(!some.allow_throughout(Action::Update, "default"));
        let here = Names::Only(BTreeSet::from(["a".into()]));
        let all_of_one = rights(&["all"], here);
        assert_eq!(allowed(&all_of_one, of("a", "x")).len(), Action::ALL.len());
        assert_eq!(allowed(&all_of_one, of("b", "x")), [""; 0]);
        assert_eq!(allowed(&all_of_one, Place::Space("b")), [""; 0]);
        assert!(!all_of_one.allow_throughout(Action::Read, "b"));
        assert_eq!(allowed(&all_of_one, Place::Server), [""; 0]);
        let write = rights(&["write"], Names::All);
        assert_eq!(
            allowed(&write, Place::Server),
            ["create", "update", "delete"]
        );
        assert_eq!(allowed(&rights(&[], Names::All), Place::Server), [""; 0]);
        assert_eq!(
            allowed(&Rights::usual(Names::All), Place::Server),
            ["read", "create", "update", "delete", "resolve"]
        );
    }

    #[test]
    fn rights_are_written_as_words() {
        for wrong in [
            "", "Read", "read ", "read:", ":a", "read:a:b", "read:_a", "writes",
        ] {
            assert_eq!(wrong.parse::<Right>(), Err(NotARight), "{wrong}");
        }
    }
}
