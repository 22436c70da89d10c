use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use detente_core::json::{self, MAX_DEPTH, Number, Object, Pointer, Value};
use detente_core::rules::{
    Access, AccessRule, Check, Expression, ExpressionError, Lifecycle, Rules, Schema, Template,
    Unique,
};
use detente_core::{CollectionKey, CollectionRules, Keep, Unconditional};
use detente_service::{Collection, OnConflict, StaleAnswer};
use toml::Spanned;
use toml::de::DeValue;

use super::file::{beside, defaults};
use super::mistake::Source;
use super::section::{Placed, Section, with_article};
use super::strategy;

/// What applies to a collection that does not say otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    pub(super) stale_answer: StaleAnswer,
    pub(super) unconditional: Unconditional,
    pub(super) on_conflict: OnConflict,
}

pub(super) fn read(
    name: &Placed<String>,
    section: &Section<'_>,
    before: &Defaults,
) -> Option<(String, Arc<Collection>)> {
    // `default` is a valid space: only the name of the collection can be wrong.
    if let Err(error) = CollectionKey::new("default", &name.value) {
        section.mistake(name.span.clone(), error.to_string());
    }
    let defaults = defaults(section, before);
    let rules = Rules {
        schema: schema(section),
        unique: unique(section),
        lifecycle: section
            .section("lifecycle")
            .and_then(|section| lifecycle(&section)),
        checks: checks(section),
        access: access(section),
        strategies: strategy::read(section),
    };
    let history = history(section);
    // Read where the names of all collections are known.
    section.get("graphql_type");
    section.finish();
    let collection = Collection {
        stale_answer: defaults.stale_answer,
        on_conflict: defaults.on_conflict,
        rules: Arc::new(CollectionRules {
            rules,
            unconditional: defaults.unconditional,
            history,
        }),
    };
    Some((name.value.clone(), Arc::new(collection)))
}

fn history(section: &Section<'_>) -> Option<Keep> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let section = section.section("history")?;
    let versions = section.number("keep_versions", 1).map(|it| it as u64);
    let days = section.number("keep_days", 1).map(|it| it as u64);
    section.finish();
    if section.get("keep_versions").is_none() && section.get("keep_days").is_none() {
        section.lacks("keep_versions or keep_days");
    }
    (versions.is_some() || days.is_some()).then(|| Keep {
        versions: versions.unwrap_or(1),
        age_ms: days.map_or(0, |days| days.saturating_mul(DAY_MS)),
    })
}

fn schema(section: &Section<'_>) -> Option<Schema> {
    let value = section.get("schema")?;
    match value.get_ref() {
        DeValue::String(path) => schema_file(section, path, value.span()),
        DeValue::Table(_) => {
            let schema = to_json(section, value)?;
            let place = |path: &str| place_in(value, path);
            compile(&schema, |path, message| {
                section.mistake(place(path), message)
            })
        }
        other => {
            let message = format!(
                "schema must be a file name or a table, not {}",
                with_article(other.type_str())
            );
            section.mistake(value.span(), message);
            None
        }
    }
}

fn schema_file(section: &Section<'_>, path: &str, span: Range<usize>) -> Option<Schema> {
    let path = beside(section, path);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            section.mistake(span, format!("{} cannot be read: {error}", path.display()));
            return None;
        }
    };
    let source: Source<'_> = section.source.beside(&path, &text);
    match json::parse(text.as_bytes()) {
        Ok(schema) => compile(&schema, |path, message| {
            let start = path
                .parse()
                .ok()
                .and_then(|path: Pointer| json::find(&text, &path));
            let start = start.map_or(0, |found| found.as_ptr() as usize - text.as_ptr() as usize);
            source.mistake(start..start, message);
        }),
        Err(error) => {
            source.mistake(error.offset..error.offset, error.message);
            None
        }
    }
}

fn compile(schema: &Value, tell: impl Fn(&str, String)) -> Option<Schema> {
    match Schema::compile(schema) {
        Ok(schema) => Some(schema),
        Err(errors) => {
            errors
                .into_iter()
                .for_each(|error| tell(&error.path, error.message));
            None
        }
    }
}

