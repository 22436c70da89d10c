//! The way of a request to its operation.

use std::pin::Pin;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use detente_gate::Standing;
use detente_service::Principal;

use crate::app::App;
use crate::audit::{UnderWay, audited, denies};
use crate::explanation::Refused;
use crate::fields::must_be_placed;
use crate::gate::{self, Entry};
use crate::inbound::Inbound;
use crate::operations::{Operation, Resource, Scope};
use crate::pace::{self, Asker};
use crate::parameters::must_be_known;
use crate::problem::{Problem, ProblemKind};
use crate::representation::field;
use crate::resource::{Names, PathParts, Whereabouts};
use crate::site::Site;

/// What performs an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// For anybody.
    Open(for<'a> fn(&'a App, &'a PathParts, &'a Parts) -> Pending<'a>),
    /// For whoever passes the gate.
    Gated(for<'a> fn(&'a mut Call) -> Pending<'a>),
    /// Nothing does. No row of the table may be left like this.
    Missing,
}

pub(crate) type Pending<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

pub(crate) type Answer = Result<Response, Refused>;

/// For whoever passes the gate.
macro_rules! gated {
    ($run:expr) => {
        $crate::call::Run::Gated(|call| Box::pin($run(call)))
    };
}

/// For anybody.
macro_rules! open {
    ($run:expr) => {
        $crate::call::Run::Open(|app, path, parts| Box::pin($run(app, path, parts)))
    };
}

pub(crate) use {gated, open};

/// A request that passed the gate, on its way to its operation.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// By whose name requests are counted.
    pub(crate) asker: Asker,
    pub(crate) principal: Principal,
    pub(crate) site: Site,
    pub(crate) path: PathParts,
    pub(crate) inbound: Box<Inbound>,
}

impl Call {
    pub(crate) fn names(&self) -> Names<'_> {
        Names::of(&self.path)
    }
}

impl Resource {
    /// Performs the operation that a request asks for.
    pub(crate) async fn perform(
        &self,
        app: &Arc<App>,
        path: PathParts,
        inbound: Box<Inbound>,
    ) -> Result<Response, Problem> {
        let Some(operation) = self.operation(&inbound.parts.method) else {
            return self.otherwise(&inbound.parts.method);
        };
        let site = Site::found(&app.settings, &inbound.parts.extensions);
        match operation.run {
            Run::Gated(run) => enter(app, site, path, inbound, (self.scope, operation), run).await,
            Run::Open(run) => {
                must_be_known(operation, inbound.query())?;
                must_be_placed(&operation.misplaced, inbound.headers())?;
                let answer = run(app, &path, &inbound.parts).await;
                answer.map_err(|refused| refused.told(&site))
            }
            Run::Missing => Err(Problem::internal("an operation is not there")),
        }
    }

    /// The answer to a method that has no operation: OPTIONS, or one that is not known here.
    fn otherwise(&self, method: &Method) -> Result<Response, Problem> {
        let allow = self.allow();
        if *method != Method::OPTIONS {
            let detail = format!("{method} is not known here; {allow} are.");
            let problem = Problem::new(ProblemKind::MethodNotAllowed, detail);
            return Err(problem.header(header::ALLOW, &allow));
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, field(allow));
        if self.operations.iter().any(|row| row.method == "PROPFIND") {
            headers.insert("dav", HeaderValue::from_static(crate::dav::CLASSES));
            // Else programs of Microsoft's take it for a server that is none of WebDAV (MS-WDV, section 2.2).
            headers.insert("ms-author-via", HeaderValue::from_static("DAV"));
        }
        for (name, value) in self.accepts() {
            headers.insert(name, field(value));
        }
        Ok(response)
    }
}

/// Credentials become a principal, who may perform the operation, before it runs. A refusal leaves
/// no unread body behind.
async fn enter(
    app: &Arc<App>,
    site: Site,
    path: PathParts,
    mut inbound: Box<Inbound>,
    (scope, operation): (Scope, &Operation),
    run: for<'a> fn(&'a mut Call) -> Pending<'a>,
) -> Result<Response, Problem> {
    let place = Whereabouts { scope, path: &path };
    let entry = gate::admit(app, operation, place, &inbound.parts).await;
    let Entry {
        asker,
        principal,
        refused,
    } = entry;
    let placed = || -> Result<Option<Standing>, Refused> {
        if let Some(refused) = refused {
            // Whoever was refused too often is told to wait, whatever else they lack.
            pace::may_fail(app, &asker)?;
            return Err(refused);
        }
        let standing = match operation.action.class() {
            Some(class) => pace::check(app, &asker, class)?,
            None => None,
        };
        must_be_known(operation, inbound.query())?;
        must_be_placed(&operation.misplaced, inbound.headers())?;
        Ok(standing)
    };
    let (principal, standing) = match (principal, placed()) {
        (Some(principal), Ok(standing)) => (principal, standing),
        (principal, refused) => {
            Box::pin(inbound.drain()).await;
            let nobody = || Problem::internal("a request was let in for nobody").into();
            let refused = refused.err().unwrap_or_else(nobody);
            let by = principal.as_ref().map(|it| &it.name);
            return leave(app, &asker, by, operation, Err(refused.told(&site)));
        }
    };
    let mut call = Call {
        app: Arc::clone(app),
        asker,
        principal,
        site,
        path,
        inbound,
    };
    let audit = call.app.settings.audit;
    let under_way = UnderWay::of(audit, operation, &call.principal.name, &call.inbound.parts);
    let answer = match see_all(&call, scope).await {
        Ok(()) => run(&mut call).await,
        Err(refused) => Err(refused),
    };
    let answer = match answer {
        Ok(mut response) => {
            if let Some(standing) = standing {
                pace::tell(&call.app.policies, response.headers_mut(), &standing);
            }
            Ok(response)
        }
        Err(refused) => {
            Box::pin(call.inbound.drain()).await;
            Err(refused.told(&call.site))
        }
    };
    if let Some(under_way) = under_way {
        under_way.end();
    }
    let by = Some(&call.principal.name);
    leave(&call.app, &call.asker, by, operation, answer)
}

/// Waits until what was acknowledged before the request came, on any node, shows in what is read for
/// it. PUT, PATCH and DELETE need not wait: they are decided on what is current when they are written.
async fn see_all(call: &Call, scope: Scope) -> Result<(), Refused> {
    let service = &call.app.service;
    let decides = [Method::PUT, Method::PATCH, Method::DELETE];
    // Each operation of GraphQL sees to it by itself.
    let has_none = [Scope::Server, Scope::Graphql].contains(&scope);
    if !service.lags() || has_none || decides.contains(&call.inbound.parts.method) {
        return Ok(());
    }
    match call.names().space() {
        Ok(space) => Ok(Box::pin(service.fresh(space)).await?),
        // The operation says what is wrong with it.
        Err(_) => Ok(()),
    }
}

/// Counts and notes what became of a request that came to the gate: `by` is who it was, if that came to
/// be known.
fn leave(
    app: &App,
    asker: &Asker,
    by: Option<&Arc<str>>,
    operation: &Operation,
    answer: Result<Response, Problem>,
) -> Result<Response, Problem> {
    let denies = denies(&answer);
    let status = match &answer {
        Ok(_) if denies => StatusCode::FORBIDDEN,
        Ok(response) => response.status(),
        Err(problem) => problem.kind.describe().status,
    };
    pace::charge(app, asker, status);
    audited(app.settings.audit, operation, by, denies, answer)
}
