//! Median, spread, ratio.

/// A median, and what it lies between.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// `None` of no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Spread {
            median: median_of_sorted(&values)?,
            min: *values.first()?,
            max: *values.last()?,
        })
    }

    /// The ratio of runs in the same turn, so that what slows the machine for a while slows both sides of it.
    pub(crate) fn of_ratios(values: &[f64], to: &[f64]) -> Option<Spread> {
        let pairs = values.iter().zip(to);
        Spread::of(
            pairs
                .filter(|&(_, &to)| to > 0.0)
                .map(|(value, to)| value / to),
        )
    }

    pub(crate) fn one(value: f64) -> Spread {
        Spread {
            median: value,
            min: value,
            max: value,
        }
    }
}

fn median_of_sorted(values: &[f64]) -> Option<f64> {
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        (values[middle - 1] + upper) / 2.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_spread() {
        let cases: [(&[f64], _); 5] = [
            (&[], None),
            (&[4.0], Some((4.0, 4.0, 4.0))),
            (&[3.0, 1.0], Some((2.0, 1.0, 3.0))),
            (&[9.0, 1.0, 2.0], Some((2.0, 1.0, 9.0))),
            (&[4.0, 1.0, 3.0, 2.0], Some((2.5, 1.0, 4.0))),
        ];
        for (values, expected) in cases {
            let spread = Spread::of(values.iter().copied());
            assert_eq!(
                spread.map(|s| (s.median, s.min, s.max)),
                expected,
                "{values:?}"
            );
        }
    }

    #[test]
    fn ratios_are_taken_turn_by_turn() {
        // In the second turn the machine was half as fast: the ratio does not notice.
        let ratio = Spread::of_ratios(&[60.0, 30.0, 66.0], &[100.0, 50.0, 100.0]);
        let expected = Spread {
            median: 0.6,
            min: 0.6,
            max: 0.66,
        };
        assert_eq!(ratio, Some(expected));
    }

    #[test]
    fn a_ratio_to_nothing_is_none() {
        assert_eq!(Spread::of_ratios(&[1.0], &[0.0]), None);
        assert_eq!(Spread::of_ratios(&[1.0], &[]), None);
    }
}
