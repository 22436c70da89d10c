use std::collections::VecDeque;
use std::sync::Arc;

use crate::failure::Failure;
use detente_core::{Seq, Stored};
use detente_store::{Feed, PageLimit};
use rusqlite::{Connection, OptionalExtension, params};

use crate::layout;
use crate::row::{self, signed};

/// Version `number` of the document whose newest version is `head`: from the nearest milestone
/// above it, back along the chain.
pub(crate) fn numbered(
    connection: &Connection,
    head: &Stored,
    number: u64,
) -> Result<Option<Arc<Stored>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT seq FROM milestones
         WHERE space = ?1 AND collection = ?2 AND id = ?3 AND version >= ?4
         ORDER BY version LIMIT 1",
    )?;
    let place = params![
        head.key.space(),
        head.key.collection(),
        head.key.id(),
        signed(number)
    ];
    let milestone: Option<i64> = statement.query_row(place, |row| row.get(0)).optional()?;
    let start = milestone.map_or(head.seq, i64::unsigned_abs);
    let mut next = Some(start);
    while let Some(seq) = next {
        let Some(stored) = row::find_version(connection, seq)? else {
            return Ok(None);
        };
        if stored.version == number {
            return Ok(Some(stored));
        }
        next = stored.prev;
    }
    Ok(None)
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
            Some(prev) => row::find_version(connection, prev)?,
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
) -> Result<Option<Arc<Stored>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT seq FROM milestones
         WHERE space = ?1 AND collection = ?2 AND id = ?3 AND seq > ?4
         ORDER BY version LIMIT 1",
    )?;
    let key = &newest.key;
    let place = params![key.space(), key.collection(), key.id(), signed(since)];
    let milestone: Option<i64> = statement.query_row(place, |row| row.get(0)).optional()?;
    let start = milestone.map_or(newest.seq, i64::unsigned_abs);
    let mut first = None;
    let mut next = Some(start).filter(|seq| *seq > since);
    while let Some(seq) = next {
        // Where history was cut, what lies behind is not there.
        let Some(stored) = row::find_version(connection, seq)? else {
            break;
        };
        next = stored.prev.filter(|prev| *prev > since);
        first = Some(stored);
    }
    Ok(first)
}
