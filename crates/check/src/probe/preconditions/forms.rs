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
                    "If-Match: * on a resource that is there was answered {}",
                    said(&there.exchange)
                ),
            )
            .showing("If-Match: *", &there.exchange)
        });
    }
    let absent = lab.at(lab.sibling());
    if absent.read().await?.is_there() {
        return Ok(Ruling::pass(
            "If-Match: * holds for what is there; every URL beside it is there, too",
        ));
    }
    lab.own(&absent);
    let nothing = absent.put_anew(&alice, &Condition::if_match("*")).await?;
    if nothing.is_applied() {
        return Ok(Ruling::fail(
            Severity::Medium,
            format!(
                "If-Match: * created a resource that was not there: {}",
                said(&nothing.exchange)
            ),
        )
        .showing("If-Match: * where nothing is", &nothing.exchange));
    }
    Ok(Ruling::pass(format!(
        "If-Match: * is accepted on what is there; where nothing is, {}",
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
        Ruling::pass("a list of tags that holds the current one is accepted")
    } else {
        Ruling::fail(
            Severity::Low,
            format!(
                "If-Match with a list that holds the current tag was answered {}",
                said(&attempt.exchange)
            ),
        )
        .showing("read", &base.exchange)
        .showing("written with a list of tags", &attempt.exchange)
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
            "its tags are weak: If-Match would never hold if it compared as it should",
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
            "If-Match takes a weak tag: it compares weakly where the comparison must be strong",
        )
        .showing("written with a weak tag", &attempt.exchange));
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
