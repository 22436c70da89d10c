use std::sync::Arc;

use detente_core::json::{Value, object};
use detente_core::{Command, Edit, Key, Moment};

use crate::Outcome;
use crate::explanation::{Bar, What};
use crate::policy::Collection;
use crate::rights::{Action, Place, Rights};

/// Who asks, and what they may do. A face makes it from credentials before anything else happens.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Becomes `updated_by`.
    pub name: Arc<str>,
    pub rights: Arc<Rights>,
    /// What the access rules of collections find in `caller`: an object with `name`, `roles` and
    /// whatever else the credentials say. `None`: no more than the name is known.
    pub caller: Option<Arc<Value>>,
    /// When the credentials end, if they do. Whatever they opened, such as a feed, ends then too.
    pub until: Option<Moment>,
    /// The program that asks, as it calls itself, where it asks for a write.
    pub agent: Option<Arc<str>>,
}

/// The longest name of somebody who writes, in bytes.
pub const MAX_ACTOR: usize = 128;

/// Whether somebody who writes may have this name.
pub fn is_actor(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_ACTOR && !name.contains(char::is_control)
}

impl Principal {
    /// What access rules find in `caller`.
    pub fn caller(&self) -> Arc<Value> {
        let known = || {
            let name = Value::from(&*self.name);
            let roles = Value::Array(Vec::new());
            Arc::new(Value::from(object([("name", name), ("roles", roles)])))
        };
        self.caller.as_ref().map_or_else(known, Arc::clone)
    }

    /// A command of theirs, without preconditions or lock.
    pub(crate) fn command(&self, collection: &Collection, key: Key, edit: Edit) -> Command {
        let is_open = collection.rules.rules.access.is_open();
        Command {
            caller: (!is_open).then(|| self.caller()),
            ..Command::new(key, edit, Arc::clone(&self.name))
        }
    }

    /// Whether the principal may do this there.
    pub fn may<'a>(&self, action: Action, place: impl Into<Place<'a>>) -> bool {
        // Mostly it is, and then the place does not matter.
        self.rights.allow_everywhere(action) || self.rights.allow(action, place.into())
    }

    /// # Errors
    ///
    /// [`What::Denied`].
    pub fn must<'a>(&self, action: Action, place: impl Into<Place<'a>>) -> Outcome<()> {
        match self.may(action, place) {
            true => Ok(()),
            false => Err(What::denied(&self.name, action, Bar::Right).into()),
        }
    }
}
