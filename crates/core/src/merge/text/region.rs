use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use similar::{MergeResolution, TextMerge};

use super::distance;

/// What the merge of one stretch is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Ours,
    Theirs,
    Conflict,
}

/// A stretch of base, ours and theirs that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) source: Source,
    pub(super) ranges: [Range<usize>; 3],
}

/// More pieces than this, counted over the three sides without what all have at either end, are not
/// compared.
const MAX_PIECES: usize = 1 << 20;

/// So few are compared without a look at how far apart the sides are.
const FEW_PIECES: usize = 1 << 12;

/// More edits than this, estimated over both sides, are not placed: that takes quadratic time.
const MAX_EDITS: usize = 1 << 13;

/// Merges three sequences of pieces, lines or words; `None` if that would take long.
///
/// The bounds are numbers of pieces and edits, never time: a merge comes to the same everywhere.
pub(super) fn regions(sides: [&[&str]; 3]) -> Option<Vec<Region>> {
    let head = common(sides.map(|side| side.iter()));
    let rests = sides.map(|side| &side[head..]);
    let tail = common(rests.map(|side| side.iter().rev()));
    let middles = rests.map(|side| &side[..side.len() - tail]);

    let mut regions = vec![];
    if head > 0 {
        regions.push(Region {
            source: Source::Theirs,
            ranges: [0..head, 0..head, 0..head],
        });
    }
    for mut region in middle_regions(&numbered(middles))? {
        for range in &mut region.ranges {
            *range = range.start + head..range.end + head;
        }
        regions.push(region);
    }
    if tail > 0 {
        let end = |side: &[&str]| side.len() - tail..side.len();
        regions.push(Region {
            source: Source::Theirs,
            ranges: sides.map(end),
        });
    }
    Some(regions)
}

/// How many pieces all three begin with.
fn common<'t>([base, ours, theirs]: [impl Iterator<Item = &'t &'t str>; 3]) -> usize {
    let pieces = base.zip(ours).zip(theirs);
    pieces
        .take_while(|((base, ours), theirs)| base == ours && base == theirs)
        .count()
}

/// A number for each piece, the same for equal ones.
fn numbered<'t>(sides: [&[&'t str]; 3]) -> [Vec<usize>; 3] {
    let mut numbers = HashMap::new();
    sides.map(|side| {
        let number = |piece: &&'t str| {
            let next = numbers.len();
            *numbers.entry(*piece).or_insert(next)
        };
        side.iter().map(number).collect()
    })
}

fn middle_regions(sides: &[Vec<usize>; 3]) -> Option<Vec<Region>> {
    let pieces: usize = sides.iter().map(Vec::len).sum();
    let [base, ours, theirs] = sides;
    if pieces > MAX_PIECES {
        return None;
    }
    if pieces > FEW_PIECES {
        let edits = distance::estimate(base, ours)? + distance::estimate(base, theirs)?;
        if edits > MAX_EDITS {
            return None;
        }
    }
    // The merge takes lines of text: a piece is the line of its number, whatever it holds itself.
    let [base, ours, theirs] = sides.each_ref().map(|side| {
        side.iter().fold(String::new(), |mut text, number| {
            let _ = writeln!(text, "{number}");
            text
        })
    });
    let merge = TextMerge::from_lines(&base, &ours, &theirs);
    let region = |found: &similar::MergeRegion| Region {
        source: match found.resolution() {
            MergeResolution::Ours => Source::Ours,
            MergeResolution::Conflict => Source::Conflict,
            _ => Source::Theirs,
        },
        ranges: [found.base_range(), found.ours_range(), found.theirs_range()],
    };
    Some(merge.regions().iter().map(region).collect())
}
