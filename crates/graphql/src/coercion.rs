//! Values as their types have them (October 2021, sections 3.4.1, 6.1.2 and 6.4.1). They keep their digits, and
//! their members keep their order.

use std::fmt;

use apollo_compiler::Node;
use apollo_compiler::ast::{self, InputValueDefinition, Type};
use apollo_compiler::executable::{Argument, Operation};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Schema};
use bytes::Bytes;
use detente_core::json::{self, Number, Object, Value};

use crate::fault::Fault;

/// A value of a variable, as it was sent.
#[derive(Clone, Debug)]
pub enum Sent {
    Value(Value),
    /// Text that was checked to be JSON: a document need not become a tree to be passed on.
    Text(Bytes),
}

/// How many levels a value may be within a request beyond those of a document.
const LEVELS: usize = 8;

impl Sent {
    fn into_value(self, place: Place<'_>) -> Result<Value, Fault> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Text(text) => json::parse_enclosing(&text, LEVELS)
                .map_err(|error| place.fault(&format!("cannot be read: {error}"))),
        }
    }
}

/// The variables of an operation, as far as they have values.
#[derive(Clone, Copy)]
pub(crate) struct Variables<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) values: &'a Values,
    /// Whether each must have a value: a condition that is left out would let everything through.
    pub(crate) must_be_given: bool,
}

/// Values by name. Those of the type JSON may still be texts.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pub(crate) values: Object,
    texts: Vec<(String, Bytes)>,
}

impl Values {
    fn text(&self, name: &str) -> Option<&Bytes> {
        let mut texts = self.texts.iter();
        texts.find(|(other, _)| other == name).map(|(_, text)| text)
    }
}

/// Where a value is: `$data.size.width`, `where.stock.in[2]`.
#[derive(Clone, Copy)]
enum Place<'a> {
    Variable(&'a str),
    Argument(&'a str),
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${name}"),
            Self::Argument(name) => f.write_str(name),
            Self::Member(of, name) => write!(f, "{of}.{name}"),
            Self::Item(of, index) => write!(f, "{of}[{index}]"),
        }
    }
}

impl Place<'_> {
    /// What is wrong with a value there.
    fn fault(self, what: &str) -> Fault {
        Fault::input(format!("{self} {what}."))
    }
}

/// Values of the variables of an operation, from those that were sent. `at` finds places of the document.
pub(crate) fn variables(
    schema: &Schema,
    operation: &Operation,
    mut sent: Vec<(String, Sent)>,
    at: impl Fn(SourceSpan) -> Option<(usize, usize)>,
) -> Result<Values, Fault> {
    let mut values = Values::default();
    for variable in &operation.variables {
        let name = variable.name.as_str();
        let place = Place::Variable(name);
        let located = |fault: Fault| fault.at(variable.location().and_then(&at));
        let given = sent.iter().position(|(other, _)| other == name);
        let given = given.map(|at| sent.swap_remove(at).1);
        let value = match (given, &variable.default_value) {
            (Some(Sent::Text(text)), _) if is_json(&variable.ty) && *text != *b"null" => {
                values.texts.push((name.to_owned(), text));
                continue;
            }
            (Some(value), _) => {
                let value = value.into_value(place).map_err(located)?;
                input(schema, &variable.ty, value, place).map_err(located)?
            }
            (None, Some(default)) => {
                let nothing = Variables {
                    operation,
                    values: &Values::default(),
                    must_be_given: false,
                };
                let default = literal(schema, &variable.ty, default, nothing, place);
                default.map_err(located)?.unwrap_or(Value::Null)
            }
            (None, None) if variable.ty.is_non_null() => {
                return Err(located(place.fault("must be there")));
            }
            (None, None) => continue,
        };
        values.values.insert(name.to_owned(), value);
    }
    Ok(values)
}

fn is_json(ty: &Type) -> bool {
    matches!(ty, Type::Named(name) | Type::NonNullNamed(name) if name == "JSON")
}

impl<'a> Variables<'a> {
    /// `None`: it has no value. Within a literal of a scalar of ours, no validation looked whether there is such a
    /// variable (October 2021, section 5.8.3).
    fn get(self, name: &str) -> Result<Option<Value>, Fault> {
        let mut defined = self.operation.variables.iter();
        match defined.any(|it| it.name == name) {
            true => {
                let value = match self.values.text(name) {
                    Some(text) => Some(Sent::Text(text.clone()).into_value(Place::Variable(name))?),
                    None => self.values.values.get(name).cloned(),
                };
                match value {
                    None if self.must_be_given => {
                        Err(Place::Variable(name).fault("must be there: it is part of a condition"))
                    }
                    value => Ok(value),
                }
            }
            false => Err(Fault::new(
                Fault::VALIDATION,
                format!("Variable ${name} is not defined."),
            )),
        }
    }
}