/// A TOML value as JSON.
fn to_json(section: &Section<'_>, value: &Spanned<DeValue<'_>>) -> Option<Value> {
    Some(match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => {
            number_to_json(section, value, number.as_str(), number.radix())?
        }
        DeValue::Float(number) => number_to_json(section, value, number.as_str(), 10)?,
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| to_json(section, item))
                .collect::<Option<_>>()?,
        ),
        DeValue::Table(members) => {
            let pair = |(name, value): (&Spanned<_>, _)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                Some((name.to_string(), to_json(section, value)?))
            };
            Value::Object(members.iter().map(pair).collect::<Option<Object>>()?)
        }
        DeValue::Datetime(_) => {
            section.mistake(value.span(), "JSON has no dates; write a string");
            return None;
        }
    })
}

/// A number as JSON writes it. A number that JSON does not have, such as `inf`, is a mistake: a schema
/// must not silently lose a bound.
fn number_to_json(
    section: &Section<'_>,
    value: &Spanned<DeValue<'_>>,
    digits: &str,
    radix: u32,
) -> Option<Value> {
    let digits = digits.replace('_', "");
    let number = match radix {
        10 => json::parse(digits.trim_start_matches('+').as_bytes()).ok(),
        _ => i64::from_str_radix(&digits, radix)
            .ok()
            .map(|it| Value::Number(Number::from(it))),
    };
    if number.is_none() {
        section.mistake(value.span(), "JSON has no such number");
    }
    number
}

