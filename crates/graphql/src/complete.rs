//! What was resolved, as the selections want it (October 2021, section 6.4.3). It is written as text:
//! where a value turns out not to be there that must be, what was written of its parent is taken back.

use std::borrow::Cow;

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use detente_core::json::{ToText, Value};

use crate::api::Api;
use crate::coercion::is_int;
use crate::fault::{Fault, Segment};
use crate::introspection;
use crate::plan::{Kind, Leaf, Plan, Step, Ty, TyKind};
use crate::resolved::{Object, Resolved};

/// The data of an answer, as far as it is written.
pub struct Completion<'a> {
    api: &'a Api,
    plan: &'a Plan,
    out: String,
    faults: Vec<Fault>,
    path: Vec<Place<'a>>,
    /// Whether there is a field already.
    has_fields: bool,
    /// Whether there is no data, for a field of the root has none that must have.
    is_null: bool,
    is_over: bool,
}

/// A response (October 2021, section 7.1).
#[derive(Clone, Debug)]
pub struct Answer {
    pub text: String,
    /// Whether there is data.
    pub has_data: bool,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Key(&'a str),
    Index(usize),
}

/// What an answer with data begins with.
const BEGINNING: &str = "{\"data\":{";

/// There is no value, and a fault says why.
struct Nulled;

impl<'a> Completion<'a> {
    pub fn new(api: &'a Api, plan: &'a Plan) -> Self {
        Self {
            api,
            plan,
            out: String::from(BEGINNING),
            faults: Vec::new(),
            path: Vec::new(),
            has_fields: false,
            is_null: false,
            is_over: false,
        }
    }

    /// Whether the answer became longer than it may be: then nothing more need be resolved.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Writes a field of the root that is about the schema; `false`: it is another one.
    pub fn meta(&mut self, step: &'a Step) -> bool {
        let resolved = match step.name() {
            "__typename" => Some(Resolved::from(self.plan.root.as_str())),
            _ => introspection::resolve(self.api, step),
        };
        resolved.map(|resolved| self.put(step, resolved)).is_some()
    }

    /// Writes what a field of the root came to.
    pub fn put(&mut self, step: &'a Step, resolved: Resolved<'_>) {
        if self.is_null || self.is_over {
            return;
        }
        self.begin_field(step);
        self.path.push(Place::Key(&step.key));
        let start = self.out.len();
        let done = self.value(step, &step.ty, resolved);
        if self.is_over && self.plan.kind == Kind::Mutation {
            // The others are performed, and told as far as there is room.
            self.is_over = false;
            self.out.truncate(start);
            self.out.push_str("null");
            let most = self.plan.answer_bytes;
            let message = format!(
                "It was performed, but an answer has no room for it: it would have more than {most} bytes."
            );
            self.fail(step, Fault::over(message, most as u64));
        } else {
            self.is_null |= done.is_err();
        }
        self.path.pop();
    }

    fn begin_field(&mut self, step: &Step) {
        if self.has_fields {
            self.out.push(',');
        }
        self.has_fields = true;
        step.key.as_str().write_text(&mut self.out);
        self.out.push(':');
    }

    /// The response.
    pub fn finish(mut self) -> Answer {
        if self.is_over {
            let most = self.plan.answer_bytes;
            let message =
                format!("The answer would have more than {most} bytes: ask for less at a time.");
            self.faults = vec![Fault::over(message, most as u64)];
            self.is_null = true;
        }
        let mut text = match self.is_null {
            true => "{\"data\":null".to_owned(),
            false => self.out + "}",
        };
        if !self.faults.is_empty() {
            // Errors come first, where people see them (October 2021, section 7.1).
            text = format!("{{\"errors\":{},{}", Fault::list(&self.faults), &text[1..]);
        }
        text.push('}');
        Answer {
            text,
            has_data: !self.is_null,
        }
    }

