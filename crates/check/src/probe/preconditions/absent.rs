use crate::lab::{Condition, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// B7: `If-None-Match: *` on what is there, and on what is not.
pub(in crate::probe) async fn create_only(lab: &Lab) -> Result<Ruling, Halt> {
    let alice = lab.actor("alice");
    let fresh = lab.at(lab.sibling());
    let before = fresh.read().await?;
    let created = if before.is_there() {
        None
    } else {
        lab.own(&fresh);
        let created = fresh
            .put_anew(&alice, &Condition::if_none_match("*"))
            .await?;
        let is_there = created.is_applied() && fresh.read_until(&created.nonce).await?.is_there();
        is_there.then_some(created)
    };
    let Some(created) = created else {
        // What can be created, the field is for. Here nothing can, and an update is no creation.
        return Ok(Ruling::skipped("PUT does not create resources here"));
    };
    let there = fresh.read().await?;
    let again = fresh
        .put_anew(&alice, &Condition::if_none_match("*"))
        .await?;
    let after = fresh.settled().await?;
    if after.shows(&again.nonce) {
        return Ok(Ruling::fail(
            Severity::High,
            format!(
                "a write with If-None-Match: * to an existing resource was answered {}, and overwrote it",
                said(&again.exchange)
            ),
        )
        .showing("what was there", &there.exchange)
        .showing("If-None-Match: *", &again.exchange)
        .showing("read afterwards", &after.exchange));
    }
    if again.is_applied() {
        return Ok(Ruling::fail(
            Severity::Medium,
            format!(
                "a write with If-None-Match: * to an existing resource was answered {}, although nothing was \
                 stored",
                said(&again.exchange)
            ),
        )
        .showing("If-None-Match: *", &again.exchange));
    }
    Ok(Ruling::pass(format!(
        "If-None-Match: * creates a new resource ({}), and is refused for an existing one ({})",
        said(&created.exchange),
        said(&again.exchange)
    )))
}

/// B8: a write that says nothing of where it began.
pub(in crate::probe) async fn requires(lab: &Lab) -> Result<Ruling, Halt> {
    let base = lab.read_there().await?;
    let attempt = lab.attempt(&lab.actor("alice"), &Condition::none()).await?;
    let after = lab.settled().await?;
    Ok(if attempt.is_applied() {
        Ruling::fail(
            Severity::Medium,
            format!(
                "unprotected by default: a write without a precondition was answered {}; \
                 a client that does not know of conditions overwrites what others saved",
                said(&attempt.exchange)
            ),
        )
        .showing("read", &base.exchange)
        .showing("written without a precondition", &attempt.exchange)
    } else if after.shows(&attempt.nonce) {
        Ruling::fail(
            Severity::High,
            format!(
                "a write without a precondition was answered {}, and written all the same",
                said(&attempt.exchange)
            ),
        )
        .showing("written without a precondition", &attempt.exchange)
        .showing("read afterwards", &after.exchange)
    } else {
        lab.keep_requirement(&attempt.exchange);
        Ruling::pass(format!(
            "a write without a precondition is refused: {}",
            said(&attempt.exchange)
        ))
        .showing("written without a precondition", &attempt.exchange)
    })
}
