use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_core::CollectionKey;
use detente_gate::Class;
use detente_graphql::{
    Answer as Answered, Api, Completion, Fault, Kind, Plan, Resolved, Resolver, Step,
};
use detente_service::{Place, Principal, offload};
use tokio::sync::oneshot;

use super::arguments::Arguments;
use super::request::Request;
use crate::app::App;
use crate::audit;
use crate::call::Call;
use crate::explanation::Refused;
use crate::gate;
use crate::operations::{BATCHED, Required, SEE};
use crate::pace::{self, Asker};
use crate::problem::Problem;
use crate::resource::bad_name;
use crate::site::Site;

/// Who asks, of which space.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(super) app: Arc<App>,
    pub(super) api: Arc<Api>,
    pub(super) asker: Asker,
    pub(super) principal: Principal,
    pub(super) site: Site,
    pub(super) space: String,
    /// The path of the request, for the `instance` of problems.
    pub(super) path: String,
    denied: Arc<AtomicBool>,
}

/// What an operation counts as.
pub(super) fn class(kind: Kind) -> Class {
    match kind {
        Kind::Mutation => Class::Writes,
        Kind::Query | Kind::Subscription => Class::Reads,
    }
}

impl Asked {
    pub(super) fn by(call: &Call) -> Result<Self, Refused> {
        let graphql = &call.app.settings.graphql;
        let none = || {
            let why = graphql.why_off().into_iter().map(|why| format!(" {why}"));
            Problem::not_found(format!(
                "This server has no GraphQL.{}",
                why.collect::<String>()
            ))
        };
        let api = graphql.api.clone().ok_or_else(none)?;
        Ok(Self {
            api,
            app: Arc::clone(&call.app),
            asker: call.asker.clone(),
            principal: call.principal.clone(),
            site: call.site.clone(),
            space: call.names().space()?.to_owned(),
            path: call.inbound.path().to_owned(),
            denied: Arc::default(),
        })
    }

    /// The same, for another operation of its own.
    pub(super) fn again(&self) -> Self {
        Self {
            denied: Arc::default(),
            ..self.clone()
        }
    }

    /// Whether some field was denied for who asks.
    pub(super) fn was_denied(&self) -> bool {
        self.denied.load(Ordering::Relaxed)
    }

    pub(super) fn note_denial(&self) {
        self.denied.store(true, Ordering::Relaxed);
    }

    /// Whether the credentials of who asks have ended.
    pub(super) fn has_expired(&self) -> bool {
        let now = self.app.service.writer().time().now;
        self.principal.until.is_some_and(|until| until <= now)
    }

    /// What is to be resolved of what was sent.
    pub(super) async fn plan(&self, sent: Request) -> Result<Plan, Vec<Fault>> {
        let (api, query) = (Arc::clone(&self.api), sent.query);
        let document = offload(query.len(), move || api.document(&query)).await;
        let document = document.map_err(|explanation| vec![self.fault(explanation.into())])??;
        let bounds = &self.app.settings.graphql.bounds;
        let operation = sent.operation.as_deref();
        Plan::of(&self.api, document, operation, sent.variables, bounds)
    }

    /// Performs a query or a mutation for a request. A mutation that was begun is performed to its end, and noted,
    /// whether or not somebody still waits for its answer.
    pub(super) async fn perform_whole(&self, plan: Plan) -> Result<Answered, Refused> {
        if plan.kind != Kind::Mutation {
            return Ok(self.perform(&plan).await);
        }
        let (answer, answered) = oneshot::channel();
        let asked = self.clone();
        tokio::spawn(async move {
            let done = asked.perform(&plan).await;
            if answer.send(done).is_err() {
                asked.note(plan.kind);
            }
        });
        let broken = |_| Problem::internal("a mutation broke off");
        Ok(answered.await.map_err(broken)?)
    }

