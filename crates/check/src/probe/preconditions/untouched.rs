use super::offered;
use crate::lab::{Condition, Halt, Lab, said};
use crate::probe::Ruling;
use crate::severity::Severity;

/// B14: after a refused write, is everything as it was?
pub(in crate::probe) async fn leaves_untouched(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(guard) = lab
        .habits()
        .guard
        .clone()
        .or(offered(lab, &lab.read().await?))
    else {
        return Ok(Ruling::skipped(
            "there is no validator that a write could carry",
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
            format!("a write that was answered {answer} was written all the same"),
        )
        .showing("before", &before.exchange)
        .showing("refused", &refused.exchange)
        .showing("after", &after.exchange));
    }
    if !lab.habits().mask.is_same(&before, &after) {
        return Ok(Ruling::inconclusive(
            "something changed that the refused write did not write: somebody else writes, too",
        )
        .showing("before", &before.exchange)
        .showing("after", &after.exchange));
    }
    Ok(if before.tag() == after.tag() {
        Ruling::pass(format!(
            "a write that is answered {answer} leaves all as it was"
        ))
    } else {
        Ruling::fail(
            Severity::Medium,
            format!(
                "a write that was answered {answer} changed the tag, though not the content: others are refused for nothing"
            ),
        )
        .showing("before", &before.exchange)
        .showing("refused", &refused.exchange)
        .showing("after", &after.exchange)
    })
}
