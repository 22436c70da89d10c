use std::borrow::Cow;

use fastrand::Rng;

use crate::history::{Kind, Operation, Outcome};

type Text = Option<Cow<'static, str>>;

/// Changes one thing at random; what comes of it is well formed.
pub(super) fn mutate(operations: &mut Vec<Operation<'static>>, random: &mut Rng) {
    let at = random.usize(0..operations.len());
    let other = operations[random.usize(0..operations.len())].clone();
    match random.u8(0..7) {
        0 => {
            let (begun, took) = (random.u64(0..30), random.u64(0..4));
            operations[at].begun = begun;
            operations[at].ended = operations[at].ended.map(|_| begun + took);
        }
        1 => replace(&mut operations[at].tag, &[other.tag, other.base]),
        2 => replace(&mut operations[at].value, &[other.value, other.expected]),
        3 => replace(&mut operations[at].base, &[other.base, other.tag]),
        4 => replace(&mut operations[at].expected, &[other.expected, other.value]),
        5 if operations.len() > 1 => {
            operations.remove(at);
        }
        _ => {
            let operation = &mut operations[at];
            if operation.outcome == Outcome::Refused {
                operation.outcome = Outcome::Ok;
            }
        }
    }
}

fn replace(of: &mut Text, by: &[Text]) {
    if let (Some(text), Some(other)) = (of, by.iter().flatten().next()) {
        *text = other.clone();
    }
}

/// A small history of anything at all.
pub(super) fn random(random: &mut Rng, size: usize) -> Vec<Operation<'static>> {
    let names = 2 + random.usize(0..3);
    let values_differ = random.bool();
    let has_tags = random.bool();
    let few_kinds = random.bool();
    (0..size)
        .map(|number| operation(random, number, names, values_differ, has_tags, few_kinds))
        .collect()
}

fn operation(
    random: &mut Rng,
    number: usize,
    names: usize,
    values_differ: bool,
    has_tags: bool,
    few_kinds: bool,
) -> Operation<'static> {
    let kinds = if few_kinds { 3 } else { Kind::ALL.len() };
    let kind = Kind::ALL[random.usize(0..kinds)].1;
    let is_read = kind == Kind::Read;
    let outcome = match random.u8(0..10) {
        0 if !is_read => Outcome::Unknown,
        1 if !is_read => Outcome::Refused,
        _ => Outcome::Ok,
    };
    let begun = random.u64(0..12);
    let mut any = |letter: char| Some(Cow::Owned(format!("{letter}{}", random.usize(0..names))));
    let (tag, value, base) = (any('t'), any('v'), any('t'));
    let absent = is_read && !few_kinds && random.u8(0..4) == 0;
    let demands = kind == Kind::CompareAndSet || kind == Kind::Delete && random.bool();
    let by_tag = has_tags && random.u8(0..4) > 0;
    let shows_tag = has_tags && random.u8(0..4) > 0 && outcome == Outcome::Ok && !absent;
    let shows_value = !absent && (!shows_tag || random.bool());
    let own = Some(Cow::Owned(format!("v{number}")));
    let of_own = |mut is: bool, own: Text, other: Text| {
        is &= !is_read;
        if is { own } else { other }
    };
    let is_delete = kind == Kind::Delete;
    Operation {
        actor: Cow::Borrowed("somebody"),
        key: Cow::Borrowed("k"),
        kind,
        begun,
        ended: (outcome != Outcome::Unknown).then(|| begun + random.u64(0..6)),
        outcome,
        base: base.clone().filter(|_| demands && by_tag),
        expected: value.clone().filter(|_| demands && !by_tag),
        value: of_own(values_differ, own, value)
            .filter(|_| !is_delete && (shows_value || values_differ && !is_read)),
        tag: tag.filter(|_| shows_tag && !is_delete),
        absent,
    }
}