    /// Performs a query or a mutation: field by field, each of which is written before the next is resolved.
    pub(super) async fn perform(&self, plan: &Plan) -> Answered {
        let seen = match plan.kind {
            // A mutation is decided on what is current when it is written.
            Kind::Query if self.app.service.lags() => self.app.service.fresh(&self.space).await,
            _ => Ok(()),
        };
        if let Err(explanation) = seen {
            return Answered::refused(&[self.refuse(explanation.into())]);
        }
        let mut completion = Completion::new(&self.api, plan);
        let mut is_first = true;
        for step in &plan.steps {
            if completion.is_over() {
                break;
            }
            if completion.meta(step) {
                continue;
            }
            // The request was counted for the first one.
            let counted = match is_first {
                true => Ok(None),
                false => pace::check(&self.app, &self.asker, class(plan.kind)),
            };
            is_first = false;
            let resolved = match counted {
                Ok(_) => self.resolve(step).await,
                Err(problem) => Err(problem.into()),
            };
            let failed = |refused| Resolved::failed(self.refuse(refused));
            completion.put(step, resolved.unwrap_or_else(failed));
        }
        completion.finish()
    }

    /// Notes what became of an operation that is no request of its own.
    pub(super) fn note(&self, kind: Kind) {
        let denied = self.was_denied();
        let is_write = kind == Kind::Mutation;
        audit::note_within(
            self.app.settings.audit,
            &self.principal.name,
            &self.path,
            is_write,
            denied,
        );
    }

    /// What a field of the root comes to.
    async fn resolve(&self, step: &Step) -> Result<Resolved<'static>, Refused> {
        let missing = || Problem::internal("a field of the schema resolves to nothing");
        let field = self.api.field(step.name()).ok_or_else(missing)?;
        let arguments = Arguments::of(step);
        let of = field.collection.as_ref();
        match (field.resolver, of) {
            (Resolver::One, Some(of)) => self.one(step, of, arguments).await,
            (Resolver::Many, Some(of)) => self.many(step, of, arguments).await,
            (Resolver::Versions, Some(of)) => self.versions(of, arguments).await,
            (Resolver::Preview, Some(of)) => self.preview(step, of, arguments).await,
            (
                Resolver::Create | Resolver::Replace | Resolver::Patch | Resolver::Delete,
                Some(of),
            ) => self.write(step, field.resolver, of, arguments).await,
            (Resolver::Merge, Some(of)) => self.merge(step, of, arguments).await,
            (Resolver::Position, _) => self.position(),
            (Resolver::Conflicts, _) => {
                self.must_be_let_in(&SEE)?;
                self.conflicts(arguments).await
            }
            (Resolver::Conflict, _) => {
                self.must_be_let_in(&SEE)?;
                self.conflict(arguments).await
            }
            (Resolver::Resolve, _) => self.settle(step, arguments).await,
            (Resolver::Dismiss, _) => self.dismiss(arguments).await,
            (Resolver::Batch, _) => {
                self.must_be_let_in(&BATCHED)?;
                self.batch(step, arguments).await
            }
            _ => Err(missing().into()),
        }
    }

    /// What the gate of REST asks of whoever wants the same there, beside what the service asks.
    fn must_be_let_in(&self, required: &Required) -> Result<(), Refused> {
        let actions = required.actions(|_| false);
        let place = Place::Space(&self.space);
        Ok(gate::must(
            &self.principal,
            actions,
            actions.first(),
            place,
        )?)
    }

    /// The collection that a field is about.
    pub(super) fn collection(
        &self,
        of: &detente_graphql::CollectionType,
        arguments: Arguments<'_>,
    ) -> Result<CollectionKey, Refused> {
        let name = of.name.as_deref();
        let name = match name {
            Some(name) => name,
            None => arguments.name("collection")?.unwrap_or_default(),
        };
        let collection = CollectionKey::new(&self.space, name).map_err(bad_name)?;
        self.app.service.collection(name)?;
        Ok(collection)
    }
}
