use http::{HeaderValue, Method, header};
use serde_json::{Map, Value};

use super::series::{Series, relent};
use super::wide::Wide;
use crate::lab::{Condition, Halt, Lab, Nonce, Unconditional, said};
use crate::model::{Request, Severity, set};
use crate::probe::Ruling;

/// D7: PATCH of one member beside PATCH of another. Both are there afterwards, or one was refused.
pub(in crate::probe) async fn members_apart(lab: &Lab) -> Result<Ruling, Halt> {
    if let Some(ruling) = super::feigned(lab) {
        return Ok(ruling);
    }
    let alice = lab.actor("alice");
    let Some(Wide::Members(pointers)) = Wide::learn(lab, &alice).await? else {
        return Ok(Ruling::skipped(
            "fewer than two members accept any text, so no two can be patched at once",
        ));
    };
    let media_type = match learn(lab, &pointers).await? {
        Learnt::As(media_type) => media_type,
        Learnt::Not(reason) => return Ok(Ruling::skipped(reason)),
    };
    let mut series = Series::default();
    for &writers in &lab.effort().writers {
        let mut crew = lab.writers(writers);
        for _ in 0..lab.effort().rounds {
            let base = lab.settled().await?;
            let nonces: Vec<_> = crew.iter().map(|_| lab.nonce()).collect();
            let sends = crew
                .iter()
                .zip(&nonces)
                .enumerate()
                .map(|(index, (actor, nonce))| {
                    let pointer = &pointers[index % pointers.len()];
                    (
                        actor.clone(),
                        patch(lab, &media_type, pointer, nonce, &condition(lab, &base)),
                    )
                });
            let volley = series.race(lab, sends).await?;
            let after = lab.settled().await?;
            for (which, pointer) in pointers.iter().enumerate() {
                let sent: Vec<_> = volley
                    .exchanges
                    .iter()
                    .zip(&nonces)
                    .skip(which)
                    .step_by(pointers.len())
                    .collect();
                let is_there = sent
                    .iter()
                    .any(|(_, nonce)| after.member(pointer).is_some_and(|value| nonce.is(&value)));
                let accepted = sent.iter().find(|(exchange, _)| exchange.is_accepted());
                if let (Some((exchange, _)), false) = (accepted, is_there) {
                    let mut ruling = Ruling::fail(
                        Severity::Critical,
                        format!(
                            "a patch of {pointer} was accepted, but is lost: a patch of another member was \
                             applied to an older version"
                        ),
                    )
                    .showing("accepted, and lost", exchange);
                    let other =
                        volley.exchanges.iter().enumerate().find(|(index, it)| {
                            index % pointers.len() != which && it.is_accepted()
                        });
                    if let Some((_, other)) = other {
                        ruling = ruling.showing("accepted at the same time", other);
                    }
                    return Ok(series.found(ruling.showing("after the race", &after.exchange)));
                }
            }
            relent(&mut crew, &volley).await;
        }
    }
    Ok(series.passed("every accepted patch is stored"))
}

enum Learnt {
    /// The media type as which a patch of some members is taken.
    As(String),
    /// Why none is.
    Not(String),
}

/// Learns with one client: each member is patched alone, and the others stay.
async fn learn(lab: &Lab, pointers: &[String]) -> Result<Learnt, Halt> {
    let alice = lab.actor("alice");
    let form = &lab.habits().form;
    let media_types = match form.method {
        Method::PATCH => vec![form.media_type.as_str()],
        _ => vec!["application/merge-patch+json", "application/json"],
    };
    let mut reason = String::new();
    'media_types: for media_type in media_types {
        let mut last = Vec::new();
        for pointer in pointers {
            let nonce = lab.nonce();
            let base = lab.read().await?;
            let request = patch(lab, media_type, pointer, &nonce, &condition(lab, &base));
            let exchange = lab.send_served(&alice, request).await?;
            if !exchange.is_accepted() {
                reason = format!("PATCH as {media_type} was answered {}", said(&exchange));
                continue 'media_types;
            }
            last.push((pointer, nonce));
        }
        let after = lab.settled().await?;
        let is_there = |(pointer, nonce): &(&String, Nonce)| {
            after.member(pointer).is_some_and(|value| nonce.is(&value))
        };
        if last.iter().all(is_there) {
            return Ok(Learnt::As(media_type.to_owned()));
        }
        reason = format!(
            "even for a single client, PATCH as {media_type} does not change one member and leave the others alone"
        );
    }
    Ok(Learnt::Not(reason))
}

/// Where it is open, without a precondition: that is where a read-modify-write loses.
fn condition(lab: &Lab, base: &crate::lab::Reading) -> Condition {
    match lab.habits().unconditional {
        Unconditional::Accepted => Condition::none(),
        _ => lab.from(base),
    }
}

fn patch(
    lab: &Lab,
    media_type: &str,
    pointer: &str,
    nonce: &Nonce,
    condition: &Condition,
) -> Request {
    let mut body = Value::Object(Map::new());
    set(&mut body, pointer, nonce.as_text());
    condition.set_in(&mut body);
    let mut request = Request::new(Method::PATCH, lab.place().clone());
    if let Ok(media_type) = HeaderValue::from_str(media_type) {
        request = request.with(header::CONTENT_TYPE, media_type);
    }
    condition.carried_by(request).with_json(&body)
}
