use std::sync::Arc;

use detente_core::{EntityTag, Key, Lock, LockTokens, Preconditions, Stored};

use super::tree::{Place, Seen};
use crate::explanation::{Explanation, What};
use crate::{Ask, Edited, Entry, Outcome, Service};

/// On what a write of a file or a folder depends.
#[derive(Clone, Debug, Default)]
pub struct FileTerms {
    pub conditions: Preconditions,
    /// The token of a lock that must be held: of the file, or of a folder that it is in.
    pub lock_token: Option<Arc<str>>,
    pub states: StateLists,
    /// Whether the folder that it is in must be there, and is not made.
    pub in_folder: bool,
    /// Whether it is only a file that may go, and the folders go with it that have no other.
    pub prunes: bool,
    /// Whether it may replace what it does not name, whatever the configuration says.
    pub may_be_unconditional: bool,
}

/// What somebody says of the states of files, in the terms of RFC 4918, section 10.4: one of the lists must hold.
/// Every token in them is one that its writer holds.
#[derive(Clone, Debug, Default)]
pub struct StateLists(pub Vec<StateList>);

/// It holds if all of its conditions do.
#[derive(Clone, Debug)]
pub struct StateList {
    pub about: About,
    pub conditions: Vec<StateCondition>,
}

/// What a list is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The file that is asked for.
    Target,
    File(Key),
    /// Nothing of this server.
    Elsewhere,
}

#[derive(Clone, Debug)]
pub struct StateCondition {
    pub is_not: bool,
    pub state: State,
}

#[derive(Clone, Debug)]
pub enum State {
    /// Of a lock of the file, or of one that reaches down to it.
    Token(Arc<str>),
    /// Of the current version.
    Tag(EntityTag),
}

impl FileTerms {
    /// One write on these terms.
    pub(super) fn ask(
        &self,
        key: &Key,
        edit: Edited,
        conditions: Preconditions,
        verb: &'static str,
    ) -> Ask {
        Ask {
            key: key.clone(),
            edit,
            conditions,
            lock_tokens: self.tokens(),
            is_inner: false,
            on_conflict: None,
            verb,
        }
    }

    /// All tokens that are said to be held.
    fn tokens(&self) -> LockTokens {
        let conditions = self.states.0.iter().flat_map(|list| &list.conditions);
        let listed = conditions.filter_map(|it| match &it.state {
            State::Token(token) => Some(token),
            State::Tag(_) => None,
        });
        let tokens: Vec<_> = self.lock_token.iter().chain(listed).cloned().collect();
        match tokens.is_empty() {
            true => LockTokens::None,
            false => LockTokens::Any(tokens.into()),
        }
    }
}

impl Service {
    /// The locks that a file is under, each with what it is the lock of: its own, and those that reach down to it.
    pub fn locks_over(&self, key: &Key) -> Vec<(Key, Arc<Lock>)> {
        let mut locks = Vec::new();
        for folder in key.folders() {
            let lock = self.own_lock(&folder);
            let lock = lock.filter(|lock| lock.reaches_below());
            locks.extend(lock.map(|lock| (folder, lock)));
        }
        locks.extend(self.own_lock(key).map(|lock| (key.clone(), lock)));
        locks
    }

    /// The locks that all in a folder are under, whatever else they are.
    pub fn locks_of_inside(&self, folder: &Key) -> Vec<(Key, Arc<Lock>)> {
        let mut locks = self.locks_over(folder);
        locks.retain(|(_, lock)| lock.reaches_below());
        locks
    }

    /// The lock of a file or a folder, and of no other.
    pub fn own_lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.reading.lock(key)?.at(self.writer.time().now)
    }

    /// What a lock is the lock of that a file is under, by its token.
    pub fn root_of_lock(&self, key: &Key, token: &str) -> Option<Key> {
        let mut locks = self.locks_over(key).into_iter();
        let found = locks.find(|(_, lock)| lock.holder(token).is_some());
        found.map(|(root, _)| root)
    }

    /// Whether what was looked at is as a write depends on. What it rests on is pinned down to the versions that
    /// were looked at, or is what the tokens of the write say again when it is decided.
    ///
    /// `seen` begins with what is asked for; the rest is what is written as well.
    pub(super) fn admit(&self, terms: &FileTerms, seen: &mut [&mut Seen]) -> Outcome<()> {
        let Some(target) = seen.first() else {
            return Ok(());
        };
        let key = &target.key.clone();
        if terms.in_folder {
            target.must_be_in_a_folder()?;
        }
        if let Some(token) = &terms.lock_token {
            let holds = |key: &Key| {
                let locks = self.locks_over(key);
                locks.iter().any(|(_, lock)| lock.holder(token).is_some())
            };
            let is_of_around = || key.folders().last().is_some_and(|it| holds(&it));
            if !holds(key) && !is_of_around() {
                let own = self.locks_over(key).pop();
                let what = own.map_or(What::LockLost, |(_, lock)| What::Locked(lock));
                return Err(Explanation::of(what, key));
            }
        }
        let lists = &terms.states.0;
        if lists.is_empty() {
            return Ok(());
        }
        for list in lists {
            let about = match &list.about {
                About::Target => key,
                About::File(key) => key,
                About::Elsewhere => continue,
            };
            let mut places = seen.iter_mut().flat_map(|it| it.places());
            let place = places.find(|place| place.key == *about);
            if place.is_none() && list.has_tags() {
                // Nothing would keep it as it is until the write is decided.
                return Err(Explanation::of(What::TagOfAnother, about));
            }
            let stored = place.as_ref().and_then(|it| it.stored.as_deref());
            if self.holds(list, about, stored) {
                if let Some(place) = place {
                    place.is_pinned |= list.has_tags();
                }
                return Ok(());
            }
        }
        Err(Explanation::of(What::NoListHolds, key))
    }

    fn holds(&self, list: &StateList, key: &Key, stored: Option<&Stored>) -> bool {
        let tag = stored.map(|stored| stored.head().tag().to_entity_tag());
        let locks = self.locks_over(key);
        let is_so = |state: &State| match state {
            State::Token(token) => locks.iter().any(|(_, lock)| lock.holder(token).is_some()),
            State::Tag(wanted) => tag.as_ref().is_some_and(|tag| tag.strong_eq(wanted)),
        };
        let mut conditions = list.conditions.iter();
        conditions.all(|it| is_so(&it.state) != it.is_not)
    }
}

impl StateList {
    fn has_tags(&self) -> bool {
        let is_tag = |it: &StateCondition| matches!(it.state, State::Tag(_));
        self.conditions.iter().any(is_tag)
    }
}

impl Seen {
    /// All that was looked at.
    fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        self.folders.iter_mut().chain([&mut self.target])
    }

    /// Whether the folder that it is in is there.
    ///
    /// # Errors
    ///
    /// [`What::NoFolder`] names the first that is not.
    pub(super) fn must_be_in_a_folder(&self) -> Outcome<()> {
        // The root is there as soon as anything is.
        for place in self.folders.iter().skip(1) {
            if !matches!(place.entry, Some(Entry::Folder)) {
                let path = place.key.id().to_owned();
                return Err(Explanation::of(What::NoFolder(path), &self.key));
            }
        }
        Ok(())
    }
}
