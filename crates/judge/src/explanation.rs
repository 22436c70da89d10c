use std::fmt::Write;

use crate::history::{Kind, NEVER, Name, Names, Outcome, Step};
use crate::subject::Subject;
use crate::violation::ViolationKind;

/// What operations that contradict each other amount to. `steps` are in the order of `begun`; `found` is what was seen
/// where they were found, which may have been more general.
pub(super) fn classify(
    steps: &[Step],
    found: ViolationKind,
    subject: &Subject<'_>,
) -> ViolationKind {
    if found == ViolationKind::Torn
        && let [one, other] = steps
    {
        return torn_or_reused(one, other);
    }
    if !matches!(found, ViolationKind::NoOrder | ViolationKind::StaleRead) {
        return found;
    }
    let Some((last, before)) = steps.split_last() else {
        return found;
    };
    let accepted: Vec<_> = steps
        .iter()
        .filter(|step| !step.is_read() && step.is_ok())
        .collect();
    let deletes = |step: &&Step| step.kind == Kind::Delete;
    let ended_before_last = |step: &&Step| step.settled() < last.begun;
    match (steps, accepted.as_slice()) {
        ([one, other], _) if is_pair(one, other, subject) => torn_or_reused(one, other),
        _ if before
            .iter()
            .filter(ended_before_last)
            .any(|step| deletes(&step))
            && last.kind != Kind::Create
            && !last.absent =>
        {
            ViolationKind::Resurrected
        }
        ([_, _], [one, other]) if same_base(one, other) => ViolationKind::LostUpdate,
        ([_, _], [one, other]) if [one.kind, other.kind] == [Kind::Create; 2] => {
            ViolationKind::CreatedTwice
        }
        ([_, _], [one, other]) if one.tag.is_some() && one.tag == other.tag => {
            ViolationKind::TagReused
        }
        ([one], _) if one.base.is_some() && one.base == one.tag => ViolationKind::TagReused,
        _ if last.is_read() && subject_is_quiet(subject, last.begun) => ViolationKind::WrongEnd,
        _ if last.is_read() && before.iter().any(|step| ended_before_last(&step)) => {
            ViolationKind::StaleRead
        }
        _ if last.may_write()
            && last.base.is_some()
            && before.iter().any(|step| ended_before_last(&step)) =>
        {
            ViolationKind::StaleWrite
        }
        _ => ViolationKind::NoOrder,
    }
}

/// Of a read and a write that name one tag: what was read before the write began had the tag before; it is not torn.
pub(super) fn torn_or_reused(one: &Step, other: &Step) -> ViolationKind {
    let is_before = |read: &Step, write: &Step| {
        read.is_read()
            && write.may_write()
            && read.tag.is_some()
            && read.tag == write.tag
            && read.settled() < write.begun
    };
    if is_before(one, other) || is_before(other, one) {
        ViolationKind::TagReused
    } else {
        ViolationKind::Torn
    }
}

/// A tag with two values, or a value with two tags.
fn is_pair(one: &Step, other: &Step, subject: &Subject<'_>) -> bool {
    let same = |one: Option<Name>, other| one.is_some() && one == other;
    let differ =
        |one: Option<Name>, other: Option<Name>| one.is_some() && other.is_some() && one != other;
    let reads = one.is_read() || other.is_read();
    reads && same(one.tag, other.tag) && differ(one.value, other.value)
        || reads
            && subject.identity.values
            && same(one.value, other.value)
            && differ(one.tag, other.tag)
}

fn same_base(one: &Step, other: &Step) -> bool {
    one.base.is_some() && one.base == other.base
        || one.expected.is_some() && one.expected == other.expected
}

/// Whether all that may have changed something had ended by then.
fn subject_is_quiet(subject: &Subject<'_>, time: u64) -> bool {
    let mut changes = subject.iter().filter(|(_, step)| step.may_change());
    changes.all(|(_, step)| step.settled() < time)
}

/// The operations one after the other, and why they cannot all have been.
pub(super) fn explain(kind: ViolationKind, steps: &[Step], names: &Names) -> String {
    let mut text = String::new();
    for step in steps {
        tell(&mut text, step, names);
    }
    text.push_str(why(kind));
    text
}

fn why(kind: ViolationKind) -> &'static str {
    match kind {
        ViolationKind::LostUpdate => {
            "Both replaced one version: what the first of them wrote is lost."
        }
        ViolationKind::CreatedTwice => "Both created it, and nothing between them deleted it.",
        ViolationKind::UnknownBase => "Nothing ever was the version that was replaced.",
        ViolationKind::Unwritten => "Nobody wrote what was read.",
        ViolationKind::RefusedYetApplied => "What was read is what a refused write proposed.",
        ViolationKind::TagReused => "One tag was given to two versions.",
        ViolationKind::Torn => "Tag and value belong to different versions.",
        ViolationKind::StaleRead => "The read went back behind what was known before it began.",
        ViolationKind::WrongEnd => {
            "When all writes had ended, something else was there than they left."
        }
        ViolationKind::EarlyRead => "It was read before its write had begun.",
        ViolationKind::StaleWrite => {
            "The last write replaced a version that had been replaced before it began."
        }
        ViolationKind::Resurrected => "It had been deleted before the last of them began.",
        ViolationKind::NoOrder => "No order of these explains them all.",
    }
}

/// One operation as a sentence.
fn tell(text: &mut String, step: &Step, names: &Names) {
    let of = |name: Name| names.text(name);
    let deed = match step.kind {
        Kind::Read if step.absent => "found nothing",
        Kind::Read => "read",
        Kind::Write | Kind::CompareAndSet => "wrote",
        Kind::Create => "created",
        Kind::Delete => "deleted",
    };
    let _ = write!(text, "{} {deed}", of(step.actor));
    if let Some(value) = step.value {
        let _ = write!(text, " {}", of(value));
    }
    if let Some(base) = step.base.or(step.expected) {
        let _ = write!(text, " over {}", of(base));
    }
    if let Some(tag) = step.tag {
        let (link, tag) = (if step.is_read() { "at" } else { "as" }, of(tag));
        let _ = write!(text, " {link} {tag}");
    }
    let _ = match step.ended {
        NEVER => write!(text, " from {} µs, unanswered", step.begun),
        ended => write!(text, " from {} to {ended} µs", step.begun),
    };
    text.push_str(match step.outcome {
        Outcome::Ok => ". ",
        Outcome::Refused => ", refused. ",
        Outcome::Unknown => ", outcome unknown. ",
    });
}
