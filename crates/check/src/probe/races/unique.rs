use std::collections::BTreeSet;

use url::Url;

use super::series::{Series, accepted, relent};
use crate::lab::{Halt, Lab, said};
use crate::model::{Effect, Exchange, Severity};
use crate::probe::Ruling;
use crate::subject::Creation;

/// D4: N clients create resources that share what has to be unique.
pub(in crate::probe) async fn unique(lab: &Lab) -> Result<Ruling, Halt> {
    let (Some(creation), Some(pointer)) = (&lab.subject().create, &lab.subject().unique) else {
        return Ok(Ruling::skipped(
            "give the request and the unique member by `--create` and `--unique`",
        ));
    };
    let alice = lab.actor("alice");
    let request = lab.creation(creation);
    let first = lab.send_served(&alice, request.clone()).await?;
    let Some(place) = lab.owned(&first, creation) else {
        return Ok(Ruling::inconclusive(format!(
            "nothing could be created: {}",
            said(&first)
        )));
    };
    let second = lab.send_served(&alice, request).await?;
    if let Some(other) = lab.owned(&second, creation) {
        if other == place {
            return Ok(Ruling::skipped(format!(
                "a second creation is answered {} with the location of the first, so it is unclear whether \
                 there are two",
                said(&second)
            )));
        }
        return Ok(Ruling::skipped(format!(
            "two resources with one {pointer} are accepted one after the other ({}), so it is not unique here",
            said(&second)
        )));
    }
    let mut series = Series::default();
    let mut failed_as_500 = None;
    for &writers in &lab.effort().writers {
        let mut crew = lab.writers(writers);
        for _ in 0..lab.effort().rounds.div_ceil(2) {
            let request = lab.creation(creation);
            let volley = series.race_with_one(lab, &crew, &request).await?;
            let rows = rows(lab, &volley.exchanges, creation);
            if rows.len() > 1 {
                let ruling = Ruling::fail(
                    Severity::Critical,
                    format!(
                        "{} resources were created with one {pointer}, although a single client is refused a \
                         second one",
                        rows.len()
                    ),
                )
                .showing("one client alone", &second);
                let shown = accepted(&volley).into_iter().take(3);
                return Ok(series.found(ruling.showing_each("created", shown)));
            }
            let broken = volley
                .exchanges
                .iter()
                .find(|it| it.effect() == Effect::Unknown && it.status().is_some());
            if let Some(broken) = broken {
                failed_as_500.get_or_insert_with(|| broken.clone());
            }
            relent(&mut crew, &volley).await;
        }
    }
    Ok(match failed_as_500 {
        Some(exchange) => series.found(Ruling::fail(
            Severity::High,
            format!(
                "of many clients that take one {pointer} at once, some are answered {}: the constraint holds, \
                 but looks like a server error",
                said(&exchange)
            ),
        )
        .showing("one client alone", &second)
        .showing("in a race", &exchange)),
        None => series.passed(&format!(
            "a second resource with one {pointer} is refused, also in a race"
        )),
    })
}

/// The resources that accepted creations say they made, each of them our own.
pub(super) fn rows(lab: &Lab, exchanges: &[Exchange], creation: &Creation) -> BTreeSet<Url> {
    exchanges
        .iter()
        .filter_map(|exchange| lab.owned(exchange, creation))
        .collect()
}
