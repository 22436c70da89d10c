use std::sync::Arc;

use crate::explanation::{Explanation, What};

/// Who asks, and what they may do. A face makes it from credentials before anything else happens.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Becomes `updated_by`.
    pub name: Arc<str>,
    pub rights: Rights,
    /// The program that asks, as it calls itself, where it asks for a write.
    pub agent: Option<Arc<str>>,
}

/// The longest name of somebody who writes, in bytes.
pub const MAX_ACTOR: usize = 128;

/// Whether somebody who writes may have this name.
pub fn is_actor(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_ACTOR && !name.contains(char::is_control)
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    /// Settle a conflict of the log.
    Resolve,
    /// Take a lock away from whoever holds it.
    BreakLock,
    /// See how the server does.
    Operate,
}

/// Which actions somebody may perform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    pub read: bool,
    pub write: bool,
    pub break_locks: bool,
}

impl Rights {
    /// Whoever has these may do anything.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        break_locks: true,
    };
}

impl Principal {
    /// Whether the principal may do this.
    pub fn may(&self, action: Action) -> bool {
        let Rights {
            read,
            write,
            break_locks,
        } = self.rights;
        match action {
            Action::Read | Action::Operate => read,
            Action::Create | Action::Update | Action::Delete => write,
            Action::Resolve => read && write,
            Action::BreakLock => write && break_locks,
        }
    }

    /// # Errors
    ///
    /// [`What::Denied`].
    pub fn must(&self, action: Action) -> Result<(), Box<Explanation>> {
        if self.may(action) {
            return Ok(());
        }
        let by = Arc::clone(&self.name);
        Err(What::Denied { by, action }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_allow_what_they_name() {
        use Action::{BreakLock, Create, Delete, Operate, Read, Resolve, Update};
        let all = [Read, Create, Update, Delete, Resolve, BreakLock, Operate];
        let cases: [(bool, bool, bool, &[Action]); 5] = [
            // (read, write, break locks, what that allows)
            (true, false, false, &[Read, Operate]),
            (false, true, false, &[Create, Update, Delete]),
            (true, false, true, &[Read, Operate]),
            (false, true, true, &[Create, Update, Delete, BreakLock]),
            (true, true, true, &all),
        ];
        for (read, write, break_locks, allowed) in cases {
            let rights = Rights {
                read,
                write,
                break_locks,
            };
            let principal = Principal {
                name: "a".into(),
                rights,
                agent: None,
            };
            for action in all {
                let expected = allowed.contains(&action);
                assert_eq!(principal.may(action), expected, "{rights:?} {action:?}");
            }
        }
    }
}
