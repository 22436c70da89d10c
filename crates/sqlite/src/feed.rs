use detente_core::{Seq, Stored};
use detente_store::{Changes, Feed, Follow};
use rusqlite::Connection;

use crate::failure::Failure;
use crate::pruned;
use crate::read::Reads;
use crate::row::{self, signed};

/// How many versions a reader of changes passes over before it reports where it got to.
const SCAN_LIMIT: usize = 20_000;

/// A page of changes, from the log.
pub(crate) struct FeedRead<'a> {
    pub(crate) reads: &'a Reads,
    pub(crate) connection: &'a Connection,
    pub(crate) wanted: &'a Changes,
    /// Where the log ended before it was looked at.
    pub(crate) last_seq: Seq,
}

impl FeedRead<'_> {
    /// Pages end before what is damaged, so that whoever follows gets as far as there is something
    /// sound.
    pub(crate) fn run(self) -> Result<Feed, Failure> {
        let mut feed = Feed {
            items: Vec::new(),
            through: self.wanted.since,
            more: false,
        };
        match self.extend(&mut feed) {
            Err(failure) if failure.damage().is_none() || feed.items.is_empty() => Err(failure),
            Err(_) => {
                feed.more = true;
                Ok(feed)
            }
            Ok(()) => Ok(feed),
        }
    }

    /// Also what is passed over must be sound, or it might have been wanted.
    fn extend(&self, feed: &mut Feed) -> Result<(), Failure> {
        let mut statement = self.connection.prepare_cached(row::VERSIONS_SINCE)?;
        let mut rows = statement.query([signed(self.wanted.since)])?;
        let mut looked_at = 0;
        let mut next = self.wanted.since + 1;
        let mut page = self.wanted.limit.meter();
        while let Some(row) = rows.next()? {
            if looked_at == SCAN_LIMIT || page.is_full() {
                feed.more = true;
                return Ok(());
            }
            looked_at += 1;
            let described = row::described(row)?;
            if self.is_ahead_of_heads(&described) {
                break;
            }
            pruned::explain_gap(self.connection, &mut next, described.seq)?;
            if self.is_in_scope(&described) && self.is_followed(&described)? {
                let stored = row::with_body(row, described)?;
                if !page.take(stored.body.len()) {
                    feed.more = true;
                    feed.through = feed.items.last().map_or(self.wanted.since, |last| last.seq);
                    return Ok(());
                }
                feed.items.push(stored);
            }
            feed.through = next - 1;
        }
        pruned::explain(self.connection, next, self.last_seq + 1)
    }

    fn is_in_scope(&self, version: &Stored) -> bool {
        let Changes {
            space, collection, ..
        } = self.wanted;
        let collection = collection.as_deref();
        version.key.space() == space && collection.is_none_or(|it| it == version.key.collection())
    }

    /// Whether it was committed, but may not be among the heads yet: then it cannot be told that the
    /// version before it is no longer the newest.
    fn is_ahead_of_heads(&self, version: &Stored) -> bool {
        self.wanted.follow == Follow::Heads && version.seq > self.last_seq
    }

    /// A version is passed over only for a newer one, which stands behind it in the log: an outdated
    /// head would give a row too many, and never one too few.
    fn is_followed(&self, version: &Stored) -> Result<bool, Failure> {
        if self.wanted.follow == Follow::Versions {
            return Ok(true);
        }
        let newest = self.reads.newest(&version.key)?;
        Ok(newest.is_none_or(|newest| newest.seq <= version.seq))
    }
}
