use super::offered;
use crate::lab::{Condition, Guard, Halt, Lab, Reading, said};
use crate::model::{Exchange, Severity};
use crate::probe::Ruling;

/// B14: after a refused write, is everything as it was?
pub(in crate::probe) async fn leaves_untouched(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(guard) = lab
        .habits()
        .guard
        .clone()
        .or(offered(lab, &lab.read().await?))
    else {
        return Ok(Ruling::skipped(
            "there is no validator to send with a write",
        ));
    };
    let base = lab.read().await?;
    lab.let_the_date_pass().await;
    lab.write_anew(&lab.actor("bob")).await?;
    let before = lab.settled().await?;
    let refused = lab
        .attempt(&lab.actor("alice"), &Condition::unchanged(&guard, &base))
        .await?;
    if refused.exchange.is_accepted() {
        return Ok(Ruling::skipped("no write was refused"));
    }
    let after = lab.settled().await?;
    let answer = said(&refused.exchange);
    if after.shows(&refused.nonce) {
        return Ok(Ruling::fail(
            Severity::High,
            format!("a write that was answered {answer} was stored"),
        )
        .showing("before", &before.exchange)
        .showing("refused", &refused.exchange)
        .showing("after", &after.exchange));
    }
    if !lab.habits().mask.is_same(&before, &after) {
        return changes_elsewhere(lab, &guard, &base, (before, refused.exchange, after)).await;
    }
    Ok(if before.tag() == after.tag() {
        Ruling::pass(format!("a write that is answered {answer} changes nothing"))
    } else {
        Ruling::fail(
            Severity::Medium,
            format!(
                "a write that was answered {answer} changed the tag, but not the content: others are refused \
                 without a reason"
            ),
        )
        .showing("before", &before.exchange)
        .showing("refused", &refused.exchange)
        .showing("after", &after.exchange)
    })
}

/// How often it is looked whether something changes after a refused write, and how often without one.
const LOOKS: usize = 4;

/// Something changed that the refused write did not write. Whether that was its doing shows by turns: after each of
/// several refused writes, and never without one.
async fn changes_elsewhere(
    lab: &Lab,
    guard: &Guard,
    base: &Reading,
    (before, refused, after): (Reading, Exchange, Reading),
) -> Result<Ruling, Halt> {
    let alice = lab.actor("alice");
    let is_same = |one: &Reading, other: &Reading| lab.habits().mask.is_same(one, other);
    let what = lab.habits().mask.difference(&before, &after);
    let (mut after_refused, mut idle) = (1, 0);
    let mut now = after.clone();
    for _ in 1..LOOKS {
        // As long as a write takes, with nothing written.
        lab.read_as(&alice, lab.place()).await?;
        let later = lab.settled().await?;
        idle += usize::from(!is_same(&now, &later));
        let again = lab
            .attempt(&alice, &Condition::unchanged(guard, base))
            .await?;
        if again.exchange.is_accepted() {
            break;
        }
        now = lab.settled().await?;
        after_refused += usize::from(!is_same(&later, &now));
    }
    let what = match &what[..] {
        [] => "it".to_owned(),
        pointers => pointers.join(", "),
    };
    let ruling = if after_refused == LOOKS && idle == 0 {
        Ruling::fail(
            Severity::High,
            format!(
                "each of {LOOKS} writes that were answered {} changed {what}, and nothing changes while nobody \
                 writes",
                said(&refused)
            ),
        )
    } else {
        Ruling::inconclusive(format!(
            "{what} changed after {after_refused} of {LOOKS} refused writes, and {idle} times without one: \
             somebody else writes as well"
        ))
    };
    Ok(ruling
        .showing("before", &before.exchange)
        .showing("refused", &refused)
        .showing("after", &after.exchange))
}
