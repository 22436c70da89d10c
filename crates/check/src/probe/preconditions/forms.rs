use super::{is_conflict, must_be_refused};
use crate::lab::{Condition, Guard, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// B4: `If-Match: *` on what is there, and on what is not.
pub(in crate::probe) async fn any(lab: &Lab) -> Result<Ruling, Halt> {
    let alice = lab.actor("alice");
    let base = lab.read_there().await?;
    if base.tag().is_none() {
        return Ok(Ruling::skipped("there is no ETag"));
    }
    let condition = Condition::if_match("*").and(lab.in_the_body(&base));
    let there = lab.attempt(&alice, &condition).await?;
    if !there.is_applied() {
        let is_strict = there.status().is_some_and(|status| status.as_u16() == 428);
        return Ok(if is_strict {
            Ruling::pass("If-Match: * does not count as a precondition here (428)")
        } else {
            Ruling::fail(
                Severity::Medium,
                format!(
                    "a write with If-Match: * to an existing resource was answered {}",
                    said(&there.exchange)
                ),
            )
            .showing("If-Match: *", &there.exchange)
        });
    }
    let absent = lab.at(lab.sibling());
    if absent.read().await?.is_there() {
        return Ok(Ruling::pass(
            "If-Match: * holds for the resource; there is no URL at which nothing exists",
        ));
    }
    lab.own(&absent);
    let nothing = absent.put_anew(&alice, &Condition::if_match("*")).await?;
    if nothing.is_applied() {
        return Ok(Ruling::fail(
            Severity::Medium,
            format!(
                "a write with If-Match: * created a new resource: {}",
                said(&nothing.exchange)
            ),
        )
        .showing("If-Match: * where nothing exists", &nothing.exchange));
    }
    Ok(Ruling::pass(format!(
        "If-Match: * is accepted for an existing resource, and refused where nothing exists: {}",
        said(&nothing.exchange)
    )))
}

/// B5: a list of tags that holds the current one.
pub(in crate::probe) async fn list(lab: &Lab) -> Result<Ruling, Halt> {
    let base = lab.settled().await?;
    let Some(tag) = guarded_tag(lab, &base) else {
        return Ok(Ruling::skipped("If-Match is not enforced"));
    };
    let several = format!("\"none-of-yours\", {tag}, \"nor-this\"");
    let attempt = lab
        .attempt(&lab.actor("alice"), &Condition::if_match(&several))
        .await?;
    Ok(if attempt.is_applied() {
        Ruling::pass("a list of tags with the current one is accepted")
    } else {
        Ruling::fail(
            Severity::Low,
            format!(
                "a write whose If-Match lists the current tag among others was answered {}",
                said(&attempt.exchange)
            ),
        )
        .showing("read", &base.exchange)
        .showing("the write with a list of tags", &attempt.exchange)
    })
}

/// B6: the weak form of a strong tag.
pub(in crate::probe) async fn weak(lab: &Lab) -> Result<Ruling, Halt> {
    let base = lab.settled().await?;
    let Some(tag) = guarded_tag(lab, &base) else {
        return Ok(Ruling::skipped("If-Match is not enforced"));
    };
    if tag.starts_with("W/") {
        return Ok(Ruling::skipped(
            "the tags are weak, and a strong comparison never matches a weak tag",
        ));
    }
    let attempt = lab
        .attempt(
            &lab.actor("alice"),
            &Condition::if_match(&format!("W/{tag}")),
        )
        .await?;
    if attempt.is_applied() {
        return Ok(Ruling::fail(
            Severity::Low,
            "a weak tag in If-Match is accepted: the comparison must be strong",
        )
        .showing("the write with a weak tag", &attempt.exchange));
    }
    if is_conflict(&attempt.exchange) {
        return Ok(Ruling::pass("If-Match compares strongly"));
    }
    must_be_refused(lab, &base, &attempt, "a weak tag").await
}

fn guarded_tag(lab: &Lab, reading: &crate::lab::Reading) -> Option<String> {
    (lab.habits().guard == Some(Guard::Tag))
        .then(|| reading.tag().map(str::to_owned))
        .flatten()
}