/// The span of the value at a JSON Pointer, or of its nearest parent that exists.
fn place_in(value: &Spanned<DeValue<'_>>, path: &str) -> Range<usize> {
    let pointer: Pointer = path.parse().unwrap_or_default();
    let mut at = value;
    for token in pointer.tokens() {
        let next = match at.get_ref() {
            DeValue::Table(members) => members.get(token.as_str()),
            DeValue::Array(items) => Pointer::index(token).and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    at.span()
}

fn unique(section: &Section<'_>) -> Vec<Unique> {
    let mut names = HashSet::new();
    let mut constraints = Vec::new();
    for section in section.sections("unique") {
        let name = section.needed_text("name");
        if let Some(name) = name
            .as_ref()
            .filter(|name| !names.insert(name.value.clone()))
        {
            let message = format!(
                "this collection has another unique key named {:?}",
                name.value
            );
            section.mistake(name.span.clone(), message);
        }
        let fields = pointers(&section);
        let condition = expression(&section, "where");
        if let Some(place) = condition.as_ref().filter(|it| it.value.mentions_stored()) {
            let message = "a unique key must depend on the document alone, not on oldSelf";
            section.mistake(place.span.clone(), message);
        }
        let unique = Unique {
            name: name.map(|name| name.value).unwrap_or_default(),
            fields,
            ignore_case: section.boolean("ignore_case").unwrap_or(false),
            normalize: section.boolean("normalize").unwrap_or(false),
            condition: condition.map(|condition| condition.value),
            error: section.text("error").map(|error| error.value),
            message: template(&section),
        };
        section.finish();
        constraints.push(unique);
    }
    constraints
}

fn pointers(section: &Section<'_>) -> Vec<Pointer> {
    let Some(fields) = section.texts("fields") else {
        if section.get("fields").is_none() {
            section.lacks("fields");
        }
        return Vec::new();
    };
    if fields.value.is_empty() {
        section.mistake(fields.span, "a unique key must have at least one field");
    }
    fields
        .value
        .iter()
        .filter_map(|field| pointer(section, field))
        .collect()
}

pub(super) fn pointer(section: &Section<'_>, text: &Placed<String>) -> Option<Pointer> {
    match text.value.parse::<Pointer>() {
        Ok(pointer) if pointer.tokens().len() > MAX_DEPTH => {
            let message = format!("documents are nested at most {MAX_DEPTH} levels deep");
            section.mistake(text.span.clone(), message);
            None
        }
        Ok(pointer) => Some(pointer),
        Err(error) => {
            section.mistake(text.span.clone(), error.to_string());
            None
        }
    }
}

fn access(section: &Section<'_>) -> Access {
    let Some(section) = section.section("access") else {
        return Access::default();
    };
    let rule = |key, compile: fn(&str) -> Result<AccessRule, ExpressionError>| {
        compiled(&section, key, compile).map(|rule| rule.value)
    };
    let access = Access {
        read: rule("read", AccessRule::of_one),
        create: rule("create", AccessRule::of_one),
        update: rule("update", AccessRule::of_update),
        delete: rule("delete", AccessRule::of_one),
    };
    section.finish();
    access
}

fn expression(section: &Section<'_>, key: &'static str) -> Option<Placed<Expression>> {
    compiled(section, key, Expression::compile)
}

fn compiled<T>(
    section: &Section<'_>,
    key: &'static str,
    compile: fn(&str) -> Result<T, ExpressionError>,
) -> Option<Placed<T>> {
    let source = section.text(key)?;
    match compile(&source.value) {
        Ok(value) => Some(Placed {
            value,
            span: source.span,
        }),
        Err(error) => {
            section.mistake(
                section.source.within(source.span, error.offset),
                error.message,
            );
            None
        }
    }
}

fn template(section: &Section<'_>) -> Option<Template> {
    let text = section.text("message")?;
    match text.value.parse::<Template>() {
        Ok(template) => Some(template),
        Err(error) => {
            let characters = text.value[..error.offset()].chars().count();
            section.mistake(
                section.source.within(text.span, characters),
                error.to_string(),
            );
            None
        }
    }
}

fn checks(section: &Section<'_>) -> Vec<Check> {
    let mut names = HashSet::new();
    let mut checks = Vec::new();
    for section in section.sections("rules") {
        let name = section.needed_text("name");
        if let Some(name) = name
            .as_ref()
            .filter(|name| !names.insert(name.value.clone()))
        {
            let message = format!("this collection has another rule named {:?}", name.value);
            section.mistake(name.span.clone(), message);
        }
        if section.get("check").is_none() {
            section.lacks("check");
        }
        let when = expression(&section, "when");
        let check = expression(&section, "check");
        let message = template(&section);
        section.finish();
        if let Some(name) = name.as_ref().filter(|name| name.value.is_empty()) {
            section.mistake(
                name.span.clone(),
                "a rule's name must not be empty: it becomes `error`",
            );
        }
        if let (Some(name), Some(check)) = (name, check) {
            checks.push(Check {
                name: name.value,
                when: when.map(|when| when.value),
                check: check.value,
                message,
            });
        }
    }
    checks
}

fn lifecycle(section: &Section<'_>) -> Option<Lifecycle> {
    let field = section.needed_text("field");
    let initial = section.texts("initial");
    if initial.is_none() && section.get("initial").is_none() {
        section.lacks("initial");
    }
    let states = section.section("states");
    if states.is_none() && section.get("states").is_none() {
        section.lacks("states");
    }
    section.finish();
    let (field, initial, states) = (field?, initial?, states?);
    let field = pointer(section, &field)?;
    let declared: Vec<(String, Vec<Placed<String>>)> = states
        .entries()
        .map(|(name, value)| {
            let next = match value.get_ref().as_array() {
                Some(items) => states.strings(&name.value, items.iter()),
                None => {
                    let message = format!("{:?} must be a list of states", name.value);
                    section.mistake(value.span(), message);
                    Vec::new()
                }
            };
            (name.value, next)
        })
        .collect();
    let named = declared
        .iter()
        .flat_map(|(_, next)| next)
        .chain(&initial.value);
    for state in named {
        if !declared.iter().any(|(name, _)| *name == state.value) {
            let message = format!("{:?} is not one of the states", state.value);
            section.mistake(state.span.clone(), message);
        }
    }
    if declared.is_empty() {
        section.mistake(
            states.span.clone(),
            "a lifecycle must have at least one state",
        );
    }
    if initial.value.is_empty() {
        let message = "a lifecycle must have at least one initial state, or nothing can be created";
        section.mistake(initial.span.clone(), message);
    }
    let texts = |states: Vec<Placed<String>>| states.into_iter().map(|it| it.value).collect();
    Some(Lifecycle {
        field,
        initial: texts(initial.value),
        states: declared
            .into_iter()
            .map(|(name, next)| (name, texts(next)))
            .collect(),
    })
}
