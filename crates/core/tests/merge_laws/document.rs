//! Documents in which every strategy has a place, and edits of them that often conflict.

use detente_core::json::{Object, Value, parse};
use detente_core::merge::{Strategies, Strategy};

use crate::dice::Dice;
use crate::prose;

/// What a member of the document contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Free,
    Whole,
    Pair,
    Scalar,
    Text,
    Set,
    List,
    Counter,
    Number,
    Time,
    Log,
}

/// Name, kind and strategy of each member. Both members of a pair stand for one place of edits.
pub(crate) const MEMBERS: [(&str, Kind, &str); 16] = [
    ("free", Kind::Free, "manual"),
    ("more", Kind::Scalar, "manual"),
    ("whole", Kind::Whole, "atomic"),
    ("start", Kind::Pair, "group"),
    ("last", Kind::Scalar, "last-writer"),
    ("first", Kind::Scalar, "first-writer"),
    ("text", Kind::Text, "text"),
    ("tags", Kind::Set, "set"),
    ("list", Kind::List, "keyed-list"),
    ("count", Kind::Counter, "counter"),
    ("best", Kind::Number, "max"),
    ("worst", Kind::Number, "min"),
    ("latest", Kind::Time, "max"),
    ("earliest", Kind::Time, "min"),
    ("log", Kind::Log, "append"),
    ("sum", Kind::Scalar, "derived"),
];

/// The text, the set and the list, which have the most cases.
const OFTEN: [usize; 3] = [6, 7, 8];

/// The strategies of all members except those named.
pub(crate) fn strategies_without(names: &[&str]) -> Strategies {
    let mut strategies = Strategies::default();
    let mut declare = |place: &str, strategy: Strategy| {
        if !names.contains(&strategy.name()) {
            strategies.set(&place.parse().unwrap(), strategy);
        }
    };
    declare("/whole", Strategy::Atomic);
    declare("/start", Strategy::Group(vec!["/end".parse().unwrap()]));
    declare("/last", Strategy::LastWriter);
    declare("/first", Strategy::FirstWriter);
    declare("/text", Strategy::Text);
    declare("/tags", Strategy::Set);
    let key = "/id".parse().unwrap();
    declare("/list", Strategy::KeyedList { key });
    declare("/list/*/n", Strategy::Counter);
    declare("/list/*/tags", Strategy::Set);
    declare("/count", Strategy::Counter);
    declare("/best", Strategy::Max);
    declare("/worst", Strategy::Min);
    declare("/latest", Strategy::Max);
    declare("/earliest", Strategy::Min);
    declare("/log", Strategy::Append);
    declare("/sum", Strategy::Derived);
    strategies
}

pub(crate) fn json(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"))
}

/// A document with most of the members.
pub(crate) fn document(seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let mut members = Object::new();
    for (name, kind, _) in MEMBERS {
        if !dice.once_in(6) {
            put(&mut members, name, Some(value(kind, &mut dice)));
        }
        if kind == Kind::Pair && !dice.once_in(6) {
            put(&mut members, "end", Some(value(kind, &mut dice)));
        }
    }
    Value::Object(members)
}

/// Edits the members that the seeds select, of those that `may` allows.
pub(crate) fn edited(document: &Value, edits: &[u64], may: impl Fn(usize) -> bool) -> Value {
    let mut members = document.as_object().unwrap().clone();
    for seed in edits {
        let mut dice = Dice::new(*seed);
        let index = if dice.once_in(3) {
            dice.pick(&OFTEN)
        } else {
            dice.roll(MEMBERS.len())
        };
        if !may(index) {
            continue;
        }
        let (name, kind, _) = MEMBERS[index];
        let name = if kind == Kind::Pair && dice.once_in(2) {
            "end"
        } else {
            name
        };
        let changed = change(kind, members.get(name), &mut dice);
        put(&mut members, name, changed);
    }
    Value::Object(members)
}

fn put(members: &mut Object, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value)),
        None => drop(members.shift_remove(name)),
    }
}

