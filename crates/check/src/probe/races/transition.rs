use http::{HeaderValue, header};

use super::series::{Series, accepted};
use crate::lab::{Halt, Lab, said};
use crate::model::{Request, Severity};
use crate::probe::Ruling;
use crate::subject::Transition;

/// D11: what may succeed but once for each resource, N times at once.
pub(in crate::probe) async fn transition(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(transition) = &lab.subject().transition else {
        return Ok(Ruling::skipped(
            "give the request that may succeed only once by `--transition`",
        ));
    };
    if lab.subject().stock.is_some() {
        return Ok(Ruling::skipped("it takes from a stock; D8 judges that"));
    }
    let alice = lab.actor("alice");
    let scratch = lab.scratch().await?;
    let first = lab
        .send_served(&alice, request(&scratch, transition)?)
        .await?;
    if !first.is_accepted() {
        return Ok(Ruling::inconclusive(format!(
            "on a new resource it was answered {}",
            said(&first)
        )));
    }
    let second = lab
        .send_served(&alice, request(&scratch, transition)?)
        .await?;
    if second.is_accepted() {
        return Ok(Ruling::skipped(
            "for a single client it succeeds a second time: it is idempotent by design",
        ));
    }
    let mut series = Series::default();
    for &writers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(2) {
            let scratch = lab.scratch().await?;
            let request = request(&scratch, transition)?;
            let volley = series
                .race_with_one(lab, &lab.writers(writers), &request)
                .await?;
            let succeeded = accepted(&volley);
            if succeeded.len() > 1 {
                let ruling = Ruling::fail(
                    Severity::Critical,
                    format!(
                        "it may succeed only once, but it succeeded for {} of {writers} clients at once",
                        succeeded.len()
                    ),
                )
                .showing("a second time, by one client", &second);
                let shown = succeeded.into_iter().take(2);
                return Ok(series.found(ruling.showing_each("succeeded", shown)));
            }
        }
    }
    Ok(series.passed("it succeeds once"))
}

/// The request, with the resource's own path in its target.
pub(super) fn request(lab: &Lab, transition: &Transition) -> Result<Request, Halt> {
    let target = transition.target.replace("{url}", lab.place().path());
    let url = lab
        .place()
        .join(&target)
        .map_err(|error| Halt::Cannot(format!("{target} is no URL: {error}")))?;
    let mut request = Request::new(transition.method.clone(), url);
    if !transition.body.is_empty() {
        request.body = transition.body.clone();
        request = request.with(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    Ok(request)
}
