use super::round::relent;
use super::wide::Wide;
use super::winner::rate;
use crate::exchange::Effect;
use crate::lab::{Condition, Halt, Lab, Unconditional};
use crate::probe::Ruling;
use crate::severity::Severity;

/// D6: N whole bodies without a precondition. What is there afterwards is exactly one of them.
pub(in crate::probe) async fn mixture(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().unconditional != Unconditional::Accepted {
        return Ok(Ruling::skipped(
            "a write without a precondition is not accepted; D1 races those that have one",
        ));
    }
    if lab.habits().form.method != http::Method::PUT {
        return Ok(Ruling::skipped("there is no PUT of a whole body"));
    }
    let Some(wide) = Wide::learn(lab, &lab.actor("alice")).await? else {
        return Ok(Ruling::skipped(
            "fewer than two members take any text: a mixture could not be told",
        ));
    };
    let (mut rounds, mut overlapping, mut clear) = (0, 0, 0);
    for &writers in &lab.effort().writers {
        let mut crew = lab.writers(writers);
        for _ in 0..lab.effort().rounds {
            let nonces: Vec<_> = crew.iter().map(|_| lab.nonce()).collect();
            let sends = crew
                .iter()
                .zip(&nonces)
                .map(|(actor, nonce)| {
                    let request = wide.request(lab, lab.place(), nonce, &Condition::none());
                    (actor.clone(), request)
                })
                .collect();
            let volley = lab.volley(sends).await?;
            let after = lab.settled().await?;
            rounds += 1;
            overlapping += u32::from(volley.overlapped());
            let busy = volley
                .exchanges
                .iter()
                .filter(|it| it.effect() == Effect::Busy)
                .count();
            if busy > 0 {
                crew.truncate((crew.len() / 2).max(2));
                relent(busy).await;
            }
            if !volley.exchanges.iter().any(|it| it.is_accepted()) {
                continue;
            }
            let mark = wide.mark(&after);
            if mark.is_none() && after.is_there() {
                // Read once more: a mixture that is stored is no torn read.
                let again = lab.settled().await?;
                if wide.mark(&again).is_none() {
                    let mut ruling = Ruling::fail(
                        Severity::Critical,
                        "what is there after a race of whole bodies is none of them, but parts of several",
                    );
                    for exchange in volley
                        .exchanges
                        .iter()
                        .filter(|it| it.is_accepted())
                        .take(2)
                    {
                        ruling = ruling.showing("one of the bodies", exchange);
                    }
                    return Ok(ruling
                        .showing("read afterwards", &again.exchange)
                        .after(rounds, overlapping));
                }
            }
            clear += u32::from(
                nonces
                    .iter()
                    .any(|nonce| mark.as_ref().is_some_and(|mark| nonce.is(mark))),
            );
        }
    }
    Ok(if overlapping == 0 {
        Ruling::inconclusive(
            "no race provably overlapped: nothing can be said of what happens in one",
        )
    } else if clear == 0 {
        Ruling::inconclusive("after no race was one of its bodies there")
    } else {
        Ruling::pass(format!(
            "what is there is exactly one of the bodies; {}",
            rate(overlapping)
        ))
    }
    .after(rounds, overlapping))
}
