//! What a list is filtered by, from `where`.

use apollo_compiler::schema::ExtendedType;
use detente_core::json::{Object, Pointer, Value};

use crate::api::Api;
use crate::fault::Fault;
use crate::plan::Step;

/// A condition on one value of the documents of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The name of a member, a JSON Pointer, or `_id`, `_version`, `_updatedAt`.
    pub field: String,
    /// `eq`, `lt` and so on.
    pub operator: String,
    pub value: Value,
}

impl Api {
    /// The conditions of `where`, all of which must hold.
    ///
    /// # Errors
    ///
    /// What it must be, where it is JSON.
    pub fn tests(&self, step: &Step) -> Result<Vec<Test>, Fault> {
        let Some(wanted) = step.argument("where") else {
            return Ok(Vec::new());
        };
        let fault = || {
            let message = "where must be an object of conditions, such as {\"stock\": {\"lt\": 5}, \
                           \"/address/city\": {\"eq\": \"Bonn\"}}.";
            Fault::input(message)
        };
        let members = wanted.as_object().ok_or_else(fault)?;
        let mut tests = Vec::new();
        let query = self
            .schema
            .types
            .get("Query")
            .and_then(ExtendedType::as_object);
        let definition = query.and_then(|it| it.fields.get(step.name()));
        let argument = definition.and_then(|it| it.argument_by_name("where"));
        let typed = argument.map(|it| it.ty.inner_named_type().as_str());
        match typed.filter(|name| *name != "JSON") {
            Some(type_name) => {
                self.walk(type_name, members, &Pointer::root(), &mut tests)?;
            }
            None => {
                for (field, conditions) in members {
                    let conditions = conditions.as_object().ok_or_else(fault)?;
                    add(field, conditions, &mut tests)?;
                }
            }
        }
        Ok(tests)
    }

    /// Members that are objects again are places further down.
    fn walk(
        &self,
        type_name: &str,
        members: &Object,
        place: &Pointer,
        tests: &mut Vec<Test>,
    ) -> Result<(), Fault> {
        let of = self.schema.types.get(type_name);
        let of = of.and_then(ExtendedType::as_input_object);
        for (name, conditions) in members {
            let field = of.and_then(|it| it.fields.get(name.as_str()));
            let Some(ty) = field.map(|it| it.ty.inner_named_type().as_str()) else {
                continue;
            };
            let place = place.child(name.as_str());
            let is_top = place.tokens().len() == 1;
            let conditions = conditions
                .as_object()
                .ok_or_else(|| says_nothing(&place.to_string()))?;
            match (self.operators.contains(ty), is_top, name.as_str()) {
                (true, true, "_id" | "_version" | "_updatedAt") => add(name, conditions, tests)?,
                (true, ..) => add(&place.to_string(), conditions, tests)?,
                _ if conditions.is_empty() => return Err(says_nothing(&place.to_string())),
                _ => self.walk(ty, conditions, &place, tests)?,
            }
        }
        Ok(())
    }
}

/// What has no condition would let everything through: so does a variable that is not given.
fn says_nothing(field: &str) -> Fault {
    Fault::input(format!(
        "where has no condition for {}.",
        field.trim_start_matches('/')
    ))
}

fn add(field: &str, conditions: &Object, tests: &mut Vec<Test>) -> Result<(), Fault> {
    if conditions.is_empty() {
        return Err(says_nothing(field));
    }
    for (operator, value) in conditions {
        if *value == Value::Null && !["eq", "ne"].contains(&operator.as_str()) {
            let field = field.trim_start_matches('/');
            let message = format!("where: {operator} of {field} must not be null.");
            return Err(Fault::input(message));
        }
        tests.push(Test {
            field: field.to_owned(),
            operator: operator.clone(),
            value: value.clone(),
        });
    }
    Ok(())
}
