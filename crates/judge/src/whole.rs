use crate::blocks::{Contradiction, divide};
use crate::explanation;
use crate::history::{History, Kind, Step};
use crate::judgement::{Judgement, Method, Verdict};
use crate::rules::Rules;
use crate::search::{Found, Limit, Model, search};
use crate::subject::{Marks, Renamed, Subject};
use crate::versions::{Resolution, Versions, number};
use crate::violation::{Violation, ViolationKind};
use crate::witness::Witnesses;
use crate::zones::arrange;

/// How many steps may be taken to make a witness small.
const STEPS_OF_WITNESS: u64 = 5_000_000;

/// Judges a history that is whole. `is_over` is asked now and then whether the time for searching is used up.
///
/// ```
/// use detente_judge::history::History;
/// use detente_judge::{Rules, Verdict, judge};
///
/// let lost = br#"
/// {"actor":"a","key":"k","kind":"compare-and-set","begun":0,"ended":9,"outcome":"ok","base":"1","value":"x","tag":"2"}
/// {"actor":"b","key":"k","kind":"compare-and-set","begun":1,"ended":8,"outcome":"ok","base":"1","value":"y","tag":"3"}
/// "#;
/// let history = History::read(lost.as_slice())?;
/// let judgement = judge(&history, &Rules::default(), &mut || false);
/// let Verdict::Violation(violation) = judgement.verdict else { panic!() };
/// assert_eq!(violation.kind.name(), "lost update");
/// assert_eq!(violation.witness, [0, 1]);
/// # Ok::<(), detente_judge::history::ReadError>(())
/// ```
pub fn judge(history: &History, rules: &Rules, is_over: &mut dyn FnMut() -> bool) -> Judgement {
    let mut judgement = Judgement {
        verdict: Verdict::Linearizable,
        method: Method::Chain,
        operations: history.len(),
        keys: history.resources().len(),
    };
    let mut limit = Limit {
        steps: rules.steps,
        is_over,
    };
    // The same memory for each resource: what is fresh must be cleared first, and is in no cache.
    let mut renamed = Renamed::new(history.names().len());
    let (mut values, mut tags) = (Marks::new(0), Marks::new(0));
    let mut versions = Versions::default();
    for resource in history.resources() {
        renamed.rename(&resource.steps);
        values.reserve(renamed.names);
        tags.reserve(renamed.names);
        let subject = Subject::new(resource, &renamed.steps, rules, &mut values);
        let (method, found) = examine(
            &subject,
            &mut versions,
            (&mut values, &mut tags),
            &mut limit,
        );
        judgement.method = judgement.method.max(method);
        match found {
            Examined::Fine => {}
            Examined::Violated(contradiction) => {
                let violation = describe(history, &subject, contradiction, limit.is_over);
                judgement.verdict = Verdict::Violation(violation);
                judgement.method = method;
                break;
            }
            Examined::Unknown => {
                let key = history.names().text(subject.step(0).key);
                let reason = format!("the search for an order of {key} came to its limit");
                judgement.verdict = Verdict::Unknown { reason };
            }
        }
    }
    judgement
}

enum Examined {
    Fine,
    Violated(Contradiction),
    Unknown,
}

fn examine(
    subject: &Subject<'_>,
    versions: &mut Versions,
    (values, tags): (&mut Marks, &mut Marks),
    limit: &mut Limit<'_>,
) -> (Method, Examined) {
    match versions.resolve(subject, values, tags) {
        Resolution::Resolved => {}
        Resolution::Contradiction(kind, suspects) => {
            return (method(subject), Examined::Violated((kind, suspects)));
        }
        Resolution::Ambiguous => return (Method::Search, examine_orders(subject, limit)),
    }
    let arranged = divide(subject, versions).and_then(|blocks| arrange(versions, &blocks));
    let found = arranged.map_or_else(Examined::Violated, |()| Examined::Fine);
    (method(subject), found)
}

/// The method by which versions that are told apart were judged.
fn method(subject: &Subject<'_>) -> Method {
    let mut writes = subject.iter().filter(|(_, step)| step.may_write());
    let demands = |(_, step): (usize, &Step)| {
        step.base.is_some() || step.expected.is_some() || step.kind == Kind::Create
    };
    if writes.all(demands) {
        Method::Chain
    } else {
        Method::Register
    }
}

fn examine_orders(subject: &Subject<'_>, limit: &mut Limit<'_>) -> Examined {
    let model = Model {
        identity: subject.identity,
        trusts_refusals: subject.trusts_refusals,
    };
    match search(subject.steps, model, limit) {
        Found::Order => Examined::Fine,
        Found::NoOrder(suspects) => {
            let suspects = suspects.into_iter().map(number);
            Examined::Violated((ViolationKind::NoOrder, suspects.collect()))
        }
        Found::Nothing => Examined::Unknown,
    }
}

fn describe(
    history: &History,
    subject: &Subject<'_>,
    (kind, suspects): Contradiction,
    is_over: &mut dyn FnMut() -> bool,
) -> Violation {
    let mut limit = Limit {
        steps: STEPS_OF_WITNESS,
        is_over,
    };
    let few = Witnesses::new(subject).smallest(&suspects, &mut limit);
    let mut witness: Vec<usize> = few
        .iter()
        .map(|at| subject.places[*at as usize] as usize)
        .collect();
    witness.sort_by_key(|place| (history.step(*place).begun, *place));
    let steps: Vec<_> = witness.iter().map(|place| *history.step(*place)).collect();
    let kind = explanation::classify(&steps, kind, subject);
    Violation {
        kind,
        key: history.names().text(subject.step(0).key).to_owned(),
        explanation: explanation::explain(kind, &steps, history.names()),
        witness,
    }
}