/// What a field says. What is neither given nor has a default is not among it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) values: Object,
    /// The document that it is given, where that is still text.
    pub(crate) data: Option<Bytes>,
}

/// The arguments of a field.
pub(crate) fn arguments(
    schema: &Schema,
    definitions: &[Node<InputValueDefinition>],
    given: &[Node<Argument>],
    variables: Variables<'_>,
) -> Result<Arguments, Fault> {
    let mut arguments = Arguments {
        values: Object::with_capacity(given.len()),
        data: None,
    };
    for definition in definitions {
        let name = definition.name.as_str();
        let place = Place::Argument(name);
        let value = given.iter().find(|it| it.name == name);
        if let ("data", Some(ast::Value::Variable(variable))) = (name, value.map(|it| &*it.value))
            && let Some(text) = variables.values.text(variable)
        {
            arguments.data = Some(text.clone());
            continue;
        }
        let value = match value {
            Some(argument) => {
                let is_variable = matches!(&*argument.value, ast::Value::Variable(_));
                let variables = Variables {
                    must_be_given: name == "where" && !is_variable,
                    ..variables
                };
                literal(schema, &definition.ty, &argument.value, variables, place)?
            }
            None => None,
        };
        let value = match (value, &definition.default_value) {
            (Some(value), _) => Some(value),
            (None, Some(default)) => literal(schema, &definition.ty, default, variables, place)?,
            (None, None) => None,
        };
        match value {
            Some(Value::Null) if definition.ty.is_non_null() => {
                return Err(place.fault("must not be null"));
            }
            Some(value) => {
                arguments.values.insert(name.to_owned(), value);
            }
            None if definition.ty.is_non_null() => return Err(place.fault("must be there")),
            None => {}
        }
    }
    Ok(arguments)
}

/// A value of a document; `None` where it is a variable that has none.
fn literal(
    schema: &Schema,
    ty: &Type,
    value: &ast::Value,
    variables: Variables<'_>,
    place: Place<'_>,
) -> Result<Option<Value>, Fault> {
    if let ast::Value::Variable(name) = value {
        // It has the type of its definition, which the document's validation found to fit here.
        return variables.get(name.as_str());
    }
    if let Type::List(items) | Type::NonNullList(items) = ty {
        return match value {
            ast::Value::Null => Ok(Some(Value::Null)),
            ast::Value::List(values) => {
                let item = |(index, value): (usize, &Node<ast::Value>)| {
                    let place = Place::Item(&place, index);
                    match literal(schema, items, value, variables, place)? {
                        None | Some(Value::Null) if items.is_non_null() => {
                            Err(place.fault("must not be null"))
                        }
                        item => Ok(item.unwrap_or(Value::Null)),
                    }
                };
                let values = values.iter().enumerate().map(item);
                Ok(Some(Value::Array(values.collect::<Result<_, Fault>>()?)))
            }
            // One stands for a list of one.
            one => {
                let item = literal(schema, items, one, variables, place)?;
                Ok(item.map(|item| Value::Array(vec![item])))
            }
        };
    }
    match (schema.types.get(ty.inner_named_type()), value) {
        (Some(ExtendedType::InputObject(of)), ast::Value::Object(given)) => {
            let mut members = Object::with_capacity(given.len());
            for (name, value) in given {
                let Some(definition) = of.fields.get(name) else {
                    continue;
                };
                let place = Place::Member(&place, name);
                if let Some(value) = literal(schema, &definition.ty, value, variables, place)?
                    && members.insert(name.as_str().to_owned(), value).is_some()
                {
                    return Err(twice(name));
                }
            }
            must_be_complete(of, &members, place)?;
            Ok(Some(Value::Object(members)))
        }
        // What a scalar of ours takes, the document's validation does not know.
        (Some(ExtendedType::Scalar(_)), value) => {
            let named = Type::Named(ty.inner_named_type().clone());
            let value = plain(value, variables)?.unwrap_or(Value::Null);
            input(schema, &named, value, place).map(Some)
        }
        (_, value) => plain(value, variables),
    }
}

/// That all members are there which an input must have. No input of a schema of ours has a default.
fn must_be_complete(of: &InputObjectType, members: &Object, place: Place<'_>) -> Result<(), Fault> {
    for (name, definition) in &of.fields {
        let value = members.get(name.as_str());
        if definition.ty.is_non_null() && value.is_none_or(|it| *it == Value::Null) {
            return Err(Place::Member(&place, name).fault("must be there"));
        }
    }
    Ok(())
}

/// A member that a literal has more than once (October 2021, section 5.6.3).
fn twice(name: &Name) -> Fault {
    Fault::new(Fault::VALIDATION, format!("{name} is there twice."))
}

