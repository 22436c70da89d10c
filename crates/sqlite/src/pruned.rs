//! Which versions are kept no longer, one bit for each: a version that is missing without a bit here
//! is lost.

use std::collections::BTreeMap;

use crate::failure::Failure;
use detente_core::Seq;
use detente_store::Damage;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::row::signed;
use crate::seal::{PRUNED, number};

/// How many versions a row has a bit for.
const BLOCK: u64 = 1024;

type Bits = [u8; (BLOCK / 8) as usize];

const NONE: Bits = [0; (BLOCK / 8) as usize];

fn place(seq: Seq) -> (u64, usize, u8) {
    let bit = seq % BLOCK;
    (seq / BLOCK, (bit / 8) as usize, 1 << (bit % 8))
}

fn find(connection: &Connection, block: u64) -> Result<Bits, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT block, bits, seal FROM pruned WHERE block = ?1")?;
    let mut rows = statement.query([signed(block)])?;
    let Some(row) = rows.next()? else {
        return Ok(NONE);
    };
    let damaged = || Failure::damaged(format!("row {block} of pruned is not as it was written"));
    if !PRUNED.holds(row, 0)? {
        return Err(damaged());
    }
    row.get_ref(1)?
        .as_blob()
        .ok()
        .and_then(|bits| bits.try_into().ok())
        .ok_or_else(damaged)
}

/// Notes that versions are kept no longer.
pub(crate) fn note(connection: &Connection, seqs: &[Seq]) -> Result<(), Failure> {
    let mut blocks = BTreeMap::new();
    for seq in seqs {
        let (block, byte, bit) = place(*seq);
        let bits = match blocks.get_mut(&block) {
            Some(bits) => bits,
            None => blocks.entry(block).or_insert(find(connection, block)?),
        };
        bits[byte] |= bit;
    }
    let mut write = connection
        .prepare_cached("INSERT OR REPLACE INTO pruned (block, bits, seal) VALUES (?1, ?2, ?3)")?;
    for (block, bits) in &blocks {
        let row = [number(*block), ValueRef::Blob(bits)];
        PRUNED.write(&mut write, &row, None)?;
    }
    Ok(())
}

/// Whether versions from `first` up to, but without, `end` that are not there were let go.
///
/// # Errors
///
/// [`Damage`] names the first that is lost.
pub(crate) fn explain(connection: &Connection, first: Seq, end: Seq) -> Result<(), Failure> {
    let mut known: Option<(u64, Bits)> = None;
    for seq in first..end {
        let (block, byte, bit) = place(seq);
        let bits = match known {
            Some((of, bits)) if of == block => bits,
            _ => find(connection, block)?,
        };
        known = Some((block, bits));
        if bits[byte] & bit == 0 {
            return Err(Failure::lost(Damage::at(seq)));
        }
    }
    Ok(())
}

/// Goes on to `seq`, which is there: what is missing from `next` on was let go.
pub(crate) fn explain_gap(
    connection: &Connection,
    next: &mut Seq,
    seq: Seq,
) -> Result<(), Failure> {
    if seq < *next {
        return Err(Failure::damaged(format!(
            "the log is out of order: {seq} comes behind {}",
            *next - 1
        )));
    }
    explain(connection, *next, seq)?;
    *next = seq + 1;
    Ok(())
}

/// How many versions are kept no longer.
pub(crate) fn count(connection: &Connection) -> Result<u64, Failure> {
    let mut statement = connection.prepare("SELECT bits FROM pruned")?;
    let mut rows = statement.query(params![])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let bits = row.get_ref(0)?.as_blob().unwrap_or_default();
        count += bits
            .iter()
            .map(|byte| u64::from(byte.count_ones()))
            .sum::<u64>();
    }
    Ok(count)
}
