use detente_gate::Class;
use detente_service::Action;

use super::Parameter;

/// The action that an operation requires.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Required {
    /// Everybody may do this, without credentials.
    Nothing,
    Always(Action),
    /// The query decides: `then` if the parameter is `true`.
    Switched {
        by: &'static Parameter,
        then: Action,
        otherwise: Action,
    },
    /// One of these, depending on the body or on what is stored. The gate refuses a caller who may do
    /// none of them; the service asks for the one that it is.
    Any(&'static [Action]),
    /// Each field of what is sent has its own: the service asks for them. Whoever asks must be known.
    ByField,
}

impl Required {
    /// The caller must be allowed to do one of these actions. `is_true` says whether a parameter of the
    /// query is `true`.
    pub(crate) fn actions(&self, is_true: impl FnOnce(&Parameter) -> bool) -> &[Action] {
        match self {
            Self::Nothing => &[],
            Self::Always(action) => std::slice::from_ref(action),
            Self::Switched {
                by,
                then,
                otherwise,
            } => std::slice::from_ref(if is_true(by) { then } else { otherwise }),
            Self::Any(actions) => actions,
            Self::ByField => &[],
        }
    }

    /// Every action that it may require.
    pub(crate) fn every(&self) -> Vec<Action> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Always(action) => vec![*action],
            Self::Switched {
                then, otherwise, ..
            } => vec![*otherwise, *then],
            Self::Any(actions) => actions.to_vec(),
            Self::ByField => Vec::new(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether the operation can change what is stored.
    pub(crate) fn is_write(&self) -> bool {
        let writes = |action: &Action| !matches!(action, Action::Read | Action::Operate);
        let actions = self.actions(|_| false);
        !actions.is_empty() && actions.iter().all(writes)
    }

    /// Which requests it counts among; `None`: what is sent says so.
    pub(crate) fn class(&self) -> Option<Class> {
        match (self, self.is_write()) {
            (Self::ByField, _) => None,
            (_, true) => Some(Class::Writes),
            (_, false) => Some(Class::Reads),
        }
    }
}
