use super::round::Writer;
use crate::lab::{Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// Rounds that are enough to tell.
const ROUNDS: u32 = 3;

/// D2: Alice's PUT is there but for its last byte; Bob's, with the same tag, is accepted; then hers is let go.
pub(in crate::probe) async fn held_body(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard.is_none() {
        return Ok(Ruling::skipped(super::NO_RULE));
    }
    let writer = |name| (lab.actor(name), lab.place().clone());
    held_by(lab, &writer("alice"), &writer("bob")).await
}

/// D2 for two writers of the caller's choice.
pub(super) async fn held_by(lab: &Lab, alice: &Writer, bob: &Writer) -> Result<Ruling, Halt> {
    let mut round = 1;
    loop {
        let ruling = held_once(lab, alice, bob).await?.after(round, round);
        if ruling.has_failed() || round == ROUNDS {
            return Ok(ruling);
        }
        round += 1;
    }
}

async fn held_once(
    lab: &Lab,
    (alice, her_place): &Writer,
    (bob, his_place): &Writer,
) -> Result<Ruling, Halt> {
    let base = lab.settled().await?;
    lab.let_the_date_pass().await;
    let (hers, his) = (lab.nonce(), lab.nonce());
    let mut held = alice
        .hold(lab.write_to(her_place, &hers, &lab.from(&base)))
        .await?;
    tokio::time::sleep(lab.effort().held / 3).await;
    if held.answered_early() {
        // It said no before it had all: then it has not written either.
        let exchange = held.release().await?;
        return Ok(Ruling::pass(format!(
            "the server answered before the body was complete: {}",
            said(&exchange)
        )));
    }
    let bob = lab
        .attempt_request(
            bob,
            his.clone(),
            lab.write_to(his_place, &his, &lab.from(&base)),
        )
        .await?;
    let hers_at_last = held.release().await?;
    let after = lab.settled().await?;
    if !bob.is_applied() {
        return Ok(Ruling::inconclusive(format!(
            "while one write was in progress, another was answered {}: the server makes it wait or try again",
            said(&bob.exchange)
        )));
    }
    if hers_at_last.is_accepted() && !after.shows(&hers) {
        return Ok(Ruling::inconclusive(format!(
            "her write was answered {}, but is not stored: it was refused with the status of a success (C7), or \
             dropped",
            said(&hers_at_last)
        )));
    }
    if after.shows(&hers) {
        return Ok(Ruling::fail(
            Severity::Critical,
            format!(
                "her tag was compared when her headers arrived, and what he saved in the meantime was \
                 overwritten: both were answered {}. A slow connection is enough, each time",
                said(&hers_at_last)
            ),
        )
        .showing("what both read", &base.exchange)
        .showing("his write, sent and accepted while hers was in progress", &bob.exchange)
        .showing("her write, whose last byte came after his", &hers_at_last)
        .showing("after both writes", &after.exchange));
    }
    Ok(Ruling::pass(format!(
        "a write whose last byte comes late is compared with the version of that moment: {}",
        said(&hers_at_last)
    )))
}
