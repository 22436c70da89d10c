use std::borrow::Cow;

use fastrand::Rng;

use crate::history::{Kind, Operation, Outcome};
use crate::rules::Rules;

/// What a simulated register is like, and what its clients do.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) kinds: Vec<Kind>,
    pub(super) values_differ: bool,
    pub(super) tags: Tags,
    /// Of a hundred writes, how many are not known to have been applied.
    pub(super) unknown: u32,
    /// Reads that show both tag and value, of a hundred.
    pub(super) whole_reads: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    None,
    Counted,
    Digests,
}

impl Shape {
    /// One for which `rules` hold.
    pub(super) fn any(random: &mut Rng, rules: &Rules) -> Self {
        let mut kinds = vec![Kind::Read, Kind::CompareAndSet];
        for kind in [Kind::Write, Kind::Create, Kind::Delete, Kind::CompareAndSet] {
            if random.bool() {
                kinds.push(kind);
            }
        }
        if random.u8(0..4) == 0 {
            kinds.retain(|kind| matches!(kind, Kind::Read | Kind::Write));
        }
        let tags = match random.u8(0..4) {
            0 => Tags::None,
            1 if !rules.tags_are_unique => Tags::Digests,
            _ => Tags::Counted,
        };
        Self {
            kinds,
            values_differ: random.bool(),
            tags,
            unknown: random.u32(0..3) * 10,
            whole_reads: random.u32(0..3) * 50,
        }
    }
}

/// What is there: a tag and a value.
type State = Option<(String, String)>;

/// Operations that overlap at random, each of which takes effect at one moment of its own.
pub(super) fn simulate(random: &mut Rng, shape: &Shape, size: usize) -> Vec<Operation<'static>> {
    let span = 1 + random.u64(0..=size as u64 * 4);
    let mut planned: Vec<(u64, Operation<'static>)> =
        (0..size).map(|_| plan(random, shape, span)).collect();
    planned.sort_by_key(|(effect, _)| *effect);
    let mut state: State = (random.bool()).then(|| (String::from("t"), String::from("v")));
    let mut past: Vec<(String, String)> = state.iter().cloned().collect();
    let mut operations = Vec::new();
    for (number, (_, operation)) in planned.into_iter().enumerate() {
        operations.push(run(random, shape, operation, number, &mut state, &mut past));
    }
    random.shuffle(&mut operations);
    operations
}

/// An operation without its result, and when it takes effect.
fn plan(random: &mut Rng, shape: &Shape, span: u64) -> (u64, Operation<'static>) {
    let kind = shape.kinds[random.usize(0..shape.kinds.len())];
    let begun = random.u64(0..span);
    let ended = begun + random.u64(0..8);
    let is_unknown = kind != Kind::Read && random.u32(0..100) < shape.unknown;
    let (outcome, effect) = if is_unknown {
        (Outcome::Unknown, random.u64(begun..begun + 20))
    } else {
        (Outcome::Ok, random.u64(begun..=ended))
    };
    let operation = Operation {
        actor: Cow::Owned(format!("client {}", random.u8(0..3))),
        key: Cow::Borrowed("k"),
        kind,
        begun,
        ended: (outcome == Outcome::Ok || random.bool()).then_some(ended),
        outcome,
        base: None,
        expected: None,
        value: None,
        tag: None,
        absent: false,
    };
    (effect, operation)
}

fn run(
    random: &mut Rng,
    shape: &Shape,
    mut operation: Operation<'static>,
    number: usize,
    state: &mut State,
    past: &mut Vec<(String, String)>,
) -> Operation<'static> {
    if operation.kind == Kind::Read {
        look(random, shape, &mut operation, state);
        return operation;
    }
    let is_met = demand(random, shape, &mut operation, state, past);
    let value = if shape.values_differ {
        format!("v{number}")
    } else {
        format!("v{}", random.u8(0..3))
    };
    let tag = match shape.tags {
        Tags::None => String::new(),
        Tags::Counted => format!("t{number}"),
        Tags::Digests => format!("t-{value}"),
    };
    let never = operation.outcome == Outcome::Unknown && random.bool();
    if is_met && !never {
        *state = (operation.kind != Kind::Delete).then(|| (tag.clone(), value.clone()));
        past.extend(state.clone());
    }
    if operation.outcome == Outcome::Ok && !is_met {
        operation.outcome = Outcome::Refused;
    }
    if operation.kind != Kind::Delete {
        operation.value = (shape.values_differ || random.u8(0..8) > 0).then_some(Cow::Owned(value));
        let shows = shape.tags != Tags::None && random.u8(0..8) > 0;
        let shows = shows && operation.outcome == Outcome::Ok;
        operation.tag = shows.then_some(Cow::Owned(tag));
    }
    operation
}

fn look(random: &mut Rng, shape: &Shape, operation: &mut Operation<'static>, state: &State) {
    let Some((tag, value)) = state.clone() else {
        operation.absent = true;
        return;
    };
    let is_whole = random.u32(0..100) < shape.whole_reads;
    let has_tags = shape.tags != Tags::None;
    let shows_tag = has_tags && (is_whole || random.bool());
    operation.tag = shows_tag.then_some(Cow::Owned(tag));
    operation.value = (is_whole || !shows_tag).then_some(Cow::Owned(value));
}

/// Chooses what `operation` demands, mostly what is there. Whether it is.
fn demand(
    random: &mut Rng,
    shape: &Shape,
    operation: &mut Operation<'static>,
    state: &State,
    past: &[(String, String)],
) -> bool {
    let is_bare_delete = operation.kind == Kind::Delete && random.bool();
    match operation.kind {
        Kind::Create => return state.is_none(),
        Kind::CompareAndSet | Kind::Delete if !is_bare_delete => {}
        // Some servers answer 404, some do not mind.
        Kind::Delete => return state.is_some() || random.bool(),
        _ => return true,
    }
    let stale = random.u8(0..4) == 0 && !past.is_empty();
    let chosen = match state {
        Some(current) if !stale => current.clone(),
        _ if past.is_empty() => (String::from("none"), String::from("none")),
        _ => past[random.usize(0..past.len())].clone(),
    };
    let by_tag = shape.tags != Tags::None && random.u8(0..4) > 0;
    if by_tag {
        operation.base = Some(Cow::Owned(chosen.0.clone()));
        state.as_ref().is_some_and(|(tag, _)| *tag == chosen.0)
    } else {
        operation.expected = Some(Cow::Owned(chosen.1.clone()));
        state.as_ref().is_some_and(|(_, value)| *value == chosen.1)
    }
}
