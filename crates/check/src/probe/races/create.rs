use url::Url;

use super::round::{Crew, crew, relent};
use super::winner::rate;
use crate::exchange::{Effect, Exchange};
use crate::lab::{Condition, Form, Halt, Lab, said};
use crate::probe::Ruling;
use crate::severity::Severity;

/// D3: N clients create one resource with `If-None-Match: *`.
pub(in crate::probe) async fn create(lab: &Lab) -> Result<Ruling, Halt> {
    create_by(lab, |count| crew(lab, count)).await
}

/// The same for writers of the caller's choice.
pub(super) async fn create_by(lab: &Lab, crew: impl Fn(u32) -> Crew) -> Result<Ruling, Halt> {
    if let Some(reason) = no_rule(lab).await? {
        return Ok(Ruling::skipped(reason));
    }
    let (mut rounds, mut overlapping, mut unclear) = (0, 0, 0);
    for &writers in &lab.effort().writers {
        let mut crew = crew(writers);
        for _ in 0..lab.effort().rounds.div_ceil(2) {
            let race = race(lab, &crew).await?;
            rounds += 1;
            overlapping += u32::from(race.overlapped);
            let busy = count(&race.exchanges, Effect::Busy);
            if busy > 0 {
                crew.truncate((crew.len() / 2).max(2));
                relent(busy).await;
            }
            let created: Vec<_> = race
                .exchanges
                .iter()
                .filter(|it| it.is_accepted())
                .collect();
            if created.len() > 1 {
                let mut ruling = Ruling::fail(
                    Severity::Critical,
                    format!(
                        "{} of {} clients who asked to create one resource were told that they had: \
                         all but one were overwritten",
                        created.len(),
                        race.exchanges.len()
                    ),
                );
                for exchange in created.into_iter().take(3) {
                    ruling = ruling.showing("told that it created it", exchange);
                }
                return Ok(ruling.after(rounds, overlapping));
            }
            unclear += u32::from(created.is_empty());
        }
    }
    Ok(if overlapping == 0 {
        Ruling::inconclusive(
            "no race provably overlapped: nothing can be said of what happens in one",
        )
    } else if unclear * 2 > rounds {
        Ruling::inconclusive("in most races nobody was told that it created the resource")
    } else {
        Ruling::pass(format!("one creator in each race; {}", rate(overlapping)))
    }
    .after(rounds, overlapping))
}

/// Learns with one client whether there is a rule that a race could break; why not, if there is none.
async fn no_rule(lab: &Lab) -> Result<Option<String>, Halt> {
    let alice = lab.actor("alice");
    let fresh = lab.at(lab.sibling());
    if fresh.read().await?.is_there() {
        return Ok(Some(
            "every URL beside the resource is there already".into(),
        ));
    }
    let only_new = Condition::if_none_match("*");
    let created = fresh.put_anew(&alice, &only_new).await?;
    if !created.is_applied() || !fresh.read_until(&created.nonce).await?.is_there() {
        return Ok(Some(format!(
            "PUT creates nothing here: it was answered {}",
            said(&created.exchange)
        )));
    }
    lab.own(&fresh);
    let again = fresh.put_anew(&alice, &only_new).await?;
    Ok(again
        .is_applied()
        .then(|| "If-None-Match: * is not enforced for one client either (B7)".into()))
}

struct Race {
    exchanges: Vec<Exchange>,
    overlapped: bool,
}

async fn race(lab: &Lab, crew: &Crew) -> Result<Race, Halt> {
    let fresh = lab.at(lab.sibling());
    let form = Form {
        method: http::Method::PUT,
        ..fresh.habits().form.clone()
    };
    let only_new = Condition::if_none_match("*");
    let sends = crew
        .iter()
        .map(|(actor, place)| {
            let place = under(place, fresh.place());
            (actor.clone(), form.request(&place, &lab.nonce(), &only_new))
        })
        .collect();
    let volley = lab.volley(sends).await?;
    lab.own(&fresh);
    Ok(Race {
        overlapped: volley.overlapped(),
        exchanges: volley.exchanges,
    })
}

/// The resource of that path, under another base URL.
fn under(base: &Url, fresh: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(fresh.path());
    url
}

fn count(exchanges: &[Exchange], effect: Effect) -> usize {
    exchanges.iter().filter(|it| it.effect() == effect).count()
}
