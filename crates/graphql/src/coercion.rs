//! Values as their types have them (October 2021, sections 3.4.1, 6.1.2 and 6.4.1). They keep their digits.

use apollo_compiler::Node;
use apollo_compiler::ast::{self, InputValueDefinition, Type};
use apollo_compiler::executable::{Argument, Operation};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Schema};
use detente_core::json::{self, Number, Object, Value};

use crate::fault::Fault;

/// Values of the variables of an operation, from those that were sent.
pub(crate) fn variables(
    schema: &Schema,
    operation: &Operation,
    mut sent: Object,
) -> Result<Object, Fault> {
    let mut values = Object::new();
    for variable in &operation.variables {
        let name = variable.name.as_str();
        let at = |why: String| Fault::input(format!("Variable ${name}{why}."));
        let value = match (sent.swap_remove(name), &variable.default_value) {
            (Some(value), _) => input(schema, &variable.ty, value, "").map_err(at)?,
            (None, Some(default)) => {
                let nothing = Variables {
                    operation,
                    values: &Object::new(),
                };
                literal(schema, &variable.ty, default, nothing)?.unwrap_or(Value::Null)
            }
            (None, None) if variable.ty.is_non_null() => {
                return Err(at(" must be there".to_owned()));
            }
            (None, None) => continue,
        };
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

/// The variables of an operation, as far as they have values.
#[derive(Clone, Copy)]
pub(crate) struct Variables<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) values: &'a Object,
}

impl<'a> Variables<'a> {
    /// `None`: it has no value. Within a literal of a scalar of ours, no validation looked whether there is such a
    /// variable (October 2021, section 5.8.3).
    fn get(self, name: &str) -> Result<Option<&'a Value>, Fault> {
        let mut defined = self.operation.variables.iter();
        match defined.any(|it| it.name == name) {
            true => Ok(self.values.get(name)),
            false => Err(Fault::new(
                Fault::VALIDATION,
                format!("Variable ${name} is not defined."),
            )),
        }
    }
}

/// Values of the arguments of a field. What is neither given nor has a default is not among them.
pub(crate) fn arguments(
    schema: &Schema,
    definitions: &[Node<InputValueDefinition>],
    given: &[Node<Argument>],
    variables: Variables<'_>,
) -> Result<Object, Fault> {
    let mut values = Object::with_capacity(given.len());
    for definition in definitions {
        let name = definition.name.as_str();
        let value = given.iter().find(|it| it.name == name);
        let value = match value {
            Some(argument) => literal(schema, &definition.ty, &argument.value, variables)?,
            None => None,
        };
        let value = match (value, &definition.default_value) {
            (Some(value), _) => Some(value),
            (None, Some(default)) => literal(schema, &definition.ty, default, variables)?,
            (None, None) => None,
        };
        match value {
            Some(Value::Null) if definition.ty.is_non_null() => {
                return Err(Fault::input(format!("Argument {name} must not be null.")));
            }
            Some(value) => {
                values.insert(name.to_owned(), value);
            }
            None if definition.ty.is_non_null() => {
                return Err(Fault::input(format!("Argument {name} must be there.")));
            }
            None => {}
        }
    }
    Ok(values)
}

/// A value of a document; `None` where it is a variable that has none.
fn literal(
    schema: &Schema,
    ty: &Type,
    value: &ast::Value,
    variables: Variables<'_>,
) -> Result<Option<Value>, Fault> {
    if let ast::Value::Variable(name) = value {
        // It has the type of its definition, which the document's validation found to fit here.
        return Ok(variables.get(name.as_str())?.cloned());
    }
    if let Type::List(items) | Type::NonNullList(items) = ty {
        return match value {
            ast::Value::Null => Ok(Some(Value::Null)),
            ast::Value::List(values) => {
                let item = |value: &Node<ast::Value>| {
                    let item = literal(schema, items, value, variables)?;
                    Ok(item.unwrap_or(Value::Null))
                };
                let values = values.iter().map(item).collect::<Result<_, Fault>>()?;
                Ok(Some(Value::Array(values)))
            }
            // One stands for a list of one.
            one => {
                let item = literal(schema, items, one, variables)?;
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
                if let Some(value) = literal(schema, &definition.ty, value, variables)?
                    && members.insert(name.as_str().to_owned(), value).is_some()
                {
                    return Err(twice(name));
                }
            }
            // No input of a schema of ours has a default.
            for (name, definition) in &of.fields {
                let value = members.get(name.as_str());
                if definition.ty.is_non_null() && value.is_none_or(|it| *it == Value::Null) {
                    return Err(Fault::input(format!("{name} must be there.")));
                }
            }
            Ok(Some(Value::Object(members)))
        }
        // What a scalar of ours takes, the document's validation does not know.
        (Some(ExtendedType::Scalar(_)), value) => {
            let value = plain(value, variables)?;
            let named = Type::Named(ty.inner_named_type().clone());
            let value = input(schema, &named, value, "");
            let wrong = |why| Fault::input(format!("A value{why}."));
            value.map(Some).map_err(wrong)
        }
        (_, value) => plain(value, variables).map(Some),
    }
}

