//! GraphQL over a space (`detente_graphql` is the language): each field asks the service what the same
//! request of REST would ask, so no rule, right or conflict is decided twice. A refusal is an error whose
//! extensions have the very problem that REST answers.

mod arguments; // what a field says
mod asked; // who asks, of which space
mod refusal; // a refusal as an error

mod batch; // several writes, all or none
mod conflicts; // refused writes
mod loaded; // what several documents want of the store, read together
mod node; // documents, versions, changes
mod reading; // the fields of queries
mod subscription; // versions as they come
mod writing; // the fields of mutations

mod request; // over HTTP: what was sent
mod socket; // graphql-transport-ws
mod stream; // graphql-sse

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use detente_core::Unconditional;
use detente_graphql::{Answer as Answered, Api, Bounds, Clash, Collection, Fault, Kind};
use detente_service::{Policy, Undeclared};

use crate::audit::{HasDenial, Wrote};
use crate::call::{Answer, Call};
use crate::feed::{EVENT_STREAM, wants_events};
use crate::gate::opens_socket;
use crate::pace;
use crate::problem::Problem;
use crate::representation::{self, Coding, NO_STORE};
use crate::resource::JSON;
use asked::Asked;
use request::Request;

/// What a server offers of GraphQL.
#[derive(Clone, Debug)]
pub struct Graphql {
    /// `None`: nothing.
    api: Option<Arc<Api>>,
    /// Why there is nothing, if nobody asked for that.
    why_off: Option<String>,
    pub bounds: Bounds,
}

impl Graphql {
    /// GraphQL over collections that are treated like this. `names` are those of types, by collection, where
    /// somebody chose them.
    ///
    /// # Errors
    ///
    /// Names that cannot be.
    pub fn of(
        policy: &Policy,
        names: &BTreeMap<String, String>,
        bounds: Bounds,
    ) -> Result<Self, Vec<Clash>> {
        let collections = policy.collections.iter().map(|(name, it)| Collection {
            name,
            type_name: names.get(name).map(String::as_str),
            schema: it.rules.rules.schema.as_ref().map(|it| it.source()),
            needs_condition: it.unconditional() == Unconditional::Reject,
        });
        let collections: Vec<_> = collections.collect();
        let has_others = matches!(policy.undeclared, Undeclared::Allow(_));
        let api = Api::of(&collections, has_others)?;
        Ok(Self {
            api: Some(Arc::new(api)),
            why_off: None,
            bounds,
        })
    }

    /// None; `why` says why, where nobody asked for that.
    pub fn off(why: Option<String>) -> Self {
        Self {
            api: None,
            why_off: why,
            bounds: Bounds::default(),
        }
    }

    /// Why there is nothing, if nobody asked for that.
    pub fn why_off(&self) -> Option<&str> {
        self.why_off.as_deref()
    }

    /// The schema in the language of GraphQL.
    pub fn sdl(&self) -> Option<&str> {
        self.api.as_ref().map(|api| api.sdl())
    }
}

impl Default for Graphql {
    /// Over any collection.
    fn default() -> Self {
        Self {
            api: Api::of(&[], true).ok().map(Arc::new),
            why_off: None,
            bounds: Bounds::default(),
        }
    }
}

/// A query by GET; a WebSocket.
pub(crate) async fn ask(call: &mut Call) -> Answer {
    let asked = Asked::by(call)?;
    let parts = &call.inbound.parts;
    if opens_socket(&parts.method, &parts.headers) {
        return socket::open(call, asked).await;
    }
    perform(call, asked, Request::of_query(call.inbound.query()), false).await
}

/// An operation by POST.
pub(crate) async fn send(call: &mut Call) -> Answer {
    let asked = Asked::by(call)?;
    call.inbound.must_be(&[JSON], "accept-post")?;
    let body = call.inbound.read().await?;
    perform(call, asked, Request::of_body(&body), true).await
}

