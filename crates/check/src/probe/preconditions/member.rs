use serde_json::Value;

use super::must_be_refused;
use crate::lab::{Condition, Guard, Halt, Lab, Reading, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// B12: a version in the body that is stale, missing, or still to come.
pub(in crate::probe) async fn version_in_body(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(pointer) = lab.habits().version_members.first().cloned() else {
        return Ok(Ruling::skipped(
            "no member of the body looks like a version",
        ));
    };
    let guard = Guard::Member(pointer.clone());
    let alice = lab.actor("alice");
    let base = lab.read().await?;
    let (_, between) = lab.write_anew(&lab.actor("bob")).await?;
    if base.member(&pointer) == between.member(&pointer) {
        return Ok(Ruling::skipped(format!(
            "{pointer} does not change with a write, so it is not a version"
        )));
    }
    // Where tags are what protects, a version in the body speaks beside a current tag.
    let beside = |reading: &Reading| match lab.habits().guard {
        Some(Guard::Member(_)) | None => Condition::none(),
        Some(_) => lab.from(reading),
    };
    let now = lab.read().await?;
    let future = beside(&now).and(Condition {
        members: vec![(pointer.clone(), later(now.member(&pointer)))],
        ..Condition::none()
    });
    let ahead = lab.attempt(&alice, &future).await?;
    // The API says that it compares the member: it asks for it, or refuses what cannot be.
    let is_claimed = lab.habits().guard == Some(guard.clone())
        || lab.habits().ticket.contains(&guard)
        || !ahead.is_applied();
    let now = lab.read().await?;
    let stale = beside(&now).and(Condition::unchanged(&guard, &base));
    let stale = lab.attempt(&alice, &stale).await?;
    if stale.is_applied() {
        if !is_claimed {
            return Ok(Ruling::skipped(format!(
                "the server sets {pointer} itself, and ignores what a client sends there"
            )));
        }
        return Ok(Ruling::fail(
            Severity::Critical,
            format!(
                "a body with an old {pointer} was answered {}, and overwrote what somebody else had saved in \
                 the meantime",
                said(&stale.exchange)
            ),
        )
        .showing("what she read", &base.exchange)
        .showing("before the write", &now.exchange)
        .showing("the write with the old version", &stale.exchange));
    }
    if is_read_only(lab, &alice).await? {
        return Ok(Ruling::skipped(format!("{pointer} is read-only")));
    }
    let ruling = must_be_refused(lab, &now, &stale, "an old version in the body").await?;
    Ok(if ahead.is_applied() {
        ruling.or_worse(
            Ruling::fail(
                Severity::Medium,
                format!(
                    "a body with a future {pointer} was answered {}",
                    said(&ahead.exchange)
                ),
            )
            .showing("the write with a future version", &ahead.exchange),
        )
    } else {
        ruling
    })
}

/// Whether the member is refused even with the value that is current.
async fn is_read_only(lab: &Lab, alice: &crate::client::Actor) -> Result<bool, Halt> {
    let Some(pointer) = lab.habits().version_members.first().cloned() else {
        return Ok(true);
    };
    let base = lab.read().await?;
    let member = Condition::unchanged(&Guard::Member(pointer), &base);
    let condition = match &lab.habits().guard {
        Some(Guard::Member(_)) => member,
        _ => lab.from(&base).and(member),
    };
    Ok(!lab.attempt(alice, &condition).await?.is_applied())
}

/// A version that comes after this one, in its own style.
fn later(version: Option<Value>) -> Value {
    match version {
        Some(Value::Number(number)) => (number.as_u64().unwrap_or(0) + 1000).into(),
        Some(Value::String(text)) => match text.split_once('-') {
            // CouchDB's protocol: a count, a dash, a hash.
            Some((count, hash)) if count.parse::<u64>().is_ok() => {
                format!("{}-{hash}", count.parse::<u64>().unwrap_or(0) + 1000).into()
            }
            _ => match text.parse::<u64>() {
                Ok(count) => (count + 1000).to_string().into(),
                Err(_) => format!("{text}9").into(),
            },
        },
        other => other.unwrap_or(Value::Null),
    }
}