/// A value as JSON. A member whose variable has no value is not there (October 2021, section 3.10): in a
/// patch, null would remove what the member stands for.
fn plain(value: &ast::Value, variables: Variables<'_>) -> Result<Option<Value>, Fault> {
    Ok(Some(match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::from(name.as_str()),
        ast::Value::Variable(name) => return variables.get(name.as_str()),
        ast::Value::String(text) => Value::from(text.as_str()),
        ast::Value::Boolean(value) => Value::Bool(*value),
        ast::Value::Int(number) => number_of(number.as_str())?,
        ast::Value::Float(number) => number_of(number.as_str())?,
        ast::Value::List(values) => {
            let value = |value| Ok(plain(value, variables)?.unwrap_or(Value::Null));
            let values = values.iter().map(|it| value(it));
            Value::Array(values.collect::<Result<_, Fault>>()?)
        }
        ast::Value::Object(given) => {
            let mut members = Object::with_capacity(given.len());
            for (name, value) in given {
                if let Some(value) = plain(value, variables)?
                    && members.insert(name.as_str().to_owned(), value).is_some()
                {
                    return Err(twice(name));
                }
            }
            Value::Object(members)
        }
    }))
}

/// Numbers of GraphQL (October 2021, sections 2.9.1 and 2.9.2) are numbers of JSON.
fn number_of(text: &str) -> Result<Value, Fault> {
    json::parse(text.as_bytes()).map_err(|_| Fault::input(format!("{text} is no number.")))
}

/// A value that was sent as JSON.
fn input(schema: &Schema, ty: &Type, value: Value, place: Place<'_>) -> Result<Value, Fault> {
    if value == Value::Null {
        return match ty.is_non_null() {
            true => Err(place.fault("must not be null")),
            false => Ok(Value::Null),
        };
    }
    if let Type::List(items) | Type::NonNullList(items) = ty {
        let Value::Array(values) = value else {
            let item = input(schema, items, value, place)?;
            return Ok(Value::Array(vec![item]));
        };
        let values = values.into_iter().enumerate();
        let item = |(index, value)| input(schema, items, value, Place::Item(&place, index));
        return values.map(item).collect::<Result<_, _>>().map(Value::Array);
    }
    let name = ty.inner_named_type();
    match schema.types.get(name) {
        Some(ExtendedType::Enum(of)) => match value.as_str() {
            Some(text) if of.values.contains_key(text) => Ok(value),
            _ => {
                let known: Vec<_> = of.values.keys().map(Name::as_str).collect();
                Err(place.fault(&format!("must be one of {}", known.join(", "))))
            }
        },
        Some(ExtendedType::InputObject(of)) => {
            let Value::Object(given) = value else {
                return Err(place.fault("must be an object"));
            };
            let mut members = Object::with_capacity(given.len());
            for (key, value) in given {
                let place = Place::Member(&place, &key);
                let Some(definition) = of.fields.get(key.as_str()) else {
                    return Err(place.fault(&format!("is not known to {name}")));
                };
                let value = input(schema, &definition.ty, value, place)?;
                members.insert(key, value);
            }
            must_be_complete(of, &members, place)?;
            Ok(Value::Object(members))
        }
        _ => scalar(name, value).map_err(|what| place.fault(what)),
    }
}

/// A value of a scalar; or what it must be.
fn scalar(name: &str, value: Value) -> Result<Value, &'static str> {
    match (name, value) {
        ("Int", Value::Number(number)) if is_int(&number) => Ok(Value::Number(number)),
        ("Int", _) => Err("must be a whole number of 32 bits"),
        ("Integer", Value::Number(number)) if number.is_whole() => Ok(Value::Number(number)),
        ("Integer", _) => Err("must be a whole number"),
        ("Float", Value::Number(number)) => Ok(Value::Number(number)),
        ("Float", _) => Err("must be a number"),
        ("Boolean", value @ Value::Bool(_)) => Ok(value),
        ("Boolean", _) => Err("must be true or false"),
        ("ID", Value::Number(number)) if is_digits(&number) => {
            Ok(Value::String(number.as_str().to_owned()))
        }
        ("ID", value @ Value::String(_)) => Ok(value),
        ("ID", _) => Err("must be a string or a whole number"),
        ("String" | "Time", value @ Value::String(_)) => Ok(value),
        ("String" | "Time", _) => Err("must be a string"),
        (_, value) => Ok(value),
    }
}

/// Whether a number is written as an id may be.
fn is_digits(number: &Number) -> bool {
    let digits = number.as_str();
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether GraphQL's `Int` has room for it.
pub(crate) fn is_int(number: &Number) -> bool {
    let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
    number.is_whole() && range.contains(&number.as_f64())
}
