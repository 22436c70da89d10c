use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use super::keyed_list;
use crate::json::{Pointer, Value};

/// How two edits of one value are joined if both sides changed it in different ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Two objects are joined member by member. Anything else is a conflict, arrays as a whole.
    #[default]
    Manual,
    /// A conflict, whatever was changed inside.
    Atomic,
    /// The values at these places, including the place of the strategy, belong together: a conflict
    /// if both sides change any of them. The places are pointers into the document, without `*`.
    Group(Vec<Pointer>),
    /// The writer that commits later wins: ours.
    LastWriter,
    /// The writer that committed first wins: theirs.
    FirstWriter,
    /// Line by line, then word by word.
    Text,
    /// An array without order or repetition.
    Set,
    /// An array of objects that are identified by this member.
    KeyedList { key: Pointer },
    /// Both differences are added.
    Counter,
    /// The larger number, the later instant.
    Max,
    /// The smaller number, the earlier instant.
    Min,
    /// Both sides add at the end.
    Append,
    /// Computed by a program; theirs stays.
    Derived,
}

impl Strategy {
    /// The name in configurations and reports.
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

/// The strategies of one collection, by place. A place without one has [`Strategy::Manual`].
///
/// A token `*` stands for every member and every element; an exact token takes precedence. Below a
/// keyed list the token of an element is its key.
///
/// ```
/// use detente_core::merge::{Strategies, Strategy};
///
/// let mut strategies = Strategies::default();
/// strategies.set(&"/pages/*/views".parse()?, Strategy::Counter);
/// strategies.set(&"/pages/home/views".parse()?, Strategy::Max);
///
/// assert_eq!(strategies.at(&"/pages/about/views".parse()?), Some(&Strategy::Counter));
/// assert_eq!(strategies.at(&"/pages/home/views".parse()?), Some(&Strategy::Max));
/// assert_eq!(strategies.at(&"/pages".parse()?), None);
/// # Ok::<(), detente_core::json::PointerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strategies {
    declared: Declared,
    /// The place that declared each group, and all places of the group.
    groups: Vec<(Pointer, Vec<Pointer>)>,
}

/// One place of the tree, and the places below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Declared {
    own: Option<Strategy>,
    children: HashMap<String, Declared>,
}

impl Strategies {
    /// Declares the strategy of a place, replacing an earlier one.
    pub fn set(&mut self, place: &Pointer, strategy: Strategy) {
        self.groups.retain(|(owner, _)| owner != place);
        if let Strategy::Group(others) = &strategy {
            let mut places = vec![place.clone()];
            places.extend(others.iter().filter(|other| *other != place).cloned());
            self.groups.push((place.clone(), places));
        }
        let mut at = &mut self.declared;
        for token in place.tokens() {
            at = at.children.entry(token.clone()).or_default();
        }
        at.own = Some(strategy);
    }

    /// The strategy of a place: the one declared there, or that of the group that contains it.
    pub fn at(&self, place: &Pointer) -> Option<&Strategy> {
        let group = || {
            let mut groups = self.groups.iter();
            let (owner, _) = groups.find(|(_, places)| places.contains(place))?;
            self.declared_at(owner)
        };
        self.declared_at(place).or_else(group)
    }

    /// The name of the strategy of a place.
    pub fn name_at(&self, place: &Pointer) -> &'static str {
        self.at(place).unwrap_or(&Strategy::Manual).name()
    }

    /// Looks for values of a document at the places of conflicts or choices.
    pub fn finder<'v>(&'v self, document: &'v Value) -> Finder<'v> {
        Finder {
            strategies: self,
            document,
            lists: RefCell::default(),
        }
    }

    fn declared_at(&self, place: &Pointer) -> Option<&Strategy> {
        let all = Here::from(self);
        let tokens = place.tokens().iter();
        tokens.fold(all, |at, token| at.below(token)).own()
    }

    /// Whether nothing was declared for any place.
    pub fn is_empty(&self) -> bool {
        self.declared == Declared::default()
    }

    /// The places of each group.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[Pointer]> {
        self.groups.iter().map(|(_, places)| places.as_slice())
    }
}

/// Finds values of one document by the places of conflicts or choices: in a keyed list, elements are
/// found by key, in an index that is built once.
pub struct Finder<'v> {
    strategies: &'v Strategies,
    document: &'v Value,
    lists: RefCell<Lists<'v>>,
}

/// The elements of keyed lists by their tokens, for each list.
type Lists<'v> = HashMap<*const Value, HashMap<Cow<'v, str>, &'v Value>>;

