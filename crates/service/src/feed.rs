use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use detente_core::{Key, Moment, Seq};
use detente_store::{Changes, Epoch, Follow, PageLimit};
use tokio::sync::watch;

use crate::last::add_last;
use crate::touched::TouchedVersion;
use crate::{Action, Outcome, Place, Principal, Service};

/// How many versions a follower reads at a time.
const AT_A_TIME: usize = 256;

/// Which versions a feed is about.
#[derive(Clone, Debug)]
pub struct Scope {
    pub space: String,
    /// `None`: all of the space.
    pub collection: Option<String>,
    /// `None`: all of the collection.
    pub id: Option<String>,
}

/// How much the rows of a feed tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedForm {
    /// With [`Follow::Heads`], rows do not say which places a version touched: whoever follows may not
    /// know the version before it.
    pub follow: Follow,
    /// Whether a deletion comes with the version that it took away.
    pub has_last: bool,
}

/// A place in a feed: what a client has read up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub seq: Seq,
    /// The log that it is in; `None`: the client does not say.
    pub epoch: Option<Epoch>,
}

/// A seq, and behind a `-` the epoch.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        self.epoch.map_or(Ok(()), |epoch| write!(f, "-{epoch}"))
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (seq, epoch) = match text.split_once('-') {
            Some((seq, epoch)) => (seq, Some(epoch.parse()?)),
            None => (text, None),
        };
        let is_whole = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
        let seq = is_whole.then(|| seq.parse().ok()).flatten();
        Ok(Self {
            seq: seq.ok_or(())?,
            epoch,
        })
    }
}

/// A part of a feed.
#[derive(Clone, Debug)]
pub struct Page {
    pub changes: Vec<TouchedVersion>,
    /// Everything up to here was looked at: where to go on.
    pub through: Seq,
    pub has_more: bool,
}

/// Follows a feed: whoever has read up to some place gets each later version once, in the order of
/// the log. Every version is read from the log behind the one before it, so there is neither gap nor
/// repeat, wherever it began; a commit is only the signal to look again.
#[derive(Debug)]
pub struct Follower {
    service: Arc<Service>,
    principal: Principal,
    scope: Scope,
    form: FeedForm,
    since: Seq,
    committed: watch::Receiver<Seq>,
}

impl Scope {
    fn place(&self) -> Place<'_> {
        let space = &self.space;
        match &self.collection {
            Some(collection) => Place::Collection { space, collection },
            None => Place::Space(space),
        }
    }

    pub(crate) fn key(&self) -> Option<Key> {
        let (collection, id) = (self.collection.as_ref()?, self.id.as_ref()?);
        Some(Key::from_parts(&self.space, collection, id))
    }
}

impl Service {
    /// Where the log of a space ends.
    pub fn last_position(&self, space: &str) -> Position {
        self.position(self.last_seq(space))
    }

    /// A place in the log.
    pub fn position(&self, seq: Seq) -> Position {
        let epoch = Some(self.reading.epoch());
        Position { seq, epoch }
    }

    /// Whether the log of a space has this place. It has not where an older copy of the store was put back since:
    /// what the client knows of later versions is no longer so, or they are others.
    pub fn has_position(&self, space: &str, position: Position) -> bool {
        let is_same = |epoch: Epoch| epoch == self.reading.epoch();
        position.epoch.is_none_or(is_same) && position.seq <= self.last_seq(space)
    }

    /// Versions after `since`, in the order of the log.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn changes(
        &self,
        principal: &Principal,
        scope: &Scope,
        form: FeedForm,
        since: Seq,
        limit: usize,
    ) -> Outcome<Page> {
        self.may_follow(principal, scope)?;
        let limit = PageLimit::rows(limit);
        self.page(principal, scope, form, since, limit).await
    }

    /// Follows the versions after `since`.
    ///
    /// # Errors
    ///
    /// What a principal may not do.
    pub fn follow(
        self: &Arc<Self>,
        principal: &Principal,
        scope: Scope,
        form: FeedForm,
        since: Seq,
    ) -> Outcome<Follower> {
        self.may_follow(principal, &scope)?;
        Ok(Follower {
            committed: self.reading.watch(&scope.space),
            service: Arc::clone(self),
            principal: principal.clone(),
            scope,
            form,
            since,
        })
    }

    /// Whether somebody may follow a feed.
    ///
    /// # Errors
    ///
    /// What they may not do.
    pub fn may_follow(&self, principal: &Principal, scope: &Scope) -> Outcome<()> {
        principal.must(Action::Read, scope.place())?;
        if let Some(collection) = &scope.collection {
            self.collection(collection)?;
        }
        Ok(())
    }

    async fn page(
        &self,
        principal: &Principal,
        scope: &Scope,
        form: FeedForm,
        since: Seq,
        limit: PageLimit,
    ) -> Outcome<Page> {
        let follow = form.follow;
        let feed = match scope.key() {
            Some(key) => {
                let feed = self.reading.document_changes(&key, since, follow, limit);
                feed.await?
            }
            None => {
                let wanted = Changes {
                    space: scope.space.clone(),
                    collection: scope.collection.clone(),
                    since,
                    follow,
                    limit,
                };
                self.reading.changes(&wanted).await?
            }
        };
        let mut feed = feed;
        if scope.collection.is_none() {
            // Files are no documents to whoever follows a space.
            feed.items.retain(|stored| !stored.key.is_of_files());
        }
        let items = match self.shows_all(principal, &scope.space) {
            true => feed.items,
            false => self.in_sight(principal, feed.items).await?,
        };
        let changes = match follow {
            Follow::Versions => {
                let changes = self.touched.describe(&self.reading, items).await?;
                self.without_hidden_places(principal, changes).await?
            }
            Follow::Heads => items.into_iter().map(TouchedVersion::plain).collect(),
        };
        let mut page = Page {
            changes,
            through: feed.through,
            has_more: feed.more,
        };
        if form.has_last && add_last(&self.reading, &mut page.changes, limit).await? {
            page.through = page.changes.last().map_or(since, |last| last.stored.seq);
            page.has_more = true;
        }
        Ok(page)
    }
}

impl Follower {
    /// When the credentials of whoever follows end, if they do.
    pub fn until(&self) -> Option<Moment> {
        self.principal.until
    }

    /// Waits until there may be more; `false` when the server is closing. May be dropped while it
    /// waits.
    pub async fn wait(&mut self) -> bool {
        loop {
            // Marked as seen before the log is read: a commit in between wakes us again.
            if *self.committed.borrow_and_update() > self.since {
                return true;
            }
            if self.committed.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Reads on. Not to be dropped half way: what it reads would be read again.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn read(&mut self) -> Outcome<Page> {
        let page = self
            .service
            .page(
                &self.principal,
                &self.scope,
                self.form,
                self.since,
                PageLimit::rows(AT_A_TIME),
            )
            .await?;
        self.since = page.through;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written() {
        let epoch = Some(Epoch(0x9f86));
        for (text, seq, epoch) in [("0", 0, None), ("15", 15, None), ("15-9f86", 15, epoch)] {
            let position = Position { seq, epoch };
            assert_eq!(text.parse(), Ok(position));
            assert_eq!(position.to_string(), text);
        }
        let wrong = [
            "",
            "-",
            "15-",
            "-9f86",
            "+1",
            "15-9F86",
            "15-x",
            "1-11111111111111111",
            "1-2-3",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Position>(), Err(()), "{text}");
        }
    }
}
