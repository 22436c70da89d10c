use super::Obstacle;
use crate::json::{Pointer, Value};

/// How two edits of one place conflict. Ours is the writer's, theirs is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision {
    /// Both changed the value.
    EditEdit,
    /// Ours removed what theirs changed.
    DeleteEdit,
    /// Ours changed what theirs removed.
    EditDelete,
    /// Both added a value where there was none.
    AddAdd,
    /// Both changed the value, to different types, or to a type that the strategy cannot join.
    Type,
    /// Both reordered the elements of a keyed list.
    Order,
    /// Both changed the same words, or moved the same line.
    Text,
    /// Each side is valid, but the merged document is not.
    Constraint,
    /// The patch does not apply to its base, or the strategy cannot be applied to the values.
    Inapplicable,
}

/// One place where ours and theirs exclude each other. `None` means absent, which is not null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The token of an element of a keyed list is its key.
    pub path: Pointer,
    pub collision: Collision,
    /// The name of the strategy that could not join the two.
    pub strategy: &'static str,
    pub base: Option<Value>,
    pub ours: Option<Value>,
    pub theirs: Option<Value>,
    /// Where the strategy cannot join such values: why.
    pub obstacle: Option<Obstacle>,
}

impl Collision {
    /// The name in a problem.
    pub fn name(self) -> &'static str {
        match self {
            Self::EditEdit => "edit-edit",
            Self::DeleteEdit => "delete-edit",
            Self::EditDelete => "edit-delete",
            Self::AddAdd => "add-add",
            Self::Type => "type",
            Self::Order => "order",
            Self::Text => "text",
            Self::Constraint => "constraint",
            Self::Inapplicable => "inapplicable",
        }
    }

    pub(super) fn of(base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Self {
        match (base, ours, theirs) {
            (None, ..) => Self::AddAdd,
            (_, None, _) => Self::DeleteEdit,
            (_, _, None) => Self::EditDelete,
            (_, Some(ours), Some(theirs)) if ours.type_of() != theirs.type_of() => Self::Type,
            _ => Self::EditEdit,
        }
    }
}