/// Performs what was sent. `may_write`: a GET changes nothing (RFC 9110, section 9.2.1).
async fn perform(
    call: &Call,
    asked: Asked,
    sent: Result<Request, Problem>,
    may_write: bool,
) -> Answer {
    let headers = call.inbound.headers();
    let form = Form::of(headers);
    // Whoever sends one thing after the other that is none is held up before it is looked at.
    pace::may_fail(&call.app, &call.asker)?;
    let sent = match sent {
        Ok(sent) => sent,
        Err(problem) => {
            let status = problem.kind.describe().status;
            let refused = Answered::refused(&[asked.fault(problem.into())]);
            return form.answer(refused, status, headers).await;
        }
    };
    let plan = match asked.plan(sent).await {
        Ok(plan) => plan,
        Err(faults) => return form.refuse(&asked, &faults, headers).await,
    };
    let kind = plan.kind;
    if kind == Kind::Mutation && !may_write {
        return Err(request::not_by_get().into());
    }
    let standing = pace::check(&call.app, &call.asker, asked::class(kind))?;
    let mut response = match (kind, form) {
        (Kind::Subscription, _) if wants_events(headers) => stream::answer(&asked, plan).await?,
        (Kind::Subscription, _) => {
            let answered = Answered::refused(&[request::not_as_json()]);
            return form
                .answer(answered, StatusCode::BAD_REQUEST, headers)
                .await;
        }
        (_, Form::Events) => stream::answer(&asked, plan).await?,
        _ => {
            let answered = asked.perform_whole(plan).await?;
            form.answer(answered, StatusCode::OK, headers).await?
        }
    };
    if asked.was_denied() {
        response.extensions_mut().insert(HasDenial);
    }
    if kind == Kind::Mutation {
        response.extensions_mut().insert(Wrote);
    }
    if let Some(standing) = standing {
        pace::tell(&call.app.policies, response.headers_mut(), &standing);
    }
    Ok(response)
}

/// In which form a client takes an answer: the one that it names first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `application/json`, whose status says only whether the request was understood (GraphQL over HTTP, section
    /// 6.4.1).
    Plain,
    /// `application/graphql-response+json`
    Response,
    /// `text/event-stream`
    Events,
}

const RESPONSE: &str = "application/graphql-response+json";

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT).into_iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let ranges = lines.flat_map(|line| line.split(','));
        let mut types = ranges.filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let is_none = |it: &str| matches!(it, "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            (!parts.any(is_none)).then_some(name)
        });
        match types.find(|it| [RESPONSE, JSON, EVENT_STREAM].contains(it)) {
            Some(RESPONSE) => Self::Response,
            Some(EVENT_STREAM) => Self::Events,
            _ => Self::Plain,
        }
    }

    /// The answer where an operation is refused as a whole, before anything was resolved.
    async fn refuse(self, asked: &Asked, faults: &[Fault], request: &HeaderMap) -> Answer {
        let refused = Answered::refused(faults);
        let status = match self {
            Self::Response => StatusCode::BAD_REQUEST,
            Self::Plain | Self::Events => {
                // The status does not tell that it is charged for.
                pace::charge(&asked.app, &asked.asker, StatusCode::BAD_REQUEST);
                StatusCode::OK
            }
        };
        match self {
            Self::Events => Ok(stream::only(&refused)),
            _ => self.answer(refused, status, request).await,
        }
    }

    async fn answer(self, answered: Answered, status: StatusCode, request: &HeaderMap) -> Answer {
        let coding = Coding::negotiate(request, answered.text.len());
        let mut response: Response = representation::json(answered.text, coding).await?;
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        headers.insert(
            header::VARY,
            HeaderValue::from_static("accept, accept-encoding"),
        );
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(match self {
                Self::Plain | Self::Events => "application/json; charset=utf-8",
                Self::Response => "application/graphql-response+json; charset=utf-8",
            }),
        );
        Ok(response)
    }
}
