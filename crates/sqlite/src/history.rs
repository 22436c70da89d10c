use std::collections::VecDeque;
use std::sync::Arc;

use crate::failure::Failure;
use detente_core::{Key, Seq, Stored};
use detente_store::{Feed, PageLimit};
use rusqlite::{Connection, OptionalExtension, params};

use crate::layout;
use crate::row::{self, signed, unsigned};

/// Version `number` of the document whose newest version is `head`: from the nearest milestone
/// above it, back along the chain.
pub(crate) fn numbered(
    connection: &Connection,
    head: &Stored,
    number: u64,
) -> Result<Option<Arc<Stored>>, Failure> {
    // A milestone that is cut between two looks would seem to be lost.
    let _moment = layout::one_moment(connection)?;
    let mut statement = connection.prepare_cached(
        "SELECT version, seq FROM milestones
         WHERE space = ?1 AND collection = ?2 AND id = ?3 AND version >= ?4
         ORDER BY version LIMIT 1",
    )?;
    let place = params![
        head.key.space(),
        head.key.collection(),
        head.key.id(),
        signed(number)
    ];
    let found = statement.query_row(place, |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)));
    let mut next = Some(match found.optional()? {
        Some((version, seq)) => milestone(connection, &head.key, version, seq)?,
        None => head.seq,
    });
    while let Some(seq) = next {
        let Some(described) = row::find_described(connection, seq)? else {
            return Ok(None);
        };
        if described.version == number {
            return row::find_named(connection, seq);
        }
        next = described.prev;
    }
    Ok(None)
}

/// The seq of a milestone, if it is one of the document.
fn milestone(connection: &Connection, key: &Key, version: u64, seq: Seq) -> Result<Seq, Failure> {
    let described = row::find_described(connection, seq)?;
    match described.filter(|it| it.key == *key && it.version == version) {
        Some(_) => Ok(seq),
        None => Err(wrong_milestone(key.as_str(), version)),
    }
}

/// `document` is the text of its key.
pub(crate) fn wrong_milestone(document: &str, version: u64) -> Failure {
    Failure::damaged(format!(
        "the place of version {version} of {document} is not as it was written"
    ))
}

/// The versions of the document whose newest version is `newest` that came after `since`, the
/// oldest first.
pub(crate) fn changes(
    connection: &Connection,
    newest: &Arc<Stored>,
    since: Seq,
    limit: PageLimit,
) -> Result<Feed, Failure> {
    let mut feed = Feed {
        items: Vec::new(),
        through: newest.seq.max(since),
        more: false,
    };
    if newest.seq <= since {
        return Ok(feed);
    }
    // What is cut between two looks would seem to be the end.
    let _moment = layout::one_moment(connection)?;
    let Some(first) = first_after(connection, newest, since)? else {
        return Ok(feed);
    };
    // Read from the newest wanted one back: no more than are likely to have room.
    let likely = (limit.bytes / newest.body.len().max(1)).clamp(1, limit.rows) as u64;
    let wanted = first.version + likely - 1;
    let last = if wanted < newest.version {
        numbered(connection, newest, wanted)?
    } else {
        Some(Arc::clone(newest))
    };
    let (mut items, mut bytes) = (VecDeque::new(), 0);
    let mut next = last;
    while let Some(stored) = next.take().filter(|stored| stored.seq > since) {
        next = match stored.prev.filter(|prev| *prev > since) {
            Some(prev) => row::find_named(connection, prev)?,
            None => None,
        };
        bytes += stored.body.len();
        items.push_back(stored);
        while items.len() > 1 && bytes > limit.bytes {
            bytes -= items.pop_front().map_or(0, |newest| newest.body.len());
        }
    }
    feed.items = items.into_iter().rev().collect();
    if let Some(last) = feed.items.last() {
        feed.more = last.seq < newest.seq;
        feed.through = last.seq;
    }
    Ok(feed)
}

/// The oldest version past `since`.
fn first_after(
    connection: &Connection,
    newest: &Arc<Stored>,
    since: Seq,
) -> Result<Option<Stored>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT version, seq FROM milestones
         WHERE space = ?1 AND collection = ?2 AND id = ?3 AND seq > ?4
         ORDER BY version LIMIT 1",
    )?;
    let key = &newest.key;
    let place = params![key.space(), key.collection(), key.id(), signed(since)];
    let found = statement.query_row(place, |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)));
    let start = match found.optional()? {
        Some((version, seq)) => milestone(connection, key, version, seq)?,
        None => newest.seq,
    };
    let mut first = None;
    let mut next = Some(start).filter(|seq| *seq > since);
    while let Some(seq) = next {
        // Where history was cut, what lies behind is not there.
        let Some(described) = row::find_described(connection, seq)? else {
            break;
        };
        next = described.prev.filter(|prev| *prev > since);
        first = Some(described);
    }
    Ok(first)
}
