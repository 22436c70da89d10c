use crate::blocks::{Block, Contradiction, Moment, writes_between};
use crate::versions::Versions;
use crate::violation::ViolationKind;

/// Sees whether blocks can follow each other. O(n log n).
///
/// After P. B. Gibbons and E. Korach, "Testing shared memories", SIAM Journal on Computing 26 (1997): a block must come
/// before another if one of its operations ended before one of the other's began. If blocks must go round in a circle,
/// then two of them must come before each other. That is so if their zones overlap, a zone being the time from where the
/// first of its operations ended to where the last began; or if one lies within another whose operations all had a
/// moment in common.
pub(super) fn arrange(versions: &Versions, blocks: &[Block]) -> Result<(), Contradiction> {
    let is_initial = |block: &&Block| block.head == 0;
    if let Some(initial) = blocks.iter().find(is_initial) {
        let others = blocks.iter().filter(|block| block.head != 0);
        let earliest = others.min_by_key(|block| block.first.time);
        if let Some(earliest) = earliest.filter(|block| block.first.time < initial.last.time) {
            return Err(clash(versions, initial, earliest));
        }
    }
    let others = blocks.iter().filter(|block| block.head != 0);
    let (mut forward, backward): (Vec<&Block>, Vec<&Block>) =
        others.partition(|block| block.first.time < block.last.time);
    forward.sort_unstable_by_key(|block| (block.first.time, block.head));
    for pair in forward.windows(2) {
        if pair[1].first.time < pair[0].last.time {
            return Err(clash(versions, pair[0], pair[1]));
        }
    }
    for block in backward {
        let after = forward.partition_point(|zone| zone.first.time < block.last.time);
        let around = after.checked_sub(1).map(|before| forward[before]);
        if let Some(zone) = around.filter(|zone| block.first.time < zone.last.time) {
            return Err(clash(versions, zone, block));
        }
    }
    Ok(())
}

/// Each of two blocks must come before the other.
fn clash(versions: &Versions, one: &Block, other: &Block) -> Contradiction {
    let mut suspects = Vec::new();
    for block in [one, other] {
        suspects.extend([block.first.at, block.last.at]);
        suspects.extend(writes_linking(versions, block));
    }
    suspects.sort_unstable();
    suspects.dedup();
    (ViolationKind::StaleRead, suspects)
}

/// The writes by which the first and the last operation of a block are known to be of one block.
fn writes_linking(versions: &Versions, block: &Block) -> Vec<u32> {
    let Moment { version: first, .. } = block.first;
    let Moment { version: last, .. } = block.last;
    // One of them is reached from the other; which one, the length of the way to the head tells.
    let (from, to) = if depth(versions, first) <= depth(versions, last) {
        (first, last)
    } else {
        (last, first)
    };
    writes_between(versions, from, to)
}

fn depth(versions: &Versions, mut version: u32) -> usize {
    let mut depth = 0;
    while let Some(base) = versions.all[version as usize].base {
        version = base;
        depth += 1;
    }
    depth
}
