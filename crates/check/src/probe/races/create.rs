use url::Url;

use super::round::{Crew, crew};
use super::series::{Series, accepted, relent};
use crate::client::Volley;
use crate::lab::{Condition, Form, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// D3: N clients create one resource with `If-None-Match: *`.
pub(in crate::probe) async fn create(lab: &Lab) -> Result<Ruling, Halt> {
    create_by(lab, |count| crew(lab, count)).await
}

/// D3 for writers of the caller's choice.
pub(super) async fn create_by(lab: &Lab, crew: impl Fn(u32) -> Crew) -> Result<Ruling, Halt> {
    if let Some(reason) = no_rule(lab).await? {
        return Ok(Ruling::skipped(reason));
    }
    let mut series = Series::default();
    let mut unclear = 0;
    for &writers in &lab.effort().writers {
        let mut crew = crew(writers);
        for _ in 0..lab.effort().rounds.div_ceil(2) {
            let volley = race(lab, &crew).await?;
            series.count(&volley);
            relent(&mut crew, &volley).await;
            let created = accepted(&volley);
            if created.len() > 1 {
                let ruling = Ruling::fail(
                    Severity::Critical,
                    format!(
                        "{} of {} clients that created one resource at once were all told that they had: all \
                         but one were overwritten",
                        created.len(),
                        volley.exchanges.len()
                    ),
                );
                let shown = created.into_iter().take(3);
                return Ok(
                    series.found(ruling.showing_each("told that it created the resource", shown))
                );
            }
            unclear += u32::from(created.is_empty());
        }
    }
    Ok(if series.overlapping > 0 && unclear * 2 > series.rounds {
        series.found(Ruling::inconclusive(
            "in most races no client was told that it had created the resource",
        ))
    } else {
        series.passed("exactly one client created the resource in each race")
    })
}

/// Learns with one client whether there is a rule that a race could break; why not, if there is none.
async fn no_rule(lab: &Lab) -> Result<Option<String>, Halt> {
    let alice = lab.actor("alice");
    let fresh = lab.at(lab.sibling());
    if fresh.read().await?.is_there() {
        return Ok(Some("there is no URL at which nothing exists".into()));
    }
    lab.own(&fresh);
    let only_new = Condition::if_none_match("*");
    let created = fresh.put_anew(&alice, &only_new).await?;
    if !created.is_applied() || !fresh.read_until(&created.nonce).await?.is_there() {
        return Ok(Some(format!(
            "PUT does not create resources here: it was answered {}",
            said(&created.exchange)
        )));
    }
    let again = fresh.put_anew(&alice, &only_new).await?;
    Ok(again
        .is_applied()
        .then(|| "If-None-Match: * is not enforced for a single client (B7)".into()))
}

async fn race(lab: &Lab, crew: &Crew) -> Result<Volley, Halt> {
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
    lab.own(&fresh);
    lab.volley(sends).await
}

/// The resource of that path, under another base URL.
fn under(base: &Url, fresh: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(fresh.path());
    url
}
