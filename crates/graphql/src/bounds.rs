//! How much a request may ask for. It is known before anything is resolved.

use std::collections::HashMap;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::introspection::check_max_depth;
use apollo_compiler::validation::Valid;
use detente_core::json::Object;
use detente_core::json::Value;

use crate::fault::Fault;

/// How many tokens a document may have, with those of space between them.
pub(crate) const MAX_TOKENS: usize = 10_000;

/// How deep selections and values may be nested in a document.
pub(crate) const MAX_NESTING: usize = 64;

/// How many items a list may be asked for at a time.
pub const MAX_FIRST: u64 = 1000;

/// How many mistakes of a document are told.
pub(crate) const MAX_FAULTS: usize = 20;

/// How much one request may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How deep fields may be within fields. Those of introspection have a bound of their own.
    pub depth: usize,
    /// How many values the answer may have: each field counts one, and those within a list as often as the list
    /// may have items.
    pub complexity: u64,
    /// How many fields may have another name than their own.
    pub aliases: u64,
    /// How long the answer may be, in bytes.
    pub answer_bytes: usize,
    /// Whether the schema may be asked for.
    pub introspection: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            depth: 15,
            complexity: 50_000,
            aliases: 100,
            answer_bytes: 8 * 1024 * 1024,
            introspection: true,
        }
    }
}

impl Bounds {
    /// Refuses an operation that asks for more.
    pub(crate) fn admit(
        &self,
        document: &Valid<ExecutableDocument>,
        operation: &Operation,
        variables: &Object,
    ) -> Result<(), Fault> {
        let mut weighing = Weighing {
            document,
            variables,
            fragments: HashMap::new(),
            asks_for_schema: false,
        };
        let weight = weighing.set(&operation.selection_set);
        let over = |what: &str, is: u64, most: u64| {
            let message = format!("The operation {what}: {is} of at most {most}.");
            Err(Fault::over(message, most))
        };
        if weighing.asks_for_schema && !self.introspection {
            return Err(Fault::new(
                Fault::VALIDATION,
                "This server does not tell its schema. __typename is told.",
            ));
        }
        if weighing.asks_for_schema {
            // Types lead to types: lists within lists of them would be told until the answer is full.
            check_max_depth(document, operation)
                .map_err(|error| Fault::new(Fault::TOO_COSTLY, error.message().to_string()))?;
        }
        if weight.depth > self.depth {
            return over("is too deep", weight.depth as u64, self.depth as u64);
        }
        if weight.aliases > self.aliases {
            return over("has too many aliases", weight.aliases, self.aliases);
        }
        if weight.values > self.complexity {
            return over("asks for too many values", weight.values, self.complexity);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    depth: usize,
    values: u64,
    aliases: u64,
}

struct Weighing<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Object,
    /// What was weighed before: fragments may be spread in any number of places.
    fragments: HashMap<&'a str, Weight>,
    asks_for_schema: bool,
}

impl<'a> Weighing<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Weight {
        let mut sum = Weight::default();
        for selection in &set.selections {
            let weight = match selection {
                Selection::Field(field) => self.field(field),
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            sum.depth = sum.depth.max(weight.depth);
            sum.values = sum.values.saturating_add(weight.values);
            sum.aliases = sum.aliases.saturating_add(weight.aliases);
        }
        sum
    }

    /// A document is valid only if no fragment is within itself (October 2021, section 5.5.2.2).
    fn fragment(&mut self, name: &'a str) -> Weight {
        if let Some(weight) = self.fragments.get(name) {
            return *weight;
        }
        let fragment = self.document.fragments.get(name);
        let weight = fragment.map(|it| self.set(&it.selection_set));
        let weight = weight.unwrap_or_default();
        self.fragments.insert(name, weight);
        weight
    }

    fn field(&mut self, field: &'a Field) -> Weight {
        let inner = self.set(&field.selection_set);
        let is_schema = matches!(field.name.as_str(), "__schema" | "__type");
        self.asks_for_schema |= is_schema;
        let is_alias = field.alias.as_ref().is_some_and(|it| *it != field.name);
        let inner_values = inner.values.saturating_mul(self.items(field));
        Weight {
            depth: if is_schema { 1 } else { inner.depth + 1 },
            values: inner_values.saturating_add(1),
            aliases: inner.aliases.saturating_add(u64::from(is_alias)),
        }
    }

    /// How many items a field may have: what its `first` says, or as many as it performs operations.
    fn items(&self, field: &Field) -> u64 {
        let value = |name: &str| {
            let definition = field.definition.argument_by_name(name)?;
            let given = field.arguments.iter().find(|it| it.name == name);
            let given = given.map(|it| &*it.value);
            match given.or(definition.default_value.as_deref())? {
                ast::Value::Int(number) => number.as_str().parse().ok(),
                ast::Value::List(items) => Some(items.len() as u64),
                ast::Value::Variable(name) => match self.variables.get(name.as_str())? {
                    Value::Number(number) => number.as_whole(),
                    Value::Array(items) => Some(items.len() as u64),
                    _ => None,
                },
                _ => None,
            }
        };
        let items = value("first").or_else(|| value("operations"));
        items.unwrap_or(1).max(1)
    }
}