    /// A value of a type. What is null although it must not be takes its parent along.
    fn value(&mut self, step: &'a Step, ty: &'a Ty, resolved: Resolved<'_>) -> Result<(), Nulled> {
        let start = self.out.len();
        let faults = self.faults.len();
        let written = self.write(step, ty, resolved);
        if self.out.len() > self.plan.answer_bytes {
            self.is_over = true;
            return Err(Nulled);
        }
        match written {
            Ok(true) => Ok(()),
            Ok(false) if !ty.is_required => {
                self.out.push_str("null");
                Ok(())
            }
            nothing => {
                self.out.truncate(start);
                if nothing.is_ok() && self.faults.len() == faults {
                    let message = format!("{} must have a value, and has none.", step.name);
                    self.fail(step, Fault::new(Fault::UNFIT, message));
                }
                if ty.is_required || self.is_over {
                    return Err(Nulled);
                }
                self.out.push_str("null");
                Ok(())
            }
        }
    }

    /// Returns whether there was a value to write.
    fn write(
        &mut self,
        step: &'a Step,
        ty: &'a Ty,
        resolved: Resolved<'_>,
    ) -> Result<bool, Nulled> {
        let resolved = match resolved {
            Resolved::Null => return Ok(false),
            Resolved::Value(value) if *value == Value::Null => return Ok(false),
            Resolved::Failed(fault) => {
                self.fail(step, *fault);
                return Err(Nulled);
            }
            resolved => resolved,
        };
        match (&ty.kind, resolved) {
            (TyKind::List(items), Resolved::List(values)) => self.list(step, items, values)?,
            (TyKind::List(items), Resolved::Value(value)) => match &*value {
                Value::Array(values) => {
                    let values = values.iter().map(Resolved::from).collect();
                    self.list(step, items, values)?;
                }
                other => return Err(self.unfit(step, "a list", &shown(other))),
            },
            (TyKind::Composite, Resolved::Object(object)) => self.object(step, &*object)?,
            (TyKind::Composite, Resolved::Value(value)) => match &*value {
                Value::Object(members) => {
                    let name = step.selection.only_type().unwrap_or_default();
                    self.object(step, &Record { name, members })?;
                }
                other => return Err(self.unfit(step, "an object", &shown(other))),
            },
            (TyKind::Leaf(leaf), resolved) => self.leaf(step, leaf, resolved)?,
            _ => return Err(self.unfit(step, "of its type", "something else")),
        }
        Ok(true)
    }

