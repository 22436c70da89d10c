use http::{HeaderValue, StatusCode, header};

use crate::lab::{Guard, Halt, Lab};
use crate::model::{Exchange, Request, Response, Severity};
use crate::probe::Ruling;

/// The origin of a page that no API knows, but one that allows all origins allows.
const SOME_ORIGIN: HeaderValue = HeaderValue::from_static("https://page.example");

/// A7: a page of another origin that may read the resource can read its tag.
pub(in crate::probe) async fn is_exposed(lab: &Lab) -> Result<Ruling, Halt> {
    let given = lab.client().headers().get(header::ORIGIN).cloned();
    let page = Page {
        lab,
        origin: given.unwrap_or(SOME_ORIGIN),
    };
    let read = page.read().await?;
    let page = match read.response().map(|answer| page.allows(answer)) {
        Some(Allows::Page) => page,
        Some(Allows::Other(origin)) => Page { lab, origin },
        _ => {
            return Ok(Ruling::skipped(format!(
                "GET allows no page of the origin {}; -H 'Origin: …' names another one",
                page.origin.to_str().unwrap_or("that was given")
            )));
        }
    };
    page.judge().await
}

/// A web page of another origin, which uses the API by scripts.
struct Page<'a> {
    lab: &'a Lab,
    origin: HeaderValue,
}

/// Whom an answer lets read it.
enum Allows {
    Nobody,
    Page,
    Other(HeaderValue),
}

/// What a script of the page cannot see of an answer.
#[derive(Clone, Copy)]
enum Hidden {
    Tag,
    All,
}

impl Page<'_> {
    async fn judge(&self) -> Result<Ruling, Halt> {
        let read = self.read().await?;
        let Some(tag) = read
            .response()
            .and_then(|answer| answer.headers.get(header::ETAG))
        else {
            return Ok(Ruling::skipped("there is no ETag"));
        };
        let again = self.lab.get(self.lab.place());
        let again = again.with(header::IF_NONE_MATCH, tag.clone());
        let not_modified = self.send(again).await?;
        let mut answers = vec![("GET", read)];
        if not_modified.status() == Some(StatusCode::NOT_MODIFIED) {
            answers.push(("a GET with If-None-Match", not_modified));
        }
        if let Some(refused) = self.stale_write().await? {
            answers.push(("a write with a stale tag", refused));
        }
        let seen = answers.len();
        let hidden: Vec<_> = answers
            .into_iter()
            .filter_map(|(what, exchange)| {
                let hidden = self.hides(exchange.response()?)?;
                Some((what, hidden, exchange))
            })
            .collect();
        Ok(match hidden.is_empty() {
            true => Ruling::pass(format!(
                "all of {seen} kinds of answers let the page read the tag"
            )),
            false => self.failure(&hidden),
        })
    }

    fn failure(&self, hidden: &[(&str, Hidden, Exchange)]) -> Ruling {
        let of = |which: fn(Hidden) -> bool| {
            let these = hidden.iter().filter(|(_, hidden, _)| which(*hidden));
            let these = these.map(|(what, _, answer)| format!("{what} ({})", answer.reply));
            these.collect::<Vec<_>>().join(", ")
        };
        let origin = self.origin.to_str().unwrap_or("another origin");
        let mut reasons = Vec::new();
        let tags = of(|hidden| matches!(hidden, Hidden::Tag));
        if !tags.is_empty() {
            reasons.push(format!("the ETag in the answer to {tags}"));
        }
        let answers = of(|hidden| matches!(hidden, Hidden::All));
        if !answers.is_empty() {
            reasons.push(format!("the answer to {answers} at all"));
        }
        let reason = format!(
            "a page of {origin} may read the resource, but not {}",
            reasons.join(", and not ")
        );
        hidden.iter().fold(
            Ruling::fail(Severity::Medium, reason),
            |ruling, (_, hidden, exchange)| {
                let note = match hidden {
                    Hidden::Tag => "ETag is not in Access-Control-Expose-Headers",
                    Hidden::All => "Access-Control-Allow-Origin is missing or names another origin",
                };
                ruling.showing(note, exchange)
            },
        )
    }

    /// The refusal of a write whose tag is stale; `None` where none is refused by its tag.
    async fn stale_write(&self) -> Result<Option<Exchange>, Halt> {
        let lab = self.lab;
        if lab.habits().unwritable.is_some() || lab.habits().guard != Some(Guard::Tag) {
            return Ok(None);
        }
        let stale = lab.read().await?;
        lab.write_anew(&lab.actor("bob")).await?;
        let request = lab.write(&lab.nonce(), &lab.from(&stale));
        let exchange = self.send(request).await?;
        let is_refusal = matches!(
            exchange.status(),
            Some(StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED)
        );
        Ok(is_refusal.then_some(exchange))
    }

    async fn read(&self) -> Result<Exchange, Halt> {
        self.send(self.lab.get(self.lab.place())).await
    }

    async fn send(&self, request: Request) -> Result<Exchange, Halt> {
        let request = request.with(header::ORIGIN, self.origin.clone());
        self.lab.send_served(&self.lab.actor("page"), request).await
    }

    fn allows(&self, answer: &Response) -> Allows {
        match answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            None => Allows::Nobody,
            Some(origin) if *origin == self.origin || origin == "*" => Allows::Page,
            Some(origin) if origin == "null" => Allows::Nobody,
            Some(origin) => Allows::Other(origin.clone()),
        }
    }

    fn hides(&self, answer: &Response) -> Option<Hidden> {
        if !matches!(self.allows(answer), Allows::Page) {
            return Some(Hidden::All);
        }
        let exposed = answer
            .headers
            .get_all(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        let mut exposed = exposed
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let is_exposed =
            exposed.any(|name| name.trim() == "*" || name.trim().eq_ignore_ascii_case("etag"));
        (answer.headers.contains_key(header::ETAG) && !is_exposed).then_some(Hidden::Tag)
    }
}
