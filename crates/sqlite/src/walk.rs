use std::ops::ControlFlow;
use std::sync::Arc;

use crate::failure::Failure;
use detente_core::{CollectionKey, Head, Key, Kind, Stored};
use detente_store::{Damage, Documents};
use rusqlite::{Connection, Row, Rows, params};

use crate::layout;
use crate::pending::Pending;
use crate::read::Reads;
use crate::row::{self, columns};

/// A walk through the documents of a collection: the table and what is not yet in it, merged by id.
pub(crate) struct Walk<'a> {
    pub(crate) reader: &'a Reads,
    pub(crate) connection: &'a Connection,
    pub(crate) wanted: &'a Documents<'a>,
    pub(crate) pending: Pending,
}

/// Called with each document of a walk, or with what is wrong with it; `Break` ends the walk.
pub(crate) type Salvage<'a> = dyn FnMut(Result<Arc<Stored>, Failure>) -> ControlFlow<()> + 'a;

impl Walk<'_> {
    pub(crate) fn run(mut self, visit: &mut Salvage<'_>) -> Result<(), Failure> {
        let (comparison, direction) = match (self.wanted.descending, self.wanted.after) {
            (false, _) => (">", "ASC"),
            (true, Some(_)) => ("<", "DESC"),
            (true, None) => (">", "DESC"),
        };
        let place = format!(
            "WHERE space = ?1 AND collection = ?2 AND id {comparison} ?3 ORDER BY id {direction}"
        );
        let sql = format!("SELECT {} FROM heads {place}", columns!(heads));
        let again = format!("SELECT id FROM heads INDEXED BY heads_again {place}");
        let _moment = layout::one_moment(self.connection)?;
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut again = self.connection.prepare_cached(&again)?;
        let CollectionKey { space, collection } = self.wanted.collection;
        let from = params![space, collection, self.wanted.after.unwrap_or("")];
        let mut rows = statement.query(from)?;
        let mut names = Some(again.query(from)?);
        loop {
            let row = rows.next()?;
            if !is_named_again(row, &mut names)? {
                names = None;
                let place = format!("{space}/{collection}");
                let two = format!("the two lists of the documents of {place} do not agree");
                if visit(Err(Failure::damaged(two))).is_break() {
                    return Ok(());
                }
            }
            let Some(row) = row else {
                return self.visit_pending(None, visit).map(drop);
            };
            if self.visit_row(row, visit)?.is_break() {
                return Ok(());
            }
        }
    }

    fn visit_row(
        &mut self,
        row: &Row<'_>,
        visit: &mut Salvage<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        let head = match row::head(row) {
            Ok(head) => head,
            Err(failure) if failure.damage().is_some() => return Ok(visit(Err(failure))),
            Err(failure) => return Err(failure),
        };
        let id = row::text(row, 2)?;
        if self.visit_pending(Some(id), visit)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let newest = match self.pending.take(id) {
            Some(pending) if pending.seq > head.seq => pending,
            _ => head,
        };
        self.show(id, newest, visit)
    }

    /// Visits what is pending and comes before `id`.
    fn visit_pending(
        &mut self,
        id: Option<&str>,
        visit: &mut Salvage<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        while let Some(next) = self.pending.first() {
            if id.is_some_and(|id| !self.comes_before(next, id)) {
                break;
            }
            let Some((next, head)) = self.pending.next() else {
                break;
            };
            if self.show(&next, head, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn comes_before(&self, one: &str, other: &str) -> bool {
        if self.wanted.descending {
            one > other
        } else {
            one < other
        }
    }

    fn show(
        &self,
        id: &str,
        head: Head,
        visit: &mut Salvage<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        if head.kind == Kind::Tombstone {
            return Ok(ControlFlow::Continue(()));
        }
        match self.find(id, head) {
            Ok(stored) if stored.kind == Kind::Tombstone => Ok(ControlFlow::Continue(())),
            Ok(stored) => Ok(visit(Ok(stored))),
            Err(failure) if failure.damage().is_some() => Ok(visit(Err(failure))),
            Err(failure) => Err(failure),
        }
    }

    fn find(&self, id: &str, head: Head) -> Result<Arc<Stored>, Failure> {
        let CollectionKey { space, collection } = self.wanted.collection;
        let key = Key::from_parts(space, collection, id);
        let found = match self.reader.recall_version(head.seq) {
            Some(stored) => Some(stored),
            None => row::find_named(self.connection, head.seq)?,
        };
        match found {
            Some(stored) if stored.key == key && stored.head() == head => Ok(stored),
            Some(_) => Err(disagrees(&key, head)),
            // Newer ones came after the pending heads were taken, and this was let go.
            None => {
                let newest = self.reader.current(&key)?;
                newest.ok_or_else(|| is_missing(head))
            }
        }
    }
}

/// Whether a row of the table and the next of the second list are of one name, or both at their end.
fn is_named_again(row: Option<&Row<'_>>, names: &mut Option<Rows<'_>>) -> Result<bool, Failure> {
    let Some(names) = names else {
        return Ok(true);
    };
    let again = names.next()?;
    Ok(match (row, again) {
        (Some(row), Some(again)) => row.get_ref(2)? == again.get_ref(0)?,
        (None, None) => true,
        _ => false,
    })
}

pub(crate) fn disagrees(key: &Key, head: Head) -> Failure {
    let version = head.version;
    Failure::damaged(format!(
        "the head of {key:?} does not agree with version {version}"
    ))
}

pub(crate) fn is_missing(head: Head) -> Failure {
    Failure::lost(Damage::at(head.seq))
}
