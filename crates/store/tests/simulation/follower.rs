use detente_core::{Key, Seq};
use detente_store::{Changes, Feed, Follow, PageLimit, Reader, StoreError};

use crate::dice::Dice;
use crate::model::{Model, same};
use pollster::FutureExt;

/// Somebody who reads the changes page by page, and goes on where the page before ended, whatever
/// was cut, and whoever crashed, in between.
pub(crate) struct Follower {
    scope: Scope,
    since: Seq,
}

#[derive(Clone, Copy)]
enum Scope {
    Space,
    Collection(&'static str),
    Document(&'static Key),
}

impl Scope {
    fn has(self, key: &Key) -> bool {
        match self {
            Self::Space => true,
            Self::Collection(collection) => key.collection() == collection,
            Self::Document(document) => key == document,
        }
    }

    fn read(self, reader: &impl Reader, since: Seq, limit: usize) -> Result<Feed, StoreError> {
        let collection = match self {
            Self::Document(key) => {
                return reader
                    .document_changes(key, since, Follow::Versions, PageLimit::rows(limit))
                    .block_on();
            }
            Self::Collection(collection) => Some(collection),
            Self::Space => None,
        };
        reader
            .changes(&Changes {
                space: "default".into(),
                collection: collection.map(str::to_owned),
                since,
                follow: Follow::Versions,
                limit: PageLimit::rows(limit),
            })
            .block_on()
    }
}

impl Follower {
    /// One for each scope that has this document in it.
    pub(crate) fn all(key: &'static Key) -> Vec<Self> {
        let scopes = [
            Scope::Space,
            Scope::Collection(key.collection()),
            Scope::Document(key),
        ];
        let start = |scope| Self { scope, since: 0 };
        scopes.into_iter().map(start).collect()
    }

    /// Reads the next page, which must have every version that is kept, and each once.
    pub(crate) fn follow(
        &mut self,
        reader: &impl Reader,
        model: &Model,
        dice: &mut Dice,
    ) -> Result<(), String> {
        // Somebody who is new here begins at the beginning.
        let since = if dice.one_in(10) { 0 } else { self.since };
        let most = if dice.one_in(4) { 200 } else { 12 };
        let limit = 1 + dice.index(most);
        let page = self.scope.read(reader, since, limit);
        let page = page.map_err(|error| format!("the changes cannot be read: {error}"))?;
        let found: Vec<_> = page.items.iter().map(|stored| stored.seq).collect();
        let own = model.kept(since, page.through);
        let own = own.filter(|(_, key)| self.scope.has(key));
        let expected: Vec<_> = own.map(|(seq, _)| seq).collect();
        same("a page of changes", &found, &expected)?;
        if found.len() > limit {
            return Err(format!(
                "{} changes where {limit} were asked for",
                found.len()
            ));
        }
        let is_ahead = if page.more {
            page.through > since
        } else {
            page.through == model.last_seq()
        };
        if !is_ahead {
            return Err(format!("a page from {since} goes on at {}", page.through));
        }
        self.since = page.through;
        Ok(())
    }
}
