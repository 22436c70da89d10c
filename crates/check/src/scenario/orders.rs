/// In how many orders the steps of several actors can be taken, if each keeps its own order: the
/// multinomial of how many steps they have. `None` if that is more than can be counted.
pub(super) fn count(lengths: &[usize]) -> Option<u128> {
    let mut total: u128 = 0;
    let mut orders: u128 = 1;
    for length in lengths {
        for taken in 1..=*length {
            total = total.checked_add(1)?;
            // Exact at every step: it is a binomial of `total` times what was before.
            orders = orders.checked_mul(total)? / taken as u128;
        }
    }
    Some(orders)
}

/// At most `max` of the orders, evenly spread over all of them. Each tells whose step is next.
pub(super) fn orders(lengths: &[usize], max: u32) -> Vec<Vec<usize>> {
    let Some(all) = count(lengths) else {
        return Vec::new();
    };
    let taken = all.min(u128::from(max));
    let rank = |at: u128| match all.checked_mul(at) {
        Some(scaled) => scaled / taken,
        None => all / taken * at,
    };
    (0..taken).map(|at| order(lengths, rank(at))).collect()
}

/// The order at a rank, counted from 0, in the order of a dictionary.
fn order(lengths: &[usize], mut rank: u128) -> Vec<usize> {
    let mut left = lengths.to_vec();
    let mut order = Vec::new();
    while left.iter().any(|it| *it > 0) {
        for actor in 0..left.len() {
            if left[actor] == 0 {
                continue;
            }
            left[actor] -= 1;
            let after = count(&left).unwrap_or(u128::MAX);
            if rank < after {
                order.push(actor);
                break;
            }
            rank -= after;
            left[actor] += 1;
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_are_counted() {
        let cases = [
            // (steps of each actor, orders)
            (vec![], 1),
            (vec![3], 1),
            (vec![1, 1], 2),
            (vec![2, 2], 6),
            (vec![3, 3], 20),
            (vec![1, 1, 1], 6),
            (vec![2, 2, 2], 90),
            (vec![4, 3, 2, 1], 12_600),
        ];
        for (lengths, number) in cases {
            assert_eq!(count(&lengths), Some(number), "{lengths:?}");
        }
        assert_eq!(count(&[100, 100, 100]), None);
    }

    #[test]
    fn every_order_is_named_in_the_order_of_a_dictionary() {
        let found = orders(&[2, 1], 10);
        assert_eq!(found, [[0, 0, 1], [0, 1, 0], [1, 0, 0]]);
    }

    proptest! {
        #[test]
        fn orders_differ_and_have_all_steps(
            lengths in proptest::collection::vec(0usize..4, 1..4),
            max in 1u32..40,
        ) {
            let found = orders(&lengths, max);
            let all = count(&lengths).unwrap();
            prop_assert_eq!(found.len() as u128, all.min(u128::from(max)));
            let distinct: BTreeSet<_> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
            for order in &found {
                for (actor, length) in lengths.iter().enumerate() {
                    prop_assert_eq!(order.iter().filter(|it| **it == actor).count(), *length);
                }
            }
        }
    }
}
