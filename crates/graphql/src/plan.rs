//! A document with its variables: which fields are to be resolved, and what of them is wanted
//! (October 2021, sections 6.1 and 6.3).

use std::sync::Arc;

use apollo_compiler::Name;
use apollo_compiler::ast::{self, OperationType};
use apollo_compiler::executable::{Field, Selection as Selected, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use bytes::Bytes;
use detente_core::json::{Object, Value};

use crate::api::Api;
use crate::bounds::{Bounds, MAX_FIRST};
use crate::coercion::{self, Arguments, Sent, Variables, arguments};
use crate::document::Document;
use crate::fault::Fault;

/// What kind of operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
}

/// What is to be resolved, in this order.
#[derive(Debug)]
pub struct Plan {
    pub kind: Kind,
    pub steps: Vec<Step>,
    pub(crate) root: Name,
    pub(crate) document: Arc<Document>,
    pub(crate) answer_bytes: usize,
}

/// A field that is wanted.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is called in the answer.
    pub(crate) key: Name,
    pub(crate) name: Name,
    pub(crate) arguments: Arguments,
    pub(crate) ty: Ty,
    pub(crate) location: Option<SourceSpan>,
    pub(crate) selection: Selection,
}

/// What is wanted of an object, by its type: an interface stands for several.
#[derive(Clone, Debug, Default)]
pub struct Selection(Vec<(Name, Vec<Step>)>);

/// The type of a field.
#[derive(Clone, Debug)]
pub(crate) struct Ty {
    pub(crate) is_required: bool,
    pub(crate) kind: TyKind,
}

#[derive(Clone, Debug)]
pub(crate) enum TyKind {
    List(Box<Ty>),
    Leaf(Leaf),
    /// An object, or one of several.
    Composite,
}

/// What a value without fields must be.
#[derive(Clone, Debug)]
pub(crate) enum Leaf {
    Text,
    Int,
    Integer,
    Float,
    Boolean,
    Choice(Name),
    Json,
}

impl Step {
    /// The field's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called in the answer.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value of an argument; `None` where it is null, too.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments
            .values
            .get(name)
            .filter(|value| **value != Value::Null)
    }

    /// The values of all arguments but that of [`Step::data`].
    pub fn arguments(&self) -> &Object {
        &self.arguments.values
    }

    /// The document that it is given, where it came as text: it is not among the arguments then.
    pub fn data(&self) -> Option<&Bytes> {
        self.arguments.data.as_ref()
    }

    /// What is wanted of the object that it is.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }
}

impl Selection {
    /// What is wanted of an object of a type.
    pub fn of(&self, type_name: &str) -> &[Step] {
        let found = self.0.iter().find(|(name, _)| name == type_name);
        found.map_or(&[], |(_, steps)| steps)
    }

    /// The type, where it can be one alone.
    pub(crate) fn only_type(&self) -> Option<&str> {
        match self.0.as_slice() {
            [(name, _)] => Some(name),
            _ => None,
        }
    }

    /// The fields of that name, of whatever type the object is.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Step> {
        let steps = self.0.iter().flat_map(|(_, steps)| steps);
        steps.filter(move |step| step.name == name)
    }

    /// Whether a field is wanted of an object of a type.
    pub fn has_of(&self, type_name: &str, name: &str) -> bool {
        self.of(type_name).iter().any(|step| step.name == name)
    }

    /// Whether a field is wanted.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }
}

impl Plan {
    /// Plans an operation of a document, the only one where none is named.
    ///
    /// # Errors
    ///
    /// All that is wrong with the request, before anything was resolved.
    pub fn of(
        api: &Api,
        document: Arc<Document>,
        operation: Option<&str>,
        variables: Vec<(String, Sent)>,
        bounds: &Bounds,
    ) -> Result<Self, Vec<Fault>> {
        let found = document.document.operations.get(operation);
        let operation = found.map_err(|_| {
            let message = match operation {
                Some(name) => format!("The document has no operation {name:?}."),
                None => "The document has several operations: operationName must name one.".into(),
            };
            vec![Fault::new(Fault::OPERATION, message)]
        })?;
        let variables = coercion::variables(&api.schema, operation, variables, |span| {
            document.place(span)
        })
        .map_err(|fault| vec![fault])?;
        bounds
            .admit(&document.document, operation, &variables.values)
            .map_err(|fault| vec![fault])?;
        let planning = Planning {
            api,
            document: &document,
            variables: Variables {
                operation,
                values: &variables,
                must_be_given: false,
            },
        };
        let root = operation.object_type();
        let steps = planning.steps(root, &[&operation.selection_set]);
        let steps = steps.map_err(|fault| vec![fault])?;
        Ok(Self {
            kind: match operation.operation_type {
                OperationType::Query => Kind::Query,
                OperationType::Mutation => Kind::Mutation,
                OperationType::Subscription => Kind::Subscription,
            },
            steps,
            root: root.clone(),
            answer_bytes: bounds.answer_bytes,
            document: Arc::clone(&document),
        })
    }
}

struct Planning<'a> {
    api: &'a Api,
    document: &'a Document,
    variables: Variables<'a>,
}

