use std::collections::HashMap;

use crate::json::Pointer;

/// How two edits of one value are joined when both sides changed it, differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Two objects: member by member. Anything else is a conflict, arrays as a whole.
    #[default]
    Manual,
    /// A conflict, whatever was changed in it.
    Atomic,
    /// The values at these places belong together, the place of the strategy among them: a conflict
    /// if both sides touch any of them.
    Group(Vec<Pointer>),
    /// The writer that commits later wins, which is ours.
    LastWriter,
    /// The writer that committed first wins, which is theirs.
    FirstWriter,
    /// Line by line, then word by word.
    Text,
    /// An array without order or repetition.
    Set,
    /// An array of objects that this member of theirs tells apart.
    KeyedList { key: Pointer },
    /// Both differences count.
    Counter,
    /// The larger number, the later instant.
    Max,
    /// The smaller number, the earlier instant.
    Min,
    /// Both sides add at the end.
    Append,
    /// Computed by somebody else; what a writer sends is passed over.
    Derived,
}

/// The strategies of one collection, by place. A token `*` stands for every member and every
/// element. What no place names is [`Strategy::Manual`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strategies {
    own: Option<Strategy>,
    children: HashMap<String, Strategies>,
}

impl Strategy {
    /// As it is written in a configuration and told in a report.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Atomic => "atomic",
            Self::Group(_) => "group",
            Self::LastWriter => "last-writer",
            Self::FirstWriter => "first-writer",
            Self::Text => "text",
            Self::Set => "set",
            Self::KeyedList { .. } => "keyed-list",
            Self::Counter => "counter",
            Self::Max => "max",
            Self::Min => "min",
            Self::Append => "append",
            Self::Derived => "derived",
        }
    }
}

impl Strategies {
    /// Declares the strategy of a place.
    pub fn set(&mut self, place: &Pointer, strategy: Strategy) {
        let mut at = self;
        for token in place.tokens() {
            at = at.children.entry(token.clone()).or_default();
        }
        at.own = Some(strategy);
    }

    /// The strategy of a place.
    pub fn at(&self, place: &Pointer) -> Option<&Strategy> {
        let mut at = self;
        for token in place.tokens() {
            at = at.children.get(token).or_else(|| at.children.get("*"))?;
        }
        at.own.as_ref()
    }

    /// The name of the strategy of a place.
    pub fn name_at(&self, place: &Pointer) -> &'static str {
        self.at(place).unwrap_or(&Strategy::Manual).name()
    }
}