impl<'v> Finder<'v> {
    /// The value at a place.
    pub fn at(&self, place: &Pointer) -> Option<&'v Value> {
        let mut here = Here::from(self.strategies);
        let mut value = self.document;
        for token in place.tokens() {
            value = match (here.own(), value) {
                (Some(Strategy::KeyedList { key }), Value::Array(_)) => {
                    self.element(value, key, token)?
                }
                (_, Value::Object(members)) => members.get(token.as_str())?,
                (_, Value::Array(items)) => items.get(Pointer::index(token)?)?,
                _ => return None,
            };
            here = here.below(token);
        }
        Some(value)
    }

    fn element(&self, list: &'v Value, key: &Pointer, token: &str) -> Option<&'v Value> {
        let mut lists = self.lists.borrow_mut();
        let elements = lists
            .entry(std::ptr::from_ref(list))
            .or_insert_with(|| keyed_list::by_token(list, key));
        elements.get(token).copied()
    }
}

/// What was declared for one place of a document, by name and by `*`, the most specific first.
#[derive(Default)]
pub(super) struct Here<'a> {
    first: Option<&'a Declared>,
    // Needed only if names and `*` both match, so that the usual place allocates nothing.
    others: Vec<&'a Declared>,
}

impl<'a> Here<'a> {
    pub(super) fn below(&self, token: &str) -> Self {
        let mut below = Self::default();
        for declared in self.all() {
            below.push(declared.children.get(token));
            if token != "*" {
                below.push(declared.children.get("*"));
            }
        }
        below
    }

    fn push(&mut self, declared: Option<&'a Declared>) {
        match declared {
            Some(found) if self.first.is_some() => self.others.push(found),
            Some(_) => self.first = declared,
            None => {}
        }
    }

    fn all(&self) -> impl Iterator<Item = &'a Declared> {
        self.first.iter().chain(&self.others).copied()
    }

    pub(super) fn own(&self) -> Option<&'a Strategy> {
        self.all().find_map(|declared| declared.own.as_ref())
    }

    /// Whether any place below has its own strategy.
    pub(super) fn reaches_below(&self) -> bool {
        self.all().any(|declared| !declared.children.is_empty())
    }
}

impl<'a> From<&'a Strategies> for Here<'a> {
    fn from(strategies: &'a Strategies) -> Self {
        let declared = &strategies.declared;
        let is_empty = declared.own.is_none() && declared.children.is_empty();
        Self {
            first: (!is_empty).then_some(declared),
            others: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_goes_before_a_star_and_a_star_fills_what_the_name_leaves_open() {
        let mut strategies = Strategies::default();
        assert!(strategies.is_empty());
        let declared = [
            ("/a/*", Strategy::Set),
            ("/*/b", Strategy::Max),
            ("/x/y/z", Strategy::Append),
            ("/x/*/w", Strategy::Counter),
            ("/*", Strategy::Atomic),
            ("/*/*/*/*", Strategy::Min),
            ("/*", Strategy::Text),
        ];
        for (place, strategy) in declared {
            strategies.set(&pointer(place), strategy);
        }
        assert!(!strategies.is_empty());
        let cases = [
            ("", None),
            ("/a", Some(Strategy::Text)),
            ("/a/b", Some(Strategy::Set)),
            ("/c/b", Some(Strategy::Max)),
            ("/c/d", None),
            ("/x/y", None),
            ("/x/y/z", Some(Strategy::Append)),
            ("/x/y/w", Some(Strategy::Counter)),
            ("/x/y/w/v", Some(Strategy::Min)),
            ("/*/b", Some(Strategy::Max)),
        ];
        for (place, strategy) in cases {
            assert_eq!(strategies.at(&pointer(place)), strategy.as_ref(), "{place}");
        }
    }

    #[test]
    fn a_group_holds_at_all_its_places_until_its_owner_declares_otherwise() {
        let mut strategies = Strategies::default();
        let group = Strategy::Group(vec![pointer("/end"), pointer("/start")]);
        strategies.set(&pointer("/start"), group.clone());
        assert_eq!(strategies.at(&pointer("/start")), Some(&group));
        assert_eq!(strategies.at(&pointer("/end")), Some(&group));
        assert_eq!(
            strategies.groups().collect::<Vec<_>>(),
            [[pointer("/start"), pointer("/end")]]
        );
        strategies.set(&pointer("/start"), Strategy::Atomic);
        assert_eq!(strategies.at(&pointer("/end")), None);
        assert_eq!(strategies.groups().count(), 0);
    }
}