    fn list(
        &mut self,
        step: &'a Step,
        items: &'a Ty,
        values: Vec<Resolved<'_>>,
    ) -> Result<(), Nulled> {
        self.out.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.path.push(Place::Index(index));
            let done = self.value(step, items, value);
            self.path.pop();
            done?;
        }
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, step: &'a Step, object: &dyn Object) -> Result<(), Nulled> {
        self.out.push('{');
        for (index, field) in step.selection.of(object.type_name()).iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            field.key.as_str().write_text(&mut self.out);
            self.out.push(':');
            self.path.push(Place::Key(&field.key));
            let resolved = match field.name() {
                "__typename" => Resolved::text(object.type_name()),
                _ => object.field(field),
            };
            let done = self.value(field, &field.ty, resolved);
            self.path.pop();
            done?;
        }
        self.out.push('}');
        Ok(())
    }

    fn leaf(&mut self, step: &'a Step, leaf: &Leaf, resolved: Resolved<'_>) -> Result<(), Nulled> {
        let out = &mut self.out;
        match (leaf, resolved) {
            (Leaf::Json, Resolved::Json(text)) => out.push_str(text.trim()),
            (Leaf::Json, Resolved::Value(value)) => value.write_text(out),
            (Leaf::Text | Leaf::Json, Resolved::Text(text)) => text.write_text(out),
            (Leaf::Text, Resolved::Value(value)) if value.as_str().is_some() => {
                value.write_text(out)
            }
            (Leaf::Boolean | Leaf::Json, Resolved::Bool(value)) => value.write_text(out),
            (Leaf::Boolean, Resolved::Value(value)) if matches!(*value, Value::Bool(_)) => {
                value.write_text(out);
            }
            (Leaf::Int, Resolved::Number(number)) if i32::try_from(number).is_ok() => {
                number.write_text(out);
            }
            (Leaf::Integer | Leaf::Float | Leaf::Json, Resolved::Number(number)) => {
                number.write_text(out);
            }
            (Leaf::Int | Leaf::Integer | Leaf::Float, Resolved::Value(value)) => {
                let is_fit = match &*value {
                    Value::Number(number) => match leaf {
                        Leaf::Int => is_int(number),
                        Leaf::Integer => number.is_whole(),
                        _ => true,
                    },
                    _ => false,
                };
                match (is_fit, &*value) {
                    // Programs read it into an integer, which `1.0` is not to all of them.
                    (true, Value::Number(number)) if matches!(leaf, Leaf::Int) => {
                        out.push_str(&(number.as_f64() as i64).to_string());
                    }
                    (true, value) => value.write_text(out),
                    (false, value) => {
                        return Err(self.unfit(step, number_kind(leaf), &shown(value)));
                    }
                }
            }
            (Leaf::Choice(name), resolved) => {
                let text = match &resolved {
                    Resolved::Text(text) => Some(&**text),
                    Resolved::Value(value) => value.as_str(),
                    _ => None,
                };
                match text.filter(|text| has_value(&self.api.schema, name, text)) {
                    Some(text) => text.write_text(out),
                    None => {
                        let found = text.unwrap_or("something else").to_owned();
                        return Err(self.unfit(step, &format!("one of {name}"), &found));
                    }
                }
            }
            (leaf, resolved) => {
                let found = match &resolved {
                    Resolved::Value(value) => shown(value),
                    _ => Cow::Borrowed("something else"),
                };
                let kind = match leaf {
                    Leaf::Text => "a string",
                    Leaf::Boolean => "true or false",
                    other => number_kind(other),
                };
                return Err(self.unfit(step, kind, &found));
            }
        }
        Ok(())
    }

    fn unfit(&mut self, step: &'a Step, what: &str, found: &str) -> Nulled {
        /// How much of a value is told.
        const SHOWN: usize = 100;
        let mut shown: String = found.chars().take(SHOWN).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        let message = format!("{} must be {what}; the stored value is {shown}.", step.name);
        self.fail(step, Fault::new(Fault::UNFIT, message));
        Nulled
    }

    fn fail(&mut self, step: &'a Step, mut fault: Fault) {
        /// How many faults are told: a page of documents may have one each.
        const MOST: usize = 1000;
        if self.faults.len() >= MOST {
            return;
        }
        let place = step.location.and_then(|it| self.plan.document.place(it));
        fault.locations.extend(place);
        fault.path = self
            .path
            .iter()
            .map(|place| match place {
                Place::Key(key) => Segment::Key((*key).to_owned()),
                Place::Index(index) => Segment::Index(*index),
            })
            .collect();
        self.faults.push(fault);
    }
}

/// A value in few words.
fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        other => other.to_text().into(),
    }
}

fn number_kind(leaf: &Leaf) -> &'static str {
    match leaf {
        Leaf::Int => "a whole number of 32 bits",
        Leaf::Integer => "a whole number",
        Leaf::Float => "a number",
        _ => "of its type",
    }
}

fn has_value(schema: &Schema, name: &str, text: &str) -> bool {
    match schema.types.get(name) {
        Some(ExtendedType::Enum(of)) => of.values.contains_key(text),
        _ => false,
    }
}

/// An object whose fields are its members.
struct Record<'a> {
    name: &'a str,
    members: &'a detente_core::json::Object,
}

impl Object for Record<'_> {
    fn type_name(&self) -> &str {
        self.name
    }

    fn field<'b>(&'b self, step: &'b Step) -> Resolved<'b> {
        self.members.get(step.name()).into()
    }
}

impl Answer {
    /// The response to a request that is refused as a whole: it has no data.
    pub fn refused(faults: &[Fault]) -> Self {
        Self {
            text: format!("{{\"errors\":{}}}", Fault::list(faults)),
            has_data: false,
        }
    }
}