/// A member that a literal has more than once (October 2021, section 5.6.3).
fn twice(name: &Name) -> Fault {
    Fault::new(Fault::VALIDATION, format!("{name} is there twice."))
}

/// A value as JSON.
fn plain(value: &ast::Value, variables: Variables<'_>) -> Result<Value, Fault> {
    Ok(match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::from(name.as_str()),
        ast::Value::Variable(name) => match variables.get(name.as_str())? {
            Some(value) => value.clone(),
            None => Value::Null,
        },
        ast::Value::String(text) => Value::from(text.as_str()),
        ast::Value::Boolean(value) => Value::Bool(*value),
        ast::Value::Int(number) => number_of(number.as_str())?,
        ast::Value::Float(number) => number_of(number.as_str())?,
        ast::Value::List(values) => {
            let values = values.iter().map(|value| plain(value, variables));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        ast::Value::Object(given) => {
            let mut members = Object::with_capacity(given.len());
            for (name, value) in given {
                let value = plain(value, variables)?;
                if members.insert(name.as_str().to_owned(), value).is_some() {
                    return Err(twice(name));
                }
            }
            Value::Object(members)
        }
    })
}

/// Numbers of GraphQL (October 2021, sections 2.9.1 and 2.9.2) are numbers of JSON.
fn number_of(text: &str) -> Result<Value, Fault> {
    json::parse(text.as_bytes()).map_err(|_| Fault::input(format!("{text} is no number.")))
}

/// A value that was sent as JSON; the error says behind the name of the variable what it must be.
fn input(schema: &Schema, ty: &Type, value: Value, path: &str) -> Result<Value, String> {
    let wrong = |what: &str| Err(format!("{path} {what}"));
    if value == Value::Null {
        return match ty.is_non_null() {
            true => wrong("must not be null"),
            false => Ok(Value::Null),
        };
    }
    if let Type::List(items) | Type::NonNullList(items) = ty {
        let Value::Array(values) = value else {
            let item = input(schema, items, value, path)?;
            return Ok(Value::Array(vec![item]));
        };
        let values = values.into_iter().enumerate();
        let item = |(index, value)| input(schema, items, value, &format!("{path}[{index}]"));
        return values.map(item).collect::<Result<_, _>>().map(Value::Array);
    }
    let name = ty.inner_named_type();
    match schema.types.get(name) {
        Some(ExtendedType::Enum(of)) => match value.as_str() {
            Some(text) if of.values.contains_key(text) => Ok(value),
            _ => {
                let known: Vec<_> = of.values.keys().map(Name::as_str).collect();
                wrong(&format!("must be one of {}", known.join(", ")))
            }
        },
        Some(ExtendedType::InputObject(of)) => {
            let Value::Object(given) = value else {
                return wrong("must be an object");
            };
            let mut members = Object::with_capacity(given.len());
            for (key, value) in given {
                let path = format!("{path}.{key}");
                let Some(definition) = of.fields.get(key.as_str()) else {
                    return Err(format!("{path} is not known to {name}"));
                };
                let value = input(schema, &definition.ty, value, &path)?;
                members.insert(key, value);
            }
            for (name, definition) in &of.fields {
                if members.contains_key(name.as_str()) {
                    continue;
                }
                if definition.ty.is_non_null() {
                    return Err(format!("{path}.{name} must be there"));
                }
            }
            Ok(Value::Object(members))
        }
        _ => match (name.as_str(), value) {
            ("Int", Value::Number(number)) if is_int(&number) => Ok(Value::Number(number)),
            ("Int", _) => wrong("must be a whole number of 32 bits"),
            ("Integer", Value::Number(number)) if number.is_whole() => Ok(Value::Number(number)),
            ("Integer", _) => wrong("must be a whole number"),
            ("Float", Value::Number(number)) => Ok(Value::Number(number)),
            ("Float", _) => wrong("must be a number"),
            ("Boolean", value @ Value::Bool(_)) => Ok(value),
            ("Boolean", _) => wrong("must be true or false"),
            ("ID", Value::Number(number)) if number.is_whole() => {
                Ok(Value::String(number.as_str().to_owned()))
            }
            ("ID", value @ Value::String(_)) => Ok(value),
            ("ID", _) => wrong("must be a string or a whole number"),
            ("String" | "Time", value @ Value::String(_)) => Ok(value),
            ("String" | "Time", _) => wrong("must be a string"),
            (_, value) => Ok(value),
        },
    }
}

/// Whether GraphQL's `Int` has room for it.
pub(crate) fn is_int(number: &Number) -> bool {
    let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
    number.is_whole() && range.contains(&number.as_f64())
}
