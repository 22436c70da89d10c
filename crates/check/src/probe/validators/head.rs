use http::Method;

use crate::lab::{Halt, Lab, Reading, said};
use crate::model::{Effect, Exchange, Request, Severity};
use crate::probe::Ruling;

/// What came of a HEAD.
pub(super) enum HeadResult {
    /// The resource is another than before, or gone.
    Harmed(Box<Ruling>),
    Answered(Box<Answered>),
    /// No answer came, now or earlier in the run; it is not asked for again.
    Unanswered(Box<Exchange>),
}

pub(super) struct Answered {
    /// What GET said before.
    pub reading: Reading,
    pub head: Exchange,
}

/// Asks by HEAD, and reads again: it has to be safe (RFC 9110, section 9.2.1).
///
/// A resource of our own is asked if there can be one: what HEAD destroys is then nobody's.
pub(super) async fn ask(lab: &Lab) -> Result<HeadResult, Halt> {
    if let Some(unanswered) = lab.client().record().into_iter().find(is_unanswered) {
        return Ok(HeadResult::Unanswered(Box::new(unanswered)));
    }
    let scratch = match lab.scratch().await {
        Ok(scratch) => Some(scratch),
        Err(Halt::Cannot(_)) => None,
        Err(stop) => return Err(stop),
    };
    let asked = scratch.as_ref().unwrap_or(lab);
    let mut tries = 0;
    loop {
        let reading = asked.settled().await?;
        let head = head(lab, asked).await?;
        let after = asked.settled().await?;
        let is_gone = reading.is_there() && !after.is_there();
        let is_same = lab.habits().mask.is_same(&reading, &after);
        if is_same && is_unanswered(&head) {
            return Ok(HeadResult::Unanswered(Box::new(head)));
        }
        if is_same {
            let answered = Answered { reading, head };
            return Ok(HeadResult::Answered(Box::new(answered)));
        }
        tries += 1;
        // Once, somebody else may have written.
        if !is_gone && tries < 2 {
            continue;
        }
        let what = if is_gone {
            "deleted the resource"
        } else {
            "changed the resource"
        };
        if scratch.is_none() {
            lab.restore().await?;
        }
        let ruling = Ruling::fail(
            Severity::Critical,
            format!(
                "HEAD was answered {}, and {what}: HEAD must be safe, since caches, crawlers and link checkers \
                 send it unasked",
                said(&head)
            ),
        )
        .showing("before HEAD", &reading.exchange)
        .showing("HEAD", &head)
        .showing("after HEAD", &after.exchange);
        return Ok(HeadResult::Harmed(Box::new(ruling)));
    }
}

/// A HEAD that is sent again only to a server that was too busy for it: one that never answers would take its time each
/// time.
async fn head(lab: &Lab, asked: &Lab) -> Result<Exchange, Halt> {
    let alice = lab.actor("alice");
    let request = Request::new(Method::HEAD, asked.place().clone());
    let exchange = lab.send(&alice, request.clone()).await?;
    match exchange.effect() {
        Effect::Busy => lab.send_served(&alice, request).await,
        _ => Ok(exchange),
    }
}

fn is_unanswered(exchange: &Exchange) -> bool {
    exchange.request.method == Method::HEAD && exchange.response().is_none()
}
