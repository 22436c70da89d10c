use crate::failure::Failure;
use detente_core::Seq;
use detente_store::{Commit, Pruning};
use rusqlite::{Connection, OptionalExtension, params};

use crate::row::signed;

/// Drops the versions that a commit lets go, and tells which.
///
/// History is cut at milestones, so that what goes is found by walking it once: a document keeps
/// what it is to keep, and less than one milestone's distance more.
pub(crate) fn prune(connection: &Connection, commit: &Commit) -> Result<Vec<Seq>, Failure> {
    let mut dropped = Vec::new();
    for pruning in &commit.prunings {
        cut(connection, pruning, &mut dropped)?;
    }
    if !dropped.is_empty() {
        connection
            .prepare_cached("UPDATE marker SET pruned = pruned + ?1")?
            .execute([signed(dropped.len() as u64)])?;
    }
    Ok(dropped)
}

fn cut(connection: &Connection, pruning: &Pruning, dropped: &mut Vec<Seq>) -> Result<(), Failure> {
    let key = &pruning.key;
    let place = params![
        key.space(),
        key.collection(),
        key.id(),
        signed(pruning.below),
        signed(pruning.before.0)
    ];
    let mut find = connection.prepare_cached(
        "SELECT m.version, v.prev FROM milestones m JOIN versions v ON v.seq = m.seq
         WHERE m.space = ?1 AND m.collection = ?2 AND m.id = ?3 AND m.version <= ?4 AND v.at < ?5
         ORDER BY m.version DESC LIMIT 1",
    )?;
    let oldest_kept = find.query_row(place, |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
    });
    let Some((version, prev)) = oldest_kept.optional()? else {
        return Ok(());
    };
    let mut look = connection.prepare_cached("SELECT prev FROM versions WHERE seq = ?1")?;
    let mut drop = connection.prepare_cached("DELETE FROM versions WHERE seq = ?1")?;
    let mut next = prev;
    while let Some(seq) = next {
        let found = look.query_row([seq], |row| row.get::<_, Option<i64>>(0));
        let Some(prev) = found.optional()? else {
            break;
        };
        drop.execute([seq])?;
        dropped.push(seq.unsigned_abs());
        next = prev;
    }
    connection
        .prepare_cached(
            "DELETE FROM milestones
             WHERE space = ?1 AND collection = ?2 AND id = ?3 AND version < ?4",
        )?
        .execute(params![key.space(), key.collection(), key.id(), version])?;
    Ok(())
}
