use std::sync::{Arc, LazyLock};

use detente_core::json::{Pointer, Value};
use detente_core::merge::{Strategies, Strategy};
use detente_core::rules::{Access, Check, Expression, Lifecycle, Rules, Unique};
use detente_core::{CollectionRules, Keep, Key, Unconditional};

use crate::access::{of_letters, of_orders};
use crate::dice::Dice;

/// How many documents a collection may have: few, so that writers meet.
pub(crate) const DOCUMENTS: usize = 4;

/// The states of an order, and those that may follow each.
const STATES: [(&str, &[&str]); 4] = [
    ("draft", &["paid", "cancelled"]),
    ("paid", &["shipped", "cancelled"]),
    ("shipped", &[]),
    ("cancelled", &["draft"]),
];

/// Has a unique key, a lifecycle and rules, also for who may do what; may be overwritten without a
/// condition.
static ORDERS: LazyLock<Arc<CollectionRules>> = LazyLock::new(|| {
    let check = |name: &str, when: Option<&str>, check: &str| Check {
        name: name.into(),
        when: when.map(|when| Expression::compile(when).unwrap()),
        check: Expression::compile(check).unwrap(),
        message: None,
    };
    let rules = Rules {
        unique: vec![Unique {
            name: "slot".into(),
            fields: vec![place("/slot")],
            ignore_case: false,
            normalize: false,
            condition: None,
            error: None,
            message: None,
        }],
        lifecycle: Some(Lifecycle {
            field: place("/state"),
            initial: vec!["draft".into()],
            states: STATES
                .into_iter()
                .map(|(state, next)| (state.into(), next.iter().map(|it| (*it).into()).collect()))
                .collect(),
        }),
        checks: vec![
            check("OutOfStock", None, "self.stock >= 0"),
            check("Span", None, "self.from <= self.to"),
            check(
                "Frozen",
                Some("oldSelf.state == 'shipped'"),
                "self.note == oldSelf.note",
            ),
        ],
        access: of_orders(),
        ..Rules::default()
    };
    Arc::new(CollectionRules {
        rules,
        unconditional: Unconditional::Allow,
        history: None,
    })
});

/// Has merge strategies, and no rules; keeps so many versions. More than lie between two milestones,
/// so that it shows whether they are counted.
static NOTES: LazyLock<Arc<CollectionRules>> = LazyLock::new(|| {
    let keep = Keep {
        versions: 70,
        age_ms: 0,
    };
    written_by_many(keep, Access::default())
});

/// Likewise, but has rules for who may do what, and keeps what was current lately.
static LETTERS: LazyLock<Arc<CollectionRules>> = LazyLock::new(|| {
    let keep = Keep {
        versions: 1,
        age_ms: 25 * 60 * 1000,
    };
    written_by_many(keep, of_letters())
});

fn written_by_many(keep: Keep, access: Access) -> Arc<CollectionRules> {
    let mut strategies = Strategies::default();
    strategies.set(&place("/count"), Strategy::Counter);
    strategies.set(&place("/tags"), Strategy::Set);
    Arc::new(CollectionRules {
        rules: Rules {
            strategies,
            access,
            ..Rules::default()
        },
        unconditional: Unconditional::Reject,
        history: Some(keep),
    })
}

pub(crate) fn place(text: &str) -> Pointer {
    text.parse().expect("a pointer of this test")
}

pub(crate) fn rules_of(key: &Key) -> Arc<CollectionRules> {
    Arc::clone(match key.collection() {
        "orders" => &ORDERS,
        "letters" => &LETTERS,
        _ => &NOTES,
    })
}

pub(crate) fn is_order(key: &Key) -> bool {
    key.collection() == "orders"
}

pub(crate) fn is_letter(key: &Key) -> bool {
    key.collection() == "letters"
}

/// All keys that are written to.
pub(crate) fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let key = |collection: &str, id: usize| Key::new("default", collection, &id.to_string());
        [("notes", DOCUMENTS), ("orders", DOCUMENTS), ("letters", 1)]
            .into_iter()
            .flat_map(|(collection, count)| (1..=count).map(move |id| key(collection, id).unwrap()))
            .collect()
    });
    &KEYS
}

/// One whose history may be cut: by the count of its versions, or by their age.
pub(crate) fn forgetful_key(dice: &mut Dice) -> &'static [Key] {
    let (first, last) = (&keys()[..1], &keys()[keys().len() - 1..]);
    if dice.one_in(2) { first } else { last }
}

/// The rules of orders once more, in plain words: the one that forbids the step from `old` to `new`.
pub(crate) fn forbidding_rule(
    key: &Key,
    old: Option<&Value>,
    new: Option<&Value>,
    is_restored: bool,
) -> Option<&'static str> {
    let new = new.filter(|_| is_order(key))?;
    if integer(new, "stock").is_none_or(|stock| stock < 0) {
        return Some("OutOfStock");
    }
    let (from, to) = (integer(new, "from"), integer(new, "to"));
    if from.zip(to).is_none_or(|(from, to)| from > to) {
        return Some("Span");
    }
    let state = |document: Option<&Value>| document?.get("state")?.as_str().map(str::to_owned);
    let (was, is) = (state(old), state(Some(new)));
    if was.as_deref() == Some("shipped") && new.get("note") != old?.get("note") {
        return Some("Frozen");
    }
    let is_declared = |state: &str| STATES.iter().any(|(it, _)| *it == state);
    let goes = match (old, was.as_deref(), is.as_deref()) {
        _ if is_restored => true,
        (None, _, is) => is == Some("draft"),
        (Some(_), was, Some(is)) if was == Some(is) => true,
        (Some(_), Some(was), Some(is)) if is_declared(was) => follows(was, is),
        // A state that nobody declares may be left for any that is declared.
        (Some(_), _, is) => is.is_some_and(is_declared),
    };
    (!goes).then_some("lifecycle")
}

fn follows(was: &str, is: &str) -> bool {
    let row = STATES.iter().find(|(state, _)| *state == was);
    row.is_some_and(|(_, next)| next.contains(&is))
}

/// The unique key of a document.
pub(crate) fn slot<'a>(key: &Key, document: &'a Value) -> Option<&'a Value> {
    document.get("slot").filter(|_| is_order(key))
}

pub(crate) fn integer(document: &Value, name: &str) -> Option<i64> {
    match document.get(name)? {
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}
