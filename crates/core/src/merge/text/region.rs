use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use similar::{MergeResolution, TextMerge};

use super::distance;

/// Where the result of one region comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Ours,
    Theirs,
    Conflict,
}

/// Ranges of base, ours and theirs that correspond to each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) source: Source,
    pub(super) ranges: [Range<usize>; 3],
}

/// The largest number of pieces that are compared, counted over the three sides without what all
/// have in common at both ends.
const MAX_PIECES: usize = 1 << 20;

/// Up to this many pieces are compared without estimating the distance of the sides first.
const FEW_PIECES: usize = 1 << 12;

/// The largest number of edits that are located, estimated over both sides: that takes quadratic
/// time.
const MAX_EDITS: usize = 1 << 13;

/// Merges three sequences of lines or words; `None` if that would take long.
///
/// The limits are numbers of pieces and edits, never time, so a merge has the same result
/// everywhere.
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

/// How many pieces are the same at the start of all three.
fn common<'t>([base, ours, theirs]: [impl Iterator<Item = &'t &'t str>; 3]) -> usize {
    let pieces = base.zip(ours).zip(theirs);
    pieces
        .take_while(|((base, ours), theirs)| base == ours && base == theirs)
        .count()
}

/// A number for each piece; equal pieces have the same number.
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
    // The merge works on lines of text: each piece becomes a line with its number.
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