/// Fields of one name in the answer: what is wanted of them is wanted together.
struct Same<'a> {
    key: &'a Name,
    first: &'a Field,
    location: Option<SourceSpan>,
    sets: Vec<&'a SelectionSet>,
}

impl<'a> Planning<'a> {
    fn steps(&self, type_name: &Name, sets: &[&'a SelectionSet]) -> Result<Vec<Step>, Fault> {
        let mut found = Vec::new();
        for set in sets {
            self.collect(type_name, set, &mut found)?;
        }
        found.into_iter().map(|same| self.step(&same)).collect()
    }

    /// CollectFields (October 2021, section 6.3.2). That a fragment was visited before need not be
    /// known: a second visit adds nothing.
    fn collect(
        &self,
        type_name: &Name,
        set: &'a SelectionSet,
        found: &mut Vec<Same<'a>>,
    ) -> Result<(), Fault> {
        let applies = |condition: &Name| {
            condition == type_name || self.api.schema.is_subtype(condition, type_name)
        };
        for selection in &set.selections {
            if !self.is_wanted(selection.directives())? {
                continue;
            }
            match selection {
                Selected::Field(field) => {
                    let key = field.response_key();
                    match found.iter_mut().find(|same| same.key == key) {
                        Some(same) => same.sets.push(&field.selection_set),
                        None => found.push(Same {
                            key,
                            first: field,
                            location: field.location(),
                            sets: vec![&field.selection_set],
                        }),
                    }
                }
                Selected::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(applies) {
                        self.collect(type_name, &fragment.selection_set, found)?;
                    }
                }
                Selected::FragmentSpread(spread) => {
                    let fragment = self.document.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|it| applies(it.type_condition())) {
                        self.collect(type_name, &fragment.selection_set, found)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What `@skip` and `@include` say (October 2021, section 3.13).
    fn is_wanted(&self, directives: &ast::DirectiveList) -> Result<bool, Fault> {
        let says = |directive: &str| {
            let directive = directives.get(directive);
            let Some(value) = directive.and_then(|it| it.specified_argument_by_name("if")) else {
                return Ok(None);
            };
            match &**value {
                ast::Value::Boolean(value) => Ok(Some(*value)),
                ast::Value::Variable(name) => match self.variables.values.values.get(name.as_str())
                {
                    Some(Value::Bool(value)) => Ok(Some(*value)),
                    _ => Err(Fault::input(format!(
                        "Variable ${name} must be true or false."
                    ))),
                },
                _ => Ok(None),
            }
        };
        Ok(says("skip")? != Some(true) && says("include")? != Some(false))
    }

    fn step(&self, same: &Same<'a>) -> Result<Step, Fault> {
        let Same {
            key,
            first,
            location,
            sets,
        } = same;
        let schema = &self.api.schema;
        let place = || location.and_then(|it| self.document.place(it));
        let definition = &first.definition;
        let values = match definition.arguments.as_slice() {
            [] => Arguments::default(),
            definitions => arguments(schema, definitions, &first.arguments, self.variables)
                .map_err(|fault| fault.at(place()))?,
        };
        if let Some(Value::Number(first)) = values.values.get("first")
            && !first
                .as_whole()
                .is_some_and(|it| (1..=MAX_FIRST).contains(&it))
        {
            let message = format!("first must be a whole number from 1 to {MAX_FIRST}.");
            return Err(Fault::input(message).at(place()));
        }
        let named = definition.ty.inner_named_type();
        let of = schema.types.get(named);
        let selection = match of {
            Some(ExtendedType::Object(_)) => {
                vec![(named.clone(), self.steps(named, sets)?)]
            }
            Some(ExtendedType::Interface(_)) => {
                let implementers = self.api.implementers.get(named);
                let objects = implementers.into_iter().flat_map(|it| &it.objects);
                let steps = |object: &Name| Ok((object.clone(), self.steps(object, sets)?));
                objects.map(steps).collect::<Result<_, Fault>>()?
            }
            _ => Vec::new(),
        };
        Ok(Step {
            key: (*key).clone(),
            name: first.name.clone(),
            arguments: values,
            ty: ty(&definition.ty, of),
            location: *location,
            selection: Selection(selection),
        })
    }
}

/// A type of a field; `of` is the definition of what has its name.
fn ty(ty: &ast::Type, of: Option<&ExtendedType>) -> Ty {
    let is_required = ty.is_non_null();
    let kind = match ty {
        ast::Type::List(items) | ast::Type::NonNullList(items) => {
            TyKind::List(Box::new(self::ty(items, of)))
        }
        ast::Type::Named(name) | ast::Type::NonNullNamed(name) => match of {
            Some(ExtendedType::Enum(_)) => TyKind::Leaf(Leaf::Choice(name.clone())),
            Some(ExtendedType::Scalar(_)) => TyKind::Leaf(match name.as_str() {
                "Int" => Leaf::Int,
                "Integer" => Leaf::Integer,
                "Float" => Leaf::Float,
                "Boolean" => Leaf::Boolean,
                "JSON" => Leaf::Json,
                _ => Leaf::Text,
            }),
            _ => TyKind::Composite,
        },
    };
    Ty { is_required, kind }
}
