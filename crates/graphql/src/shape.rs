//! What the values of a JSON Schema look like, as far as the types of GraphQL can say it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::names::{is_name, pascal_of};

/// The objects and enums that a collection's documents are made of. The first object is the document.
#[derive(Debug)]
pub(crate) struct Shapes {
    pub(crate) objects: Vec<ObjectShape>,
    pub(crate) choices: Vec<Choice>,
}

/// An object with named members.
#[derive(Debug)]
pub(crate) struct ObjectShape {
    /// What the names of its types begin with.
    pub(crate) stem: String,
    pub(crate) description: Option<String>,
    pub(crate) members: Vec<Member>,
    /// Whether no object of this kind can have members beside these: then a type says all of it.
    pub(crate) is_whole: bool,
}

/// Some strings, one of which it is.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) values: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) is_deprecated: bool,
    pub(crate) is_required: bool,
    pub(crate) value: Shaped,
}

/// A value, or null where it may be.
#[derive(Clone, Debug)]
pub(crate) struct Shaped {
    pub(crate) shape: Shape,
    pub(crate) is_nullable: bool,
    /// Whether it stands for an object that it is itself within.
    pub(crate) is_cyclic: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Text,
    /// A whole number that GraphQL's `Int` has room for.
    Int,
    /// A whole number.
    Integer,
    Float,
    Boolean,
    /// By its place in [`Shapes::choices`].
    Choice(usize),
    List(Box<Shaped>),
    /// By its place in [`Shapes::objects`].
    Object(usize),
    /// Anything.
    Json,
}

impl Shapes {
    /// Of a schema whose documents are called `stem`; `None` if it names no members that GraphQL could.
    /// `take` finds a name for a type that nothing else has.
    pub(crate) fn of(
        schema: &Value,
        stem: &str,
        take: &mut dyn FnMut(String) -> String,
    ) -> Option<Self> {
        let mut reading = Reading {
            root: schema,
            shapes: Self {
                objects: Vec::new(),
                choices: Vec::new(),
            },
            by_reference: HashMap::from([(String::new(), Shape::Object(0))]),
            under_way: HashSet::from([String::new()]),
            take,
        };
        let members = schema.as_object()?;
        reading.object(members, stem.to_owned(), true)?;
        Some(reading.shapes)
    }
}

struct Reading<'a> {
    root: &'a Value,
    shapes: Shapes,
    /// What a reference was found to stand for.
    by_reference: HashMap<String, Shape>,
    /// The references that lead to where we are.
    under_way: HashSet<String>,
    take: &'a mut dyn FnMut(String) -> String,
}

impl<'a> Reading<'a> {
    fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        stem: String,
        is_document: bool,
    ) -> Option<usize> {
        let properties = schema.get("properties").and_then(Value::as_object)?;
        if !properties.keys().any(|name| is_name(name)) {
            return None;
        }
        let stem = match is_document {
            true => stem,
            false => (self.take)(stem),
        };
        let index = self.shapes.objects.len();
        self.shapes.objects.push(ObjectShape {
            stem: stem.clone(),
            description: description(schema),
            members: Vec::new(),
            is_whole: is_closed(schema) && properties.keys().all(|name| is_name(name)),
        });
        let required = strings(schema.get("required"));
        let mut members = Vec::new();
        for (name, schema) in properties.iter().filter(|(name, _)| is_name(name)) {
            let value = self.shaped(schema, &format!("{stem}{}", pascal_of(name)));
            let of = schema.as_object();
            members.push(Member {
                name: name.clone(),
                description: of.and_then(description),
                is_deprecated: of.is_some_and(|it| it.get("deprecated") == Some(&true.into())),
                is_required: required.contains(&name.as_str()),
                value,
            });
        }
        self.shapes.objects[index].members = members;
        Some(index)
    }

    fn shaped(&mut self, schema: &'a Value, stem: &str) -> Shaped {
        let plain = |shape| Shaped {
            shape,
            is_nullable: false,
            is_cyclic: false,
        };
        let anything = Shaped {
            is_nullable: true,
            ..plain(Shape::Json)
        };
        let Some(members) = schema.as_object() else {
            return anything;
        };
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            return self.referenced(reference).unwrap_or(anything);
        }
        if let Some(other) = or_null(members) {
            return Shaped {
                is_nullable: true,
                ..self.shaped(other, stem)
            };
        }
        let (types, is_nullable) = types(members);
        if let Some(values) = values(members) {
            let named: Vec<&Value> = values.iter().copied().filter(|it| !it.is_null()).collect();
            let has_null = named.len() < values.len();
            return match named.iter().map(|it| enum_value(it)).collect() {
                Some(values) => Shaped {
                    shape: self.choice(members, stem, values),
                    is_nullable: has_null,
                    is_cyclic: false,
                },
                None => Shaped {
                    is_nullable: has_null,
                    ..plain(of_values(&named))
                },
            };
        }
        let shape = match types[..] {
            ["string"] => Shape::Text,
            ["boolean"] => Shape::Boolean,
            ["integer"] if is_small(members) => Shape::Int,
            ["integer"] => Shape::Integer,
            ["number"] | ["integer", "number"] | ["number", "integer"] => Shape::Float,
            ["array"] => match members.get("items") {
                Some(items) if !members.contains_key("prefixItems") && !items.is_array() => {
                    Shape::List(Box::new(self.shaped(items, stem)))
                }
                _ => Shape::Json,
            },
            _ if is_object(members) => match self.object(members, stem.to_owned(), false) {
                Some(index) => Shape::Object(index),
                None => Shape::Json,
            },
            _ => return anything,
        };
        Shaped {
            is_nullable,
            ..plain(shape)
        }
    }

    /// What a reference into the same schema stands for.
    fn referenced(&mut self, reference: &str) -> Option<Shaped> {
        let pointer = reference.strip_prefix('#')?;
        let found = self.root.pointer(pointer)?;
        let is_cyclic = self.under_way.contains(pointer);
        if let Some(shape) = self.by_reference.get(pointer) {
            let (_, is_nullable) = found.as_object().map(types).unwrap_or_default();
            return Some(Shaped {
                shape: shape.clone(),
                is_nullable,
                is_cyclic,
            });
        }
        if is_cyclic {
            return None;
        }
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let stem = self.shapes.objects.first().map(|it| it.stem.as_str());
        let stem = format!("{}{}", stem.unwrap_or_default(), pascal_of(name));
        self.under_way.insert(pointer.to_owned());
        // An object within itself finds the place that it is about to have.
        if found.as_object().is_some_and(is_object) {
            let next = Shape::Object(self.shapes.objects.len());
            self.by_reference.insert(pointer.to_owned(), next);
        }
        let shaped = self.shaped(found, &stem);
        self.under_way.remove(pointer);
        self.by_reference
            .insert(pointer.to_owned(), shaped.shape.clone());
        Some(shaped)
    }

    fn choice(&mut self, schema: &Map<String, Value>, stem: &str, values: Vec<String>) -> Shape {
        let name = (self.take)(stem.to_owned());
        self.shapes.choices.push(Choice {
            name,
            description: description(schema),
            values,
        });
        Shape::Choice(self.shapes.choices.len() - 1)
    }
}

