use http::Method;

use crate::exchange::Exchange;
use crate::lab::{Halt, Lab, Reading, said};
use crate::probe::Ruling;
use crate::request::Request;
use crate::severity::Severity;

/// What came of a HEAD.
pub(super) enum Asked {
    /// The resource is another than before, or gone.
    Harmed(Box<Ruling>),
    Answered(Box<Answered>),
}

pub(super) struct Answered {
    /// What GET said before.
    pub reading: Reading,
    pub head: Exchange,
}

/// Asks by HEAD, and reads again: it has to be safe (RFC 9110, section 9.2.1).
///
/// A resource of our own is asked if there can be one: what HEAD destroys is then nobody's.
pub(super) async fn ask(lab: &Lab) -> Result<Asked, Halt> {
    let scratch = match lab.scratch().await {
        Ok(scratch) => Some(scratch),
        Err(Halt::Cannot(_)) => None,
        Err(stop) => return Err(stop),
    };
    let asked = scratch.as_ref().unwrap_or(lab);
    let mut tries = 0;
    loop {
        let reading = asked.settled().await?;
        let head = lab
            .send_served(
                &lab.actor("alice"),
                Request::new(Method::HEAD, asked.place().clone()),
            )
            .await?;
        let after = asked.settled().await?;
        let is_gone = reading.is_there() && !after.is_there();
        let is_same = lab.habits().mask.is_same(&reading, &after);
        if is_same {
            let answered = Answered { reading, head };
            return Ok(Asked::Answered(Box::new(answered)));
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
                "HEAD was answered {}, and {what}: it has to be safe, and caches, crawlers and link checkers send it unasked",
                said(&head)
            ),
        )
        .showing("before", &reading.exchange)
        .showing("HEAD", &head)
        .showing("read afterwards", &after.exchange);
        return Ok(Asked::Harmed(Box::new(ruling)));
    }
}
