//! The schema, as it tells itself (October 2021, section 4.2). It is written like any other answer, so it is no
//! longer than an answer may be.

use std::borrow::Cow;

use apollo_compiler::ast::{
    self, DirectiveDefinition, FieldDefinition, InputValueDefinition, Type,
};
use apollo_compiler::schema::{
    DirectiveList as SchemaDirectives, EnumValueDefinition, ExtendedType,
};
use apollo_compiler::{Name, Node, Schema};
use detente_core::json::Value;

use crate::api::Api;
use crate::plan::Step;
use crate::resolved::{Object, Resolved};

/// What a field of the root that is about the schema comes to; `None`: it is none of these.
pub(crate) fn resolve<'a>(api: &'a Api, step: &Step) -> Option<Resolved<'a>> {
    match step.name() {
        "__schema" => Some(Resolved::object(OfSchema(api))),
        "__type" => {
            let name = step.argument("name").and_then(Value::as_str)?;
            let found = api.schema.types.get_key_value(name);
            Some(match found {
                Some((name, _)) => named(api, name),
                None => Resolved::Null,
            })
        }
        _ => None,
    }
}

/// A `__Schema`.
struct OfSchema<'a>(&'a Api);

/// A `__Type`: one with a name, or a list or non-null form of another.
enum OfType<'a> {
    Named(&'a Api, &'a Name, &'a ExtendedType),
    Wrapped(&'a Api, Cow<'a, Type>),
}

/// A `__Field`.
struct OfField<'a>(&'a Api, &'a FieldDefinition);

/// A `__InputValue`.
struct OfInput<'a>(&'a Api, &'a InputValueDefinition);

/// A `__EnumValue`.
struct OfValue<'a>(&'a EnumValueDefinition);

/// A `__Directive`.
struct OfDirective<'a>(&'a Api, &'a DirectiveDefinition);

fn named<'a>(api: &'a Api, name: &'a Name) -> Resolved<'a> {
    match api.schema.types.get(name) {
        Some(ty) => Resolved::object(OfType::Named(api, name, ty)),
        None => Resolved::Null,
    }
}

fn of_type<'a>(api: &'a Api, ty: &'a Type) -> Resolved<'a> {
    match ty {
        Type::Named(name) => named(api, name),
        other => Resolved::object(OfType::Wrapped(api, Cow::Borrowed(other))),
    }
}

fn list<'a, T>(items: impl Iterator<Item = T>, make: impl Fn(T) -> Resolved<'a>) -> Resolved<'a> {
    Resolved::List(items.map(make).collect())
}

fn text<'a>(text: Option<&'a Node<str>>) -> Resolved<'a> {
    text.map(|text| Resolved::text(text.as_str()))
        .unwrap_or(Resolved::Null)
}

/// Whether something is told: what is deprecated only where it is asked for.
fn is_told(step: &Step, directives: &ast::DirectiveList) -> bool {
    let asks_for_all = || step.argument("includeDeprecated") == Some(&Value::Bool(true));
    !is_deprecated(directives) || asks_for_all()
}

/// Why something is deprecated, if it is.
fn deprecation(directives: &ast::DirectiveList) -> Option<&str> {
    let directive = directives.get("deprecated")?;
    let reason = directive.specified_argument_by_name("reason");
    Some(
        reason
            .and_then(|it| it.as_str())
            .unwrap_or("No longer supported"),
    )
}

fn is_deprecated(directives: &ast::DirectiveList) -> bool {
    directives.has("deprecated")
}

impl Object for OfSchema<'_> {
    fn type_name(&self) -> &str {
        "__Schema"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let Self(api) = self;
        let schema: &Schema = &api.schema;
        let root = |name: &'a Option<apollo_compiler::schema::ComponentName>| {
            name.as_ref()
                .map_or(Resolved::Null, |name| named(api, name))
        };
        let definition = &schema.schema_definition;
        match step.name() {
            "description" => text(definition.description.as_ref()),
            "types" => list(schema.types.keys(), |name| named(api, name)),
            "queryType" => root(&definition.query),
            "mutationType" => root(&definition.mutation),
            "subscriptionType" => root(&definition.subscription),
            "directives" => list(schema.directive_definitions.values(), |it| {
                Resolved::object(OfDirective(api, it))
            }),
            _ => Resolved::Null,
        }
    }
}