fn description(schema: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    text("description")
        .or_else(|| text("title"))
        .map(str::to_owned)
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// The types that a value may have beside null, and whether it may be that.
fn types(schema: &Map<String, Value>) -> (Vec<&str>, bool) {
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        several => strings(several),
    };
    let is_nullable = types.contains(&"null") || types.is_empty();
    let others = types.into_iter().filter(|it| *it != "null").collect();
    (others, is_nullable)
}

fn values(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.iter().collect()),
        (_, Some(value)) => Some(vec![value]),
        _ => None,
    }
}

fn enum_value(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_word = !matches!(text, "true" | "false" | "null");
    (is_name(text) && is_word).then(|| text.to_owned())
}

/// The type of values that are no names.
fn of_values(values: &[&Value]) -> Shape {
    let all = |is: fn(&Value) -> bool| !values.is_empty() && values.iter().all(|it| is(it));
    if all(Value::is_string) {
        Shape::Text
    } else if all(Value::is_boolean) {
        Shape::Boolean
    } else if all(Value::is_number) {
        Shape::Float
    } else {
        Shape::Json
    }
}

/// The one of two schemas that is not that of null, where the other is.
fn or_null(schema: &Map<String, Value>) -> Option<&Value> {
    let either = schema.get("anyOf").or_else(|| schema.get("oneOf"))?;
    let either = either.as_array()?;
    let is_null = |it: &Value| {
        it.get("type") == Some(&"null".into()) || it.get("const") == Some(&Value::Null)
    };
    match either.as_slice() {
        [null, other] | [other, null] if is_null(null) && !is_null(other) => Some(other),
        _ => None,
    }
}

/// Whether an object with named members is all that it can be, beside null.
fn is_object(schema: &Map<String, Value>) -> bool {
    let others = ["$ref", "enum", "const", "anyOf", "oneOf"];
    let properties = schema.get("properties").and_then(Value::as_object);
    matches!(types(schema).0[..], [] | ["object"])
        && properties.is_some_and(|it| it.keys().any(|name| is_name(name)))
        && !others.iter().any(|name| schema.contains_key(*name))
}

/// Whether its bounds leave no number that takes more than 32 bits.
fn is_small(schema: &Map<String, Value>) -> bool {
    let bound = |inclusive: &str, exclusive: &str| {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        bound(inclusive).or_else(|| bound(exclusive))
    };
    let least = bound("minimum", "exclusiveMinimum");
    let most = bound("maximum", "exclusiveMaximum");
    least.is_some_and(|least| least >= f64::from(i32::MIN))
        && most.is_some_and(|most| most <= f64::from(i32::MAX))
}

/// Whether an object can have no members but its properties.
fn is_closed(schema: &Map<String, Value>) -> bool {
    let forbids = |name: &str| schema.get(name) == Some(&Value::Bool(false));
    let has_patterns = schema
        .get("patternProperties")
        .and_then(Value::as_object)
        .is_some_and(|it| !it.is_empty());
    !has_patterns && (forbids("additionalProperties") || forbids("unevaluatedProperties"))
}
