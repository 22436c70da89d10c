use super::{is_conflict, must_be_refused};
use crate::lab::{Condition, Guard, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// Long before any resource of today was written.
const LONG_AGO: &str = "Sat, 01 Jan 2000 00:00:00 GMT";

/// B10: an old date in If-Unmodified-Since; and beside If-Match, which wins.
pub(in crate::probe) async fn refuses_old_dates(lab: &Lab) -> Result<Ruling, Halt> {
    let base = lab.settled().await?;
    if base.modified().is_none() {
        return Ok(Ruling::skipped("there is no Last-Modified"));
    }
    let alice = lab.actor("alice");
    let old = Condition::if_unmodified_since(LONG_AGO).and(lab.in_the_body(&base));
    let alone = lab.attempt(&alice, &old).await?;
    if alone.is_applied() {
        return Ok(Ruling::fail(
            Severity::Low,
            format!(
                "a write with an old If-Unmodified-Since was answered {}",
                said(&alone.exchange)
            ),
        )
        .showing("read", &base.exchange)
        .showing("the write with an old date", &alone.exchange));
    }
    let is_told = is_conflict(&alone.exchange)
        // Where a tag is asked for, the date alone is no precondition.
        || alone.status().is_some_and(|status| status.as_u16() == 428);
    if !is_told {
        return must_be_refused(lab, &base, &alone, "an old date").await;
    }
    let base = lab.settled().await?;
    let (Some(tag), Some(Guard::Tag)) = (base.tag(), &lab.habits().guard) else {
        return Ok(Ruling::pass("an old date is refused"));
    };
    let both = Condition::if_match(tag).and(Condition::if_unmodified_since(LONG_AGO));
    let both = lab.attempt(&alice, &both).await?;
    Ok(if both.is_applied() {
        Ruling::pass("an old date is refused, and If-Match takes precedence over it")
    } else {
        Ruling::fail(
            Severity::Low,
            format!(
                "a write with the current If-Match and an old If-Unmodified-Since was answered {}, although \
                 If-Match takes precedence",
                said(&both.exchange)
            ),
        )
        .showing("read", &base.exchange)
        .showing("the write with both", &both.exchange)
    })
}
