use crate::failure::Failure;
use detente_core::{Key, Seq, Stored};
use detente_store::{Commit, Pruning};
use rusqlite::{Connection, OptionalExtension, params};

use crate::damaged::Damaged;
use crate::row::{self, signed, unsigned};
use crate::{history, pruned};

/// Drops the versions that a commit lets go, and tells which. A history that is damaged is left as
/// it is.
///
/// History is cut at milestones, so that what goes is found by walking it once: a document keeps
/// what it is to keep, and less than one milestone's distance more.
pub(crate) fn prune(
    connection: &Connection,
    commit: &Commit,
    damage: &Damaged,
) -> Result<Vec<Seq>, Failure> {
    let mut dropped = Vec::new();
    for pruning in &commit.prunings {
        match cut(connection, pruning) {
            Ok(Some(cut)) => {
                drop_behind(connection, &pruning.key, &cut)?;
                dropped.extend(cut.seqs);
            }
            Ok(None) => {}
            // It stays as it is; the write stands.
            Err(failure) if failure.damage().is_some() => damage.note(&failure),
            Err(failure) => return Err(failure),
        }
    }
    pruned::note(connection, &dropped)?;
    Ok(dropped)
}

/// What goes of one document.
struct Cut {
    /// The number of the oldest version that stays.
    version: u64,
    seqs: Vec<Seq>,
}

fn cut(connection: &Connection, pruning: &Pruning) -> Result<Option<Cut>, Failure> {
    let oldest_kept = oldest_kept(connection, pruning)?;
    oldest_kept.map(|it| behind(connection, &it)).transpose()
}

/// The milestone at which a history is cut, if there is one.
fn oldest_kept(connection: &Connection, pruning: &Pruning) -> Result<Option<Stored>, Failure> {
    let key = &pruning.key;
    let mut find = connection.prepare_cached(
        "SELECT m.version, m.seq FROM milestones m JOIN versions v ON v.seq = m.seq
         WHERE m.space = ?1 AND m.collection = ?2 AND m.id = ?3 AND m.version <= ?4 AND v.at < ?5
         ORDER BY m.version DESC LIMIT 1",
    )?;
    let place = params![
        key.space(),
        key.collection(),
        key.id(),
        signed(pruning.below),
        signed(pruning.before.0)
    ];
    let found = find.query_row(place, |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)));
    let Some((version, seq)) = found.optional()? else {
        return Ok(None);
    };
    let stored = row::find_described(connection, seq)?;
    let is_it = |it: &Stored| it.key == *key && it.version == version && it.at < pruning.before;
    let wrong = || history::wrong_milestone(key.as_str(), version);
    stored.filter(is_it).ok_or_else(wrong).map(Some)
}

/// All versions before the oldest that is kept.
fn behind(connection: &Connection, oldest_kept: &Stored) -> Result<Cut, Failure> {
    let mut cut = Cut {
        version: oldest_kept.version,
        seqs: Vec::new(),
    };
    let mut next = oldest_kept.prev;
    while let Some(seq) = next {
        let Some(stored) = row::find_described(connection, seq)? else {
            break;
        };
        cut.seqs.push(seq);
        next = stored.prev;
    }
    Ok(cut)
}

fn drop_behind(connection: &Connection, key: &Key, cut: &Cut) -> Result<(), Failure> {
    let mut drop = connection.prepare_cached("DELETE FROM versions WHERE seq = ?1")?;
    for seq in &cut.seqs {
        drop.execute([signed(*seq)])?;
    }
    let mut forget = connection.prepare_cached(
        "DELETE FROM milestones
         WHERE space = ?1 AND collection = ?2 AND id = ?3 AND version < ?4",
    )?;
    let version = signed(cut.version);
    forget.execute(params![key.space(), key.collection(), key.id(), version])?;
    Ok(())
}