fn change(kind: Kind, before: Option<&Value>, dice: &mut Dice) -> Option<Value> {
    if dice.once_in(12) {
        return None;
    }
    if dice.once_in(30) {
        return Some(scalar(dice));
    }
    Some(match (kind, before) {
        (Kind::Free | Kind::Whole, Some(Value::Object(members))) => {
            let mut members = members.clone();
            let name = dice.pick(&NAMES);
            let inner = if kind == Kind::Free && dice.once_in(2) {
                Kind::Free
            } else {
                Kind::Scalar
            };
            let changed = change(inner, members.get(name), dice);
            put(&mut members, name, changed);
            Value::Object(members)
        }
        (Kind::Text, Some(Value::String(text))) => prose::edited(text, dice).into(),
        (Kind::Set | Kind::Log, Some(Value::Array(items))) => {
            let mut items = items.clone();
            let at = dice.roll(items.len() + 1);
            match dice.roll(4) {
                0 if at < items.len() => drop(items.remove(at)),
                1 if kind == Kind::Set => items.insert(at, element(dice)),
                _ => items.push(element(dice)),
            }
            Value::Array(items)
        }
        (Kind::List, Some(Value::Array(items))) => Value::Array(list_edited(items, dice)),
        (kind, _) => value(kind, dice),
    })
}

const NAMES: [&str; 5] = ["a", "b", "a/b", "~", ""];

fn value(kind: Kind, dice: &mut Dice) -> Value {
    match kind {
        Kind::Free | Kind::Whole => {
            let mut members = Object::new();
            for name in NAMES {
                if dice.once_in(2) {
                    let inner = if dice.once_in(4) {
                        Kind::Free
                    } else {
                        Kind::Scalar
                    };
                    put(&mut members, name, Some(value(inner, dice)));
                }
            }
            Value::Object(members)
        }
        Kind::Pair | Kind::Scalar => scalar(dice),
        Kind::Text => prose::text(dice).into(),
        Kind::Set | Kind::Log => {
            let count = dice.roll(4);
            Value::Array((0..count).map(|_| element(dice)).collect())
        }
        Kind::List => {
            let mut items = Vec::new();
            for _ in 0..dice.roll(5) {
                items = inserted(&items, dice);
            }
            Value::Array(items)
        }
        Kind::Counter | Kind::Number => {
            json(dice.pick(&["0", "1", "1.0", "2.5", "-3", "1e2", "9007199254740993"]))
        }
        Kind::Time => json(dice.pick(&[
            r#""2026-11-22T10:00:00Z""#,
            r#""2026-11-22T11:00:00+01:00""#,
            r#""2026-11-22T10:00:00.25Z""#,
            r#""2025-02-28T23:59:59-08:00""#,
        ])),
    }
}

fn scalar(dice: &mut Dice) -> Value {
    json(dice.pick(&[
        "null", "true", "0", "1", "1.0", r#""x""#, r#""y""#, "[]", "[1]", "{}",
    ]))
}

fn element(dice: &mut Dice) -> Value {
    json(dice.pick(&[
        "1",
        "1.0",
        "2",
        r#""1""#,
        r#""x""#,
        r#"{"a":1,"b":2}"#,
        r#"{"b":2,"a":1}"#,
    ]))
}

fn list_edited(items: &[Value], dice: &mut Dice) -> Vec<Value> {
    let mut items = items.to_vec();
    if items.is_empty() || dice.once_in(3) {
        return inserted(&items, dice);
    }
    let at = dice.roll(items.len());
    match dice.roll(12) {
        0 | 1 => drop(items.remove(at)),
        2..=5 => {
            let item = items.remove(at);
            items.insert(dice.roll(items.len() + 1), item);
        }
        6 if dice.once_in(2) => items.push(items[at].clone()),
        _ => {
            let (name, kind) = dice.pick(&[
                ("n", Kind::Counter),
                ("tags", Kind::Set),
                ("title", Kind::Scalar),
                ("body", Kind::Free),
            ]);
            if let Value::Object(members) = &mut items[at] {
                let changed = change(kind, members.get(name), dice);
                put(members, name, changed);
            }
        }
    }
    items
}

/// Adds an element with an unused key, if one is left.
fn inserted(items: &[Value], dice: &mut Dice) -> Vec<Value> {
    let mut items = items.to_vec();
    let id = json(dice.pick(&[
        r#""a""#, r#""b""#, r#""c""#, r#""d/e""#, "1", r#""1""#, "null",
    ]));
    if items.iter().all(|item| item.get("id") != Some(&id)) {
        let mut members = Object::new();
        put(&mut members, "id", Some(id));
        if dice.once_in(2) {
            put(&mut members, "title", Some(scalar(dice)));
            put(&mut members, "n", Some(value(Kind::Counter, dice)));
        }
        let at = dice.roll(items.len() + 1);
        items.insert(at, Value::Object(members));
    }
    items
}

/// The same document with all members in reverse order.
pub(crate) fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().rev();
            let members = members.map(|(name, value)| (name.clone(), reversed(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        scalar => scalar.clone(),
    }
}
