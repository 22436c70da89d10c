use super::winner::rate;
use crate::lab::{Condition, Guard, Halt, Lab, said};
use crate::probe::Ruling;
use crate::severity::Severity;

const NO_TAG: &str = "If-Match is not enforced: there is no rule that a race could break";

/// D9: PUT beside DELETE with one tag. One is accepted, and the state agrees.
pub(in crate::probe) async fn beside_put(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped(NO_TAG));
    }
    if let Some(reason) = ignores_tags(lab).await? {
        return Ok(Ruling::skipped(reason));
    }
    let writers = lab.writers(2);
    let (rounds, mut overlapping) = (lab.effort().rounds, 0);
    for round in 1..=rounds {
        let scratch = lab.scratch().await?;
        let base = scratch.settled().await?;
        let condition = Condition::unchanged(&Guard::Tag, &base);
        let nonce = lab.nonce();
        let put = (writers[0].clone(), scratch.write(&nonce, &condition));
        let delete = (writers[1].clone(), scratch.deletion(&condition));
        // Whoever goes first in the sweep has the better chance; both are to have it.
        let volley = if round % 2 == 0 {
            lab.volley(vec![put, delete]).await?
        } else {
            let mut volley = lab.volley(vec![delete, put]).await?;
            volley.exchanges.reverse();
            volley
        };
        overlapping += u32::from(volley.overlapped());
        let after = scratch.settled().await?;
        let [put, delete] = &volley.exchanges[..] else {
            continue;
        };
        let reason = match (put.is_accepted(), delete.is_accepted()) {
            (true, true) => Some("PUT and DELETE with one tag were both accepted".to_owned()),
            (true, false) if delete.is_refused() && !after.shows(&nonce) => Some(
                "the PUT was accepted and the DELETE refused, and what was written is not there"
                    .into(),
            ),
            (false, true) if put.is_refused() && after.is_there() => Some(
                "the DELETE was accepted and the PUT refused, and the resource is still there"
                    .into(),
            ),
            _ => None,
        };
        if let Some(reason) = reason {
            return Ok(Ruling::fail(Severity::Critical, reason)
                .showing("what both began from", &base.exchange)
                .showing("PUT", put)
                .showing("DELETE", delete)
                .showing("read afterwards", &after.exchange)
                .after(round, overlapping));
        }
    }
    Ok(judged(
        rounds,
        overlapping,
        "one of PUT and DELETE is accepted, and the state agrees",
    ))
}

/// D10: N DELETEs with one tag. One is accepted.
pub(in crate::probe) async fn many(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped(NO_TAG));
    }
    if let Some(reason) = ignores_tags(lab).await? {
        return Ok(Ruling::skipped(reason));
    }
    let alice = lab.actor("alice");
    let scratch = lab.scratch().await?;
    let condition = Condition::unchanged(&Guard::Tag, &scratch.settled().await?);
    let first = lab
        .send_served(&alice, scratch.deletion(&condition))
        .await?;
    let again = lab
        .send_served(&alice, scratch.deletion(&condition))
        .await?;
    if first.is_accepted() && again.is_accepted() {
        return Ok(Ruling::skipped(format!(
            "deleting what is gone is answered {} for one client, too: it is idempotent by design",
            said(&again)
        )));
    }
    let (mut rounds, mut overlapping) = (0, 0);
    for &writers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(3) {
            let scratch = lab.scratch().await?;
            let condition = Condition::unchanged(&Guard::Tag, &scratch.settled().await?);
            let sends = lab
                .writers(writers)
                .into_iter()
                .map(|actor| (actor, scratch.deletion(&condition)))
                .collect();
            let volley = lab.volley(sends).await?;
            rounds += 1;
            overlapping += u32::from(volley.overlapped());
            let accepted: Vec<_> = volley
                .exchanges
                .iter()
                .filter(|it| it.is_accepted())
                .collect();
            if accepted.len() > 1 {
                let mut ruling = Ruling::fail(
                    Severity::Medium,
                    format!(
                        "{} of {writers} DELETEs with one tag were told that they deleted it",
                        accepted.len()
                    ),
                );
                for exchange in accepted.into_iter().take(2) {
                    ruling = ruling.showing("told that it deleted it", exchange);
                }
                return Ok(ruling.after(rounds, overlapping));
            }
        }
    }
    Ok(judged(
        rounds,
        overlapping,
        "of many DELETEs with one tag, one is accepted",
    ))
}

/// Learns with one client whether DELETE heeds tags; why a race says nothing, if it does not.
async fn ignores_tags(lab: &Lab) -> Result<Option<String>, Halt> {
    let scratch = lab.scratch().await?;
    let stale = scratch.settled().await?;
    scratch.write_anew(&lab.actor("bob")).await?;
    let request = scratch.deletion(&Condition::unchanged(&Guard::Tag, &stale));
    let refused = lab.send_served(&lab.actor("alice"), request).await?;
    if refused.is_accepted() || !scratch.settled().await?.is_there() {
        return Ok(Some(
            "DELETE with a stale tag is accepted from one client (B9): there is no rule that a race could break".into(),
        ));
    }
    let deleted = scratch.delete(&lab.actor("alice")).await?;
    Ok((!deleted.is_accepted()).then(|| format!("DELETE was answered {}", said(&deleted))))
}

fn judged(rounds: u32, overlapping: u32, passed: &str) -> Ruling {
    if overlapping == 0 {
        Ruling::inconclusive(
            "no race provably overlapped: nothing can be said of what happens in one",
        )
    } else {
        Ruling::pass(format!("{passed}; {}", rate(overlapping)))
    }
    .after(rounds, overlapping)
}
