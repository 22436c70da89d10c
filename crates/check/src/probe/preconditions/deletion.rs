use http::Method;

use crate::lab::{Condition, Guard, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// B13: delete, then write with the tag that the deleted one had.
pub(in crate::probe) async fn stays_deleted(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped("If-Match is not enforced"));
    }
    let scratch = lab.scratch().await?;
    let alice = lab.actor("alice");
    let before = scratch.read().await?;
    let Some(tag) = before.tag() else {
        return Ok(Ruling::skipped("there is no ETag"));
    };
    let deleted = scratch.delete(&lab.actor("bob")).await?;
    if !deleted.is_accepted() || scratch.read().await?.is_there() {
        return Ok(Ruling::inconclusive(format!(
            "{} was answered {}",
            Method::DELETE,
            said(&deleted)
        )));
    }
    let written = scratch.attempt(&alice, &Condition::if_match(tag)).await?;
    let after = scratch.settled().await?;
    Ok(if after.is_there() && after.shows(&written.nonce) {
        Ruling::fail(
            Severity::High,
            format!(
                "a deleted resource came back: a write with its last tag was answered {}",
                said(&written.exchange)
            ),
        )
        .showing("before it was deleted", &before.exchange)
        .showing("deleted", &deleted)
        .showing("the write with its last tag", &written.exchange)
        .showing("after the write", &after.exchange)
    } else {
        Ruling::pass(format!(
            "a write with the tag of a deleted resource is answered {}",
            said(&written.exchange)
        ))
    })
}
