use std::collections::VecDeque;
use std::sync::Arc;

use detente_core::json::Value;
use detente_graphql::{
    Answer as Answered, CollectionType, Completion, Fault, Plan, Resolved, Resolver, Step,
};
use detente_service::{Action, FeedForm, Place, Position, Scope, TouchedVersion};

use super::arguments::{Arguments, mistake};
use super::asked::Asked;
use super::node::Change;
use crate::explanation::Refused;
use crate::following::{Came, Following};
use crate::problem::Problem;

/// A subscription under way: versions as they come, each as its plan wants it.
pub(super) struct Subscription {
    asked: Asked,
    plan: Plan,
    following: Following,
    ready: VecDeque<TouchedVersion>,
}

/// What came of a subscription.
pub(super) enum Event {
    Answer(Answered),
    /// Nothing, for some time.
    Silence,
}

impl Asked {
    /// Begins a subscription.
    pub(super) async fn subscribe(&self, plan: Plan) -> Result<Subscription, Fault> {
        let following = match plan.steps.first() {
            Some(step) => self.follow(step).await?,
            None => return Err(self.fault(Problem::internal("a subscription to nothing").into())),
        };
        Ok(Subscription {
            asked: self.clone(),
            plan,
            following,
            ready: VecDeque::new(),
        })
    }

    async fn follow(&self, step: &Step) -> Result<Following, Fault> {
        let arguments = Arguments::of(step);
        let scope = self.scope(step, arguments).await;
        let scope = scope.map_err(|refused| self.refuse(refused))?;
        let service = &self.app.service;
        // Whoever may not follow learns nothing of positions either.
        let may = service.may_follow(&self.principal, &scope);
        may.map_err(|explanation| self.refuse(explanation.into()))?;
        let since = self.since(arguments)?;
        let follower = service.follow(&self.principal, scope, FeedForm::default(), since.seq);
        let follower = follower.map_err(|explanation| self.refuse(explanation.into()))?;
        Ok(Following::new(&self.app, follower))
    }

    /// What a subscription is about.
    async fn scope(&self, step: &Step, arguments: Arguments<'_>) -> Result<Scope, Refused> {
        let field = self.api.field(step.name());
        let of = field.and_then(|it| it.collection.as_ref());
        let collection = match of {
            Some(of) => Some(self.collection(of, arguments)?),
            None => None,
        };
        if let (Some(collection), Some(_)) = (&collection, arguments.text("id")) {
            // It says what is wrong with it.
            arguments.key(collection)?;
        }
        if self.app.service.lags() {
            self.app.service.fresh(&self.space).await?;
        }
        Ok(Scope {
            space: self.space.clone(),
            collection: collection.map(|it| it.collection.to_string()),
            id: arguments.name("id")?.map(str::to_owned),
        })
    }

    /// Where a subscription begins: now, if it does not say.
    fn since(&self, arguments: Arguments<'_>) -> Result<Position, Fault> {
        let service = &self.app.service;
        let last = service.last_position(&self.space);
        let Some(text) = arguments.text("since").filter(|text| *text != "now") else {
            return Ok(last);
        };
        let since: Position = text.parse().map_err(|()| {
            let what = "must be a position, 0 for the beginning, or now";
            self.refuse(mistake("since", what).into())
        })?;
        if service.has_position(&self.space, since) {
            return Ok(since);
        }
        // An older copy of the store was put back: what the client knows of later versions is no longer so.
        let message = "The log does not have this position: an older copy of the store was put back. Read all again, \
                       and begin with 0.";
        let fault = Fault::new("POSITION_GONE", message).with("status", "410");
        Err(fault.with("last", Value::from(last.to_string()).to_text()))
    }

    /// Where the log of the space ends: whoever reads first, and then follows from there, misses nothing.
    pub(super) fn position(&self) -> Result<Resolved<'static>, Refused> {
        self.principal
            .must(Action::Read, Place::Space(&self.space))?;
        let last = self.app.service.last_position(&self.space);
        Ok(Resolved::from(last.to_string()))
    }

    /// A version as a field of the root has it.
    async fn change(
        &self,
        step: &Step,
        change: &TouchedVersion,
    ) -> Result<Resolved<'static>, Refused> {
        let key = &change.stored.key;
        let of: Option<&Arc<CollectionType>> = self.api.collection(key.collection());
        let field = self.api.field(step.name());
        let declared = field.and_then(|it| it.collection.as_ref());
        let Some(of) = declared.or(of) else {
            // A collection that is declared no longer: its documents have no type.
            return Ok(Resolved::Null);
        };
        let is_of_all = field.is_some_and(|it| it.resolver == Resolver::Changes);
        let type_name = match is_of_all {
            true => "Change",
            false => &of.change_type,
        };
        let wanted = step.selection().named("document").map(Step::selection);
        let loaded = self.load_of(key, wanted).await;
        let position = self.app.service.position(change.stored.seq).to_string();
        Ok(Resolved::object(Change::of(
            change, type_name, position, of, loaded,
        )))
    }
}

impl Subscription {
    /// What comes next; `None` at its end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(Event::Answer(self.answer(&change).await));
            }
            match self.following.next().await? {
                Came::Silence => return Some(Event::Silence),
                Came::Page(page) => self.ready.extend(page.changes),
            }
        }
    }

    async fn answer(&self, change: &TouchedVersion) -> Answered {
        let mut completion = Completion::new(&self.asked.api, &self.plan);
        for step in &self.plan.steps {
            if completion.meta(step) {
                continue;
            }
            let resolved = self.asked.change(step, change).await;
            let failed = |refused| Resolved::failed(self.asked.refuse(refused));
            completion.put(step, resolved.unwrap_or_else(failed));
        }
        completion.finish()
    }
}