impl Object for OfType<'_> {
    fn type_name(&self) -> &str {
        "__Type"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let (api, name, ty) = match self {
            Self::Named(api, name, ty) => (*api, *name, *ty),
            Self::Wrapped(api, ty) => return wrapped(api, ty, step),
        };
        match step.name() {
            "kind" => Resolved::from(match ty {
                ExtendedType::Scalar(_) => "SCALAR",
                ExtendedType::Object(_) => "OBJECT",
                ExtendedType::Interface(_) => "INTERFACE",
                ExtendedType::Union(_) => "UNION",
                ExtendedType::Enum(_) => "ENUM",
                ExtendedType::InputObject(_) => "INPUT_OBJECT",
            }),
            "name" => Resolved::text(name.as_str()),
            "description" => text(ty.description()),
            "specifiedByURL" => specified_by(ty.directives()),
            "fields" => {
                let fields = match ty {
                    ExtendedType::Object(it) => &it.fields,
                    ExtendedType::Interface(it) => &it.fields,
                    _ => return Resolved::Null,
                };
                let fields = fields.values().map(|it| &***it);
                let fields = fields.filter(|it| is_told(step, &it.directives));
                list(fields, |it| Resolved::object(OfField(api, it)))
            }
            "interfaces" => {
                let interfaces = match ty {
                    ExtendedType::Object(it) => &it.implements_interfaces,
                    ExtendedType::Interface(it) => &it.implements_interfaces,
                    _ => return Resolved::Null,
                };
                list(interfaces.iter(), |name| named(api, name))
            }
            "possibleTypes" => match ty {
                ExtendedType::Interface(_) => {
                    let objects = api.implementers.get(name).map(|it| &it.objects);
                    list(objects.into_iter().flatten(), |name| named(api, name))
                }
                ExtendedType::Union(it) => list(it.members.iter(), |name| named(api, name)),
                _ => Resolved::Null,
            },
            "enumValues" => match ty {
                ExtendedType::Enum(it) => {
                    let values = it.values.values().map(|it| &***it);
                    let values = values.filter(|it| is_told(step, &it.directives));
                    list(values, |it| Resolved::object(OfValue(it)))
                }
                _ => Resolved::Null,
            },
            "inputFields" => match ty {
                ExtendedType::InputObject(it) => {
                    inputs(api, step, it.fields.values().map(|it| &***it))
                }
                _ => Resolved::Null,
            },
            _ => Resolved::Null,
        }
    }
}

/// The fields of a list, or of the non-null form of a type.
fn wrapped<'a>(api: &'a Api, ty: &'a Type, step: &Step) -> Resolved<'a> {
    let own = |ty: Type| Resolved::object(OfType::Wrapped(api, Cow::Owned(ty)));
    match (step.name(), ty) {
        ("kind", Type::NonNullNamed(_) | Type::NonNullList(_)) => Resolved::from("NON_NULL"),
        ("kind", _) => Resolved::from("LIST"),
        ("ofType", Type::NonNullNamed(name)) => named_of(api, name),
        ("ofType", Type::NonNullList(items)) => own(Type::List(items.clone())),
        ("ofType", Type::List(items)) => match &**items {
            Type::Named(name) => named_of(api, name),
            other => own(other.clone()),
        },
        _ => Resolved::Null,
    }
}

/// A type by a name that may not live as long as the schema does.
fn named_of<'a>(api: &'a Api, name: &Name) -> Resolved<'a> {
    let found = api.schema.types.get_key_value(name.as_str());
    found.map_or(Resolved::Null, |(name, _)| named(api, name))
}

fn specified_by(directives: &SchemaDirectives) -> Resolved<'_> {
    let directive = directives.get("specifiedBy");
    let url = directive.and_then(|it| it.specified_argument_by_name("url"));
    url.and_then(|it| it.as_str()).into()
}

fn inputs<'a>(
    api: &'a Api,
    step: &Step,
    inputs: impl Iterator<Item = &'a InputValueDefinition>,
) -> Resolved<'a> {
    let inputs = inputs.filter(|it| is_told(step, &it.directives));
    list(inputs, |it| Resolved::object(OfInput(api, it)))
}

impl Object for OfField<'_> {
    fn type_name(&self) -> &str {
        "__Field"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let Self(api, field) = self;
        match step.name() {
            "name" => Resolved::text(field.name.as_str()),
            "description" => text(field.description.as_ref()),
            "args" => inputs(api, step, field.arguments.iter().map(|it| &**it)),
            "type" => of_type(api, &field.ty),
            "isDeprecated" => Resolved::Bool(is_deprecated(&field.directives)),
            "deprecationReason" => deprecation(&field.directives).into(),
            _ => Resolved::Null,
        }
    }
}

impl Object for OfInput<'_> {
    fn type_name(&self) -> &str {
        "__InputValue"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let Self(api, input) = self;
        match step.name() {
            "name" => Resolved::text(input.name.as_str()),
            "description" => text(input.description.as_ref()),
            "type" => of_type(api, &input.ty),
            "defaultValue" => {
                let value = input.default_value.as_ref();
                value
                    .map(|it| it.serialize().no_indent().to_string())
                    .into()
            }
            "isDeprecated" => Resolved::Bool(is_deprecated(&input.directives)),
            "deprecationReason" => deprecation(&input.directives).into(),
            _ => Resolved::Null,
        }
    }
}

impl Object for OfValue<'_> {
    fn type_name(&self) -> &str {
        "__EnumValue"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let Self(value) = self;
        match step.name() {
            "name" => Resolved::text(value.value.as_str()),
            "description" => text(value.description.as_ref()),
            "isDeprecated" => Resolved::Bool(is_deprecated(&value.directives)),
            "deprecationReason" => deprecation(&value.directives).into(),
            _ => Resolved::Null,
        }
    }
}

impl Object for OfDirective<'_> {
    fn type_name(&self) -> &str {
        "__Directive"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let Self(api, directive) = self;
        match step.name() {
            "name" => Resolved::text(directive.name.as_str()),
            "description" => text(directive.description.as_ref()),
            "isRepeatable" => Resolved::Bool(directive.repeatable),
            "locations" => list(directive.locations.iter(), |it| Resolved::from(it.name())),
            "args" => inputs(api, step, directive.arguments.iter().map(|it| &**it)),
            _ => Resolved::Null,
        }
    }
}
