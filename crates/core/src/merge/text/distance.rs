use std::collections::HashSet;

/// The largest distance that is measured.
const MAX_DISTANCE: usize = 1 << 12;

/// The search stops after this many comparisons, which repeated pieces can cause.
const MAX_STEPS: usize = 1 << 24;

/// An upper bound of the number of places in which two sequences differ; `None` if finding it would
/// take long.
///
/// A piece that only one of them has certainly differs. The distance of the rest determines what
/// the search for common pieces will cost, so it is worth knowing in advance.
pub(super) fn estimate(base: &[usize], side: &[usize]) -> Option<usize> {
    let (in_base, in_side) = (set(base), set(side));
    let (base, base_gaps) = shared(base, &in_side);
    let (side, side_gaps) = shared(side, &in_base);
    Some(base_gaps + side_gaps + distance(&base, &side)?)
}

fn set(pieces: &[usize]) -> HashSet<usize> {
    pieces.iter().copied().collect()
}

/// The pieces that the other has too, and the number of places that had others.
fn shared(pieces: &[usize], others: &HashSet<usize>) -> (Vec<usize>, usize) {
    let mut shared = Vec::with_capacity(pieces.len());
    let mut gaps = 0;
    let mut in_gap = false;
    for piece in pieces {
        let is_shared = others.contains(piece);
        if is_shared {
            shared.push(*piece);
        }
        gaps += usize::from(!is_shared && !in_gap);
        in_gap = !is_shared;
    }
    (shared, gaps)
}

/// The length of the shortest edit script (E. W. Myers, "An O(ND) Difference Algorithm and Its
/// Variations", 1986, figure 2).
fn distance(base: &[usize], side: &[usize]) -> Option<usize> {
    // How far each diagonal was followed; the one with equal indexes in `base` and `side` is in the
    // middle.
    const MIDDLE: usize = MAX_DISTANCE + 1;
    let mut reached = vec![0; 2 * MIDDLE + 1];
    let mut steps = 0;
    for distance in 0..=MAX_DISTANCE {
        for diagonal in (MIDDLE - distance..=MIDDLE + distance).step_by(2) {
            let (below, above) = (reached[diagonal - 1], reached[diagonal + 1]);
            let is_lowest = diagonal == MIDDLE - distance;
            let is_highest = diagonal == MIDDLE + distance;
            let mut at = if is_lowest || !is_highest && below < above {
                above
            } else {
                below + 1
            };
            let other = at + MIDDLE - diagonal;
            let (rest, other_rest) = (base.get(at..), side.get(other..));
            let run = run(rest.unwrap_or_default(), other_rest.unwrap_or_default());
            steps += run + 1;
            at += run;
            reached[diagonal] = at;
            if at >= base.len() && other + run >= side.len() {
                return Some(distance);
            }
        }
        if steps > MAX_STEPS {
            return None;
        }
    }
    None
}

fn run(base: &[usize], side: &[usize]) -> usize {
    let pairs = base.iter().zip(side);
    pairs.take_while(|(base, side)| base == side).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn estimates() {
        let long: Vec<_> = (0..5000).collect();
        let cases: [(&[usize], &[usize], Option<usize>); 7] = [
            (&[], &[], Some(0)),
            (&[1, 2, 3], &[1, 2, 3], Some(0)),
            (&[1, 2, 3], &[], Some(1)),
            (&[1, 2, 3], &[1, 9, 3], Some(2)),
            (&[1, 2], &[2, 1], Some(2)),
            (&[1, 2, 3, 4], &[8, 1, 9, 9, 3, 4], Some(3)),
            (&long, &long[1..], Some(1)),
        ];
        for (base, side, expected) in cases {
            assert_eq!(estimate(base, side), expected, "{base:?} {side:?}");
        }
        let reversed: Vec<_> = long.iter().rev().copied().collect();
        assert_eq!(estimate(&long, &reversed), None);
    }

    /// The textbook's table, one row at a time.
    fn by_table(base: &[usize], side: &[usize]) -> usize {
        let mut row: Vec<usize> = (0..=side.len()).collect();
        for (index, piece) in base.iter().enumerate() {
            let mut corner = row[0];
            row[0] = index + 1;
            for (column, other) in side.iter().enumerate() {
                let best = row[column].min(row[column + 1]) + 1;
                let best = if piece == other { corner } else { best };
                corner = row[column + 1];
                row[column + 1] = best;
            }
        }
        row[side.len()]
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_textbook(
            base in prop::collection::vec(0..4usize, 0..30),
            side in prop::collection::vec(0..4usize, 0..30),
        ) {
            prop_assert_eq!(distance(&base, &side), Some(by_table(&base, &side)));
        }
    }
}
