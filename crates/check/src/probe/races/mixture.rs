use super::series::{Series, accepted, relent};
use super::wide::Wide;
use crate::lab::{Condition, Halt, Lab, Unconditional};
use crate::model::Severity;
use crate::probe::Ruling;

/// D6: N whole bodies without a precondition. What is there afterwards is exactly one of them.
pub(in crate::probe) async fn mixture(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().unconditional != Unconditional::Accepted {
        return Ok(Ruling::skipped(
            "a write without a precondition is not accepted; D1 races writes with one",
        ));
    }
    if lab.habits().form.method != http::Method::PUT {
        return Ok(Ruling::skipped("there is no PUT of a whole body"));
    }
    let Some(wide) = Wide::learn(lab, &lab.actor("alice")).await? else {
        return Ok(Ruling::skipped(
            "fewer than two members accept any text, so a mixture could not be recognised",
        ));
    };
    let mut series = Series::default();
    let mut clear = 0;
    for &writers in &lab.effort().writers {
        let mut crew = lab.writers(writers);
        for _ in 0..lab.effort().rounds {
            let nonces: Vec<_> = crew.iter().map(|_| lab.nonce()).collect();
            let sends = crew.iter().zip(&nonces).map(|(actor, nonce)| {
                let request = wide.request(lab, lab.place(), nonce, &Condition::none());
                (actor.clone(), request)
            });
            let volley = series.race(lab, sends).await?;
            let after = lab.settled().await?;
            relent(&mut crew, &volley).await;
            let accepted = accepted(&volley);
            if accepted.is_empty() {
                continue;
            }
            let mark = wide.mark(&after);
            if mark.is_none() && after.is_there() {
                // Read once more: a mixture that is stored is no torn read.
                let again = lab.settled().await?;
                if wide.mark(&again).is_none() {
                    let ruling = Ruling::fail(
                        Severity::Critical,
                        "after a race of whole bodies none of them is stored, but parts of several",
                    );
                    let ruling = ruling
                        .showing_each("one of the bodies", accepted.into_iter().take(2))
                        .showing("after the race", &again.exchange);
                    return Ok(series.found(ruling));
                }
            }
            clear += u32::from(
                nonces
                    .iter()
                    .any(|nonce| mark.as_ref().is_some_and(|mark| nonce.is(mark))),
            );
        }
    }
    Ok(if series.overlapping > 0 && clear == 0 {
        series.found(Ruling::inconclusive(
            "after no race one of its bodies was stored",
        ))
    } else {
        series.passed("exactly one of the bodies is stored")
    })
}
