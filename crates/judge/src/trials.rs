mod mutation; // histories that may have gone wrong
mod reference; // the same question, asked of another's checker
mod simulation; // histories of a register that does as it should

use proptest::prelude::*;

use crate::history::{History, Operation};
use crate::judgement::{Method, Verdict};
use crate::rules::Rules;
use crate::search::{Found, Limit, Model, search};
use crate::subject::{Marks, Renamed, Subject};
use crate::trials::mutation::{mutate, random};
use crate::trials::reference::is_linearizable;
use crate::trials::simulation::{Shape, simulate};
use crate::whole::judge;
use crate::witness::Witnesses;

/// Enough for small histories.
const STEPS: u64 = 50_000;

fn judged(operations: &[Operation<'_>], rules: &Rules) -> (Verdict, Method) {
    let history: History = operations.iter().cloned().collect();
    let judgement = judge(&history, rules, &mut || false);
    (judgement.verdict, judgement.method)
}

/// By search alone, whatever else could judge it.
fn searched(operations: &[Operation<'_>], rules: &Rules) -> bool {
    with_subject(operations, rules, |subject| {
        let model = Model {
            identity: subject.identity,
            trusts_refusals: subject.trusts_refusals,
        };
        let found = search(subject.steps, model, &mut limit(&mut || false));
        !matches!(found, Found::NoOrder(_))
    })
}

fn with_subject<T>(
    operations: &[Operation<'_>],
    rules: &Rules,
    ask: impl FnOnce(&Subject<'_>) -> T,
) -> T {
    let history: History = operations.iter().cloned().collect();
    let names = history.names().len();
    let resource = &history.resources()[0];
    let mut renamed = Renamed::new(names);
    renamed.rename(&resource.steps);
    let mut marks = Marks::new(names);
    ask(&Subject::new(resource, &renamed.steps, rules, &mut marks))
}

fn limit(is_over: &mut dyn FnMut() -> bool) -> Limit<'_> {
    Limit {
        steps: STEPS,
        is_over,
    }
}

fn lines(operations: &[Operation<'_>]) -> String {
    let mut text = Vec::new();
    for operation in operations {
        crate::history::write(operation, &mut text).unwrap();
    }
    String::from_utf8(text).unwrap()
}

/// All methods that apply agree with each other and with the other checker; the witness is as small as can be.
fn agree(operations: &[Operation<'_>], rules: &Rules) -> Result<bool, TestCaseError> {
    let expected = is_linearizable(operations, rules);
    let (verdict, method) = judged(operations, rules);
    let told = lines(operations);
    prop_assert_eq!(
        verdict == Verdict::Linearizable,
        expected,
        "{:?} by {:?}\n{}",
        verdict,
        method,
        told
    );
    prop_assert_eq!(searched(operations, rules), expected, "by search\n{}", told);
    if let Verdict::Violation(violation) = verdict {
        let few: Vec<_> = violation
            .witness
            .iter()
            .map(|place| operations[*place].clone())
            .collect();
        let (alone, _) = judged(&few, rules);
        prop_assert!(
            matches!(alone, Verdict::Violation(_)),
            "{:?} alone is no violation\n{}of\n{}",
            violation,
            lines(&few),
            told
        );
        with_subject(operations, rules, |subject| {
            let witnesses = Witnesses::new(subject);
            for left_out in &violation.witness {
                let rest = violation.witness.iter().filter(|place| *place != left_out);
                let mut rest: Vec<u32> = rest.map(|place| u32::try_from(*place).unwrap()).collect();
                rest.sort_unstable();
                let still = witnesses.contradict(&rest, &mut limit(&mut || false));
                prop_assert!(!still, "{:?} needs no {}\n{}", violation, left_out, told);
            }
            Ok(())
        })?;
    }
    Ok(expected)
}

fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>()).prop_map(|(trusts_refusals, tags_are_unique)| Rules {
        trusts_refusals,
        tags_are_unique,
        steps: STEPS,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    #[test]
    fn what_a_register_did_is_linearizable(seed in any::<u64>(), size in 0..60_usize, rules in rules()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let shape = Shape::any(&mut random, &rules);
        let operations = simulate(&mut random, &shape, size);
        let (verdict, method) = judged(&operations, &rules);
        let is_fine = match verdict {
            Verdict::Linearizable => true,
            // Too many orders, where versions cannot be told apart.
            Verdict::Unknown { .. } => method == Method::Search,
            Verdict::Violation(_) => false,
        };
        prop_assert!(is_fine, "{:?} by {:?}, {:?}\n{}", verdict, method, shape, lines(&operations));
        if size > 0 {
            prop_assert!(searched(&operations, &rules), "by search, {:?}\n{}", shape, lines(&operations));
        }
    }

    #[test]
    fn mutated_histories_are_judged_as_by_another_checker(
        seed in any::<u64>(), size in 1..8_usize, rules in rules()
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let shape = Shape::any(&mut random, &rules);
        let mut operations = simulate(&mut random, &shape, size);
        for _ in 0..random.usize(0..3) {
            mutate(&mut operations, &mut random);
        }
        agree(&operations, &rules)?;
    }

    #[test]
    fn random_histories_are_judged_as_by_another_checker(
        seed in any::<u64>(), size in 1..6_usize, rules in rules()
    ) {
        let mut random_numbers = fastrand::Rng::with_seed(seed);
        let operations = random(&mut random_numbers, size);
        agree(&operations, &rules)?;
    }
}
