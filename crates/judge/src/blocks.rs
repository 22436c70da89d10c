use crate::subject::Subject;
use crate::versions::{Version, Versions};
use crate::violation::ViolationKind;

/// Versions that replaced each other on demand, one after the other: nothing else can have been between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its first version; the others follow by `next`.
    pub(super) head: u32,
    /// The operation that ended first, and the one that began last, each with its version.
    pub(super) first: Moment,
    pub(super) last: Moment,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) time: u64,
    pub(super) at: u32,
    pub(super) version: u32,
}

/// What contradicts itself, and by which operations it can be shown.
pub(super) type Contradiction = (ViolationKind, Vec<u32>);

/// Divides the versions that were there into blocks, and sees whether each agrees with time. O(n).
///
/// Within a block the order of versions is known. It agrees with time unless an operation ended before one began that
/// belongs to an earlier version, or before its own version's write began: time orders operations transitively, so
/// any longer contradiction holds one of two operations.
pub(super) fn divide(
    subject: &Subject<'_>,
    versions: &Versions,
) -> Result<Vec<Block>, Contradiction> {
    let mut blocks = Vec::new();
    let mut visited = 0;
    for (head, version) in (0..).zip(&versions.all) {
        if version.is_seen && version.base.is_none() {
            let (block, length) = follow(subject, versions, head)?;
            blocks.extend(block);
            visited += length;
        }
    }
    let seen = versions
        .all
        .iter()
        .filter(|version| version.is_seen)
        .count();
    if visited < seen {
        return Err((ViolationKind::NoOrder, cycle(versions)));
    }
    Ok(blocks)
}

/// Walks a block from its head. `None` if no operation belongs to it.
fn follow(
    subject: &Subject<'_>,
    versions: &Versions,
    head: u32,
) -> Result<(Option<Block>, usize), Contradiction> {
    let mut block: Option<Block> = None;
    let mut length = 0;
    let mut next = Some(head);
    while let Some(number) = next {
        let version = &versions.all[number as usize];
        next = version.next;
        length += 1;
        let (Some(first), Some(last)) = (version.first, version.last) else {
            continue;
        };
        let moment = |(time, at)| Moment {
            time,
            at,
            version: number,
        };
        let (first, last) = (moment(first), moment(last));
        if let Some(write) = version.write
            && first.time < subject.step(write as usize).begun
        {
            return Err((ViolationKind::EarlyRead, vec![first.at, write]));
        }
        let Some(block) = &mut block else {
            block = Some(Block { head, first, last });
            continue;
        };
        if first.time < block.last.time {
            return Err(step_back(subject, versions, block.last, first));
        }
        if first.time < block.first.time {
            block.first = first;
        }
        if last.time > block.last.time {
            block.last = last;
        }
    }
    Ok((block, length))
}

/// `late` began after `early` had ended, but belongs to an earlier version.
fn step_back(
    subject: &Subject<'_>,
    versions: &Versions,
    late: Moment,
    early: Moment,
) -> Contradiction {
    let step = subject.step(late.at as usize);
    let others = subject.iter().map(|(_, step)| step);
    let mut writes = others.filter(|step| step.may_write() && step.is_ok());
    let kind = match () {
        () if !step.is_read() => ViolationKind::StaleWrite,
        () if writes.all(|write| write.ended < step.begun) => ViolationKind::WrongEnd,
        () => ViolationKind::StaleRead,
    };
    // Mostly the write that replaced it shows it alone, however long the chain has become since.
    let next = versions.all[late.version as usize].next;
    let replaced = next.and_then(|next| versions.all[next as usize].write);
    if let Some(write) = replaced
        && subject.step(write as usize).settled() < step.begun
    {
        return (kind, vec![late.at, write]);
    }
    let mut suspects = vec![late.at, early.at];
    suspects.extend(writes_between(versions, late.version, early.version));
    (kind, suspects)
}

/// The writes that lead from one version to a later one of its block, that of the first included.
pub(super) fn writes_between(versions: &Versions, from: u32, to: u32) -> Vec<u32> {
    let mut writes = Vec::new();
    let mut next = Some(to);
    while let Some(number) = next {
        let Version { write, base, .. } = versions.all[number as usize];
        writes.extend(write);
        next = base.filter(|_| number != from);
    }
    writes
}

/// Writes that replaced each other in a circle.
fn cycle(versions: &Versions) -> Vec<u32> {
    let mut in_path = vec![false; versions.all.len()];
    for (head, version) in versions.all.iter().enumerate() {
        if version.is_seen && version.base.is_none() {
            let mut next = Some(head);
            while let Some(number) = next {
                in_path[number] = true;
                next = versions.all[number].next.map(|next| next as usize);
            }
        }
    }
    let is_in_circle = |number: &usize| versions.all[*number].is_seen && !in_path[*number];
    let Some(start) = (0..versions.all.len()).find(is_in_circle) else {
        return Vec::new();
    };
    let mut writes = Vec::new();
    let mut number = start;
    loop {
        writes.extend(versions.all[number].write);
        match versions.all[number].base {
            Some(base) if base as usize != start => number = base as usize,
            _ => return writes,
        }
    }
}
