//! The schema, as text.

use std::fmt::Write as _;

use crate::api::{Collection, Resolver};
use crate::names::Names;
use crate::shape::{Choice, Member, ObjectShape, Shape, Shaped, Shapes};

/// What all schemas have.
pub(crate) const COMMON: &str = include_str!("common.graphql");

/// The names of the inputs whose fields are operators of filters, beside those of enums.
pub(crate) const OPERATORS: [&str; 8] = [
    "StringWhere",
    "IDWhere",
    "IntWhere",
    "IntegerWhere",
    "FloatWhere",
    "BooleanWhere",
    "TimeWhere",
    "ExistsWhere",
];

/// The suffixes of the types that each collection has beside its own.
pub(crate) const SUFFIXES: [&str; 6] = [
    "Connection",
    "Edge",
    "Version",
    "VersionConnection",
    "VersionEdge",
    "Change",
];

/// A collection and what it is called.
pub(crate) struct Described<'a> {
    /// `None`: any that is not declared.
    pub(crate) collection: Option<&'a Collection<'a>>,
    pub(crate) names: Names,
    pub(crate) shapes: Option<Shapes>,
}

impl Described<'_> {
    fn needs_condition(&self) -> bool {
        self.collection.is_some_and(|it| it.needs_condition)
    }

    /// The type of `data`.
    fn data(&self) -> String {
        match &self.shapes {
            Some(_) => format!("{}Data", self.names.type_name),
            None => "JSON".to_owned(),
        }
    }

    /// The type of a whole document on its way in. Where a type could not say all that a document may
    /// have, a document is JSON: a writer who replaced it would lose what the type leaves out.
    fn input(&self) -> String {
        let is_whole = |it: &Shapes| it.objects.first().is_some_and(|it| it.is_whole);
        match self.shapes.as_ref().is_some_and(is_whole) {
            true => format!("{}Input", self.names.type_name),
            false => "JSON".to_owned(),
        }
    }

    fn filter(&self) -> String {
        match &self.shapes {
            Some(_) => format!("{}Where", self.names.type_name),
            None => "JSON".to_owned(),
        }
    }

    /// The first argument of each field, where the name of the collection is one.
    fn collection_argument(&self) -> &'static str {
        match self.collection {
            Some(_) => "",
            None => "collection: String!, ",
        }
    }
}

/// The fields of the roots, each with what it does.
pub(crate) fn root_fields(names: &Names) -> [(Resolver, String); 10] {
    let Names {
        type_name,
        one,
        many,
    } = names;
    [
        (Resolver::One, one.clone()),
        (Resolver::Many, many.clone()),
        (Resolver::Versions, format!("{one}Versions")),
        (Resolver::Preview, format!("{one}Merge")),
        (Resolver::Create, format!("create{type_name}")),
        (Resolver::Replace, format!("replace{type_name}")),
        (Resolver::Patch, format!("patch{type_name}")),
        (Resolver::Delete, format!("delete{type_name}")),
        (Resolver::Merge, format!("merge{type_name}")),
        (Resolver::Changed, format!("{one}Changed")),
    ]
}

/// The fields of the roots that belong to no collection.
pub(crate) const SHARED_FIELDS: [(Resolver, &str); 7] = [
    (Resolver::Position, "position"),
    (Resolver::Conflicts, "conflicts"),
    (Resolver::Conflict, "conflict"),
    (Resolver::Resolve, "resolveConflict"),
    (Resolver::Dismiss, "dismissConflict"),
    (Resolver::Batch, "batch"),
    (Resolver::Changes, "changes"),
];

const LOCK_TOKEN: &str = "\"The token of the lock that the writer holds.\" lockToken: String";
const KEY: &str =
    "\"Performs the write once, however often it is sent with this key.\" idempotencyKey: String";

/// The text of the whole schema.
pub(crate) fn sdl(all: &[Described<'_>]) -> String {
    let mut out = String::from(COMMON);
    for described in all {
        types(&mut out, described);
    }
    queries(&mut out, all);
    mutations(&mut out, all);
    batch(&mut out, all);
    subscriptions(&mut out, all);
    out
}

fn types(out: &mut String, it: &Described<'_>) {
    let name = &it.names.type_name;
    let data = it.data();
    let what = match it.collection {
        Some(collection) => format!("A document of `{}`.", collection.name),
        None => "A document of a collection that is not declared.".to_owned(),
    };
    let mut about = what;
    let described = it.shapes.as_ref().and_then(|it| it.objects.first());
    if let Some(description) = described.and_then(|it| it.description.as_deref()) {
        about.push(' ');
        about.push_str(description);
    }
    description(out, "", &about);
    let note = match &it.shapes {
        Some(_) => {
            "  \"\"\"The document, by its schema; null, with an error, where it does not fit.\"\"\"\n"
        }
        None => "  \"\"\"The document, as it was written.\"\"\"\n",
    };
    let _ = write!(
        out,
        "type {name} implements Versioned {{
  id: ID!
  collection: String!
  version: Int!
  etag: String
  updatedAt: Time!
  updatedBy: String!
{note}  data: {data}
  json: JSON
  conflicts(first: Int! = 10, outcome: ConflictOutcome): [Conflict!]
  outcome: WriteOutcome
}}

type {name}Connection {{
  edges: [{name}Edge!]!
  nodes: [{name}!]!
  pageInfo: PageInfo!
  \"\"\"How many the list has in all.\"\"\"
  totalCount: Integer!
}}

type {name}Edge {{
  cursor: String!
  node: {name}!
}}

\"\"\"A version of a document, or its deletion.\"\"\"
type {name}Version {{
  id: ID!
  collection: String!
  version: Int!
  \"\"\"None of a deletion.\"\"\"
  etag: String
  updatedAt: Time!
  updatedBy: String!
  isDeletion: Boolean!
  data: {data}
  json: JSON
  merged: MergedOnto
}}

type {name}VersionConnection {{
  edges: [{name}VersionEdge!]!
  nodes: [{name}Version!]!
  pageInfo: PageInfo!
}}

type {name}VersionEdge {{
  cursor: String!
  node: {name}Version!
}}

\"\"\"A version as it came.\"\"\"
type {name}Change {{
  \"\"\"Where to go on: what `since` takes.\"\"\"
  position: String!
  seq: Integer!
  collection: String!
  id: ID!
  version: Int!
  isDeletion: Boolean!
  updatedAt: Time!
  updatedBy: String!
  \"\"\"The places that it touched, as JSON Pointers.\"\"\"
  paths: [String!]
  \"\"\"Where it was joined from two edits.\"\"\"
  merged: MergedOnto
  \"\"\"None behind a deletion.\"\"\"
  document: {name}
}}

"
    );
    if let Some(shapes) = &it.shapes {
        for choice in &shapes.choices {
            enumeration(out, choice);
        }
        for (index, object) in shapes.objects.iter().enumerate() {
            output(out, shapes, index, object);
            filter(out, shapes, index, object);
        }
        inputs(out, shapes);
    }
}

fn enumeration(out: &mut String, choice: &Choice) {
    let Choice {
        name,
        description: about,
        values,
    } = choice;
    if let Some(about) = about {
        description(out, "", about);
    }
    let _ = writeln!(out, "enum {name} {{ {} }}\n", values.join(" "));
    let _ = writeln!(
        out,
        "input {name}Where {{ eq: {name} ne: {name} in: [{name}!] exists: Boolean }}\n"
    );
}

/// The name of the type of an object: that of a document has a suffix, for the type without one is that of
/// the node.
fn object_type(index: usize, object: &ObjectShape) -> String {
    match index {
        0 => format!("{}Data", object.stem),
        _ => object.stem.clone(),
    }
}

fn output(out: &mut String, shapes: &Shapes, index: usize, object: &ObjectShape) {
    if let Some(about) = &object.description {
        description(out, "", about);
    }
    let _ = writeln!(out, "type {} {{", object_type(index, object));
    for member in &object.members {
        let mut written = String::new();
        output_type(&mut written, shapes, &member.value);
        let is_certain = member.is_required && !member.value.is_nullable;
        member_line(out, member, &written, is_certain, member.is_deprecated);
    }
    out.push_str("}\n\n");
}

fn member_line(out: &mut String, member: &Member, written: &str, is_certain: bool, is_old: bool) {
    if let Some(about) = &member.description {
        description(out, "  ", about);
    }
    let required = if is_certain { "!" } else { "" };
    let deprecated = if is_old { " @deprecated" } else { "" };
    let _ = writeln!(out, "  {}: {written}{required}{deprecated}", member.name);
}

fn output_type(out: &mut String, shapes: &Shapes, value: &Shaped) {
    match &value.shape {
        Shape::Object(index) => out.push_str(&object_type(*index, &shapes.objects[*index])),
        Shape::List(items) => list(out, items, |out, items| output_type(out, shapes, items)),
        other => out.push_str(leaf(shapes, other)),
    }
}

fn list(out: &mut String, items: &Shaped, write: impl Fn(&mut String, &Shaped)) {
    out.push('[');
    write(out, items);
    out.push_str(if items.is_nullable { "]" } else { "!]" });
}

fn leaf<'a>(shapes: &'a Shapes, shape: &Shape) -> &'a str {
    match shape {
        Shape::Text => "String",
        Shape::Int => "Int",
        Shape::Integer => "Integer",
        Shape::Float => "Float",
        Shape::Boolean => "Boolean",
        Shape::Choice(index) => &shapes.choices[*index].name,
        Shape::List(_) | Shape::Object(_) | Shape::Json => "JSON",
    }
}

/// The objects that a type says all of, as they come in.
fn inputs(out: &mut String, shapes: &Shapes) {
    for object in shapes.objects.iter().filter(|it| it.is_whole) {
        if let Some(about) = &object.description {
            description(out, "", about);
        }
        let _ = writeln!(out, "input {}Input {{", object.stem);
        for member in &object.members {
            let mut written = String::new();
            input_type(&mut written, shapes, &member.value);
            let value = &member.value;
            let is_certain = member.is_required && !value.is_nullable && !value.is_cyclic;
            member_line(out, member, &written, is_certain, false);
        }
        out.push_str("}\n\n");
    }
}

fn input_type(out: &mut String, shapes: &Shapes, value: &Shaped) {
    match &value.shape {
        Shape::Object(index) if shapes.objects[*index].is_whole => {
            let _ = write!(out, "{}Input", shapes.objects[*index].stem);
        }
        Shape::List(items) => list(out, items, |out, items| input_type(out, shapes, items)),
        other => out.push_str(leaf(shapes, other)),
    }
}

fn filter(out: &mut String, shapes: &Shapes, index: usize, object: &ObjectShape) {
    let _ = writeln!(out, "input {}Where {{", object.stem);
    if index == 0 {
        out.push_str("  _id: IDWhere\n  _version: IntWhere\n  _updatedAt: TimeWhere\n");
    }
    for member in &object.members {
        let is_ours = index == 0 && ["_id", "_version", "_updatedAt"].contains(&&*member.name);
        if is_ours {
            continue;
        }
        let by = match &member.value.shape {
            Shape::Object(index) => format!("{}Where", shapes.objects[*index].stem),
            Shape::List(_) | Shape::Json => "ExistsWhere".to_owned(),
            leaf => format!("{}Where", self::leaf(shapes, leaf)),
        };
        let _ = writeln!(out, "  {}: {by}", member.name);
    }
    out.push_str("}\n\n");
}

fn queries(out: &mut String, all: &[Described<'_>]) {
    out.push_str("type Query {\n");
    for it in all {
        let Names {
            type_name,
            one,
            many,
        } = &it.names;
        let (by, filter, input) = (it.collection_argument(), it.filter(), it.input());
        let _ = write!(
            out,
            "  \"\"\"The current version; null where there is none.\"\"\"
  {one}({by}id: ID!): {type_name}
  \"\"\"Those that fit, in the order of `sort`: `[\"price\", \"-_updatedAt\"]`; by id where it says nothing.\"\"\"
  {many}({by}where: {filter}, sort: [String!], first: Int! = 100, after: String): {type_name}Connection
  \"\"\"The versions of a document, the newest first; null where it never was.\"\"\"
  {one}Versions({by}id: ID!, first: Int! = 20, after: String): {type_name}VersionConnection
  \"\"\"What an edit of an older version would come to. Nothing is written.\"\"\"
  {one}Merge({by}id: ID!, base: String!, document: {input}, patch: JSON, choices: JSON, current: String): MergePreview
"
        );
    }
    out.push_str(
        "  \"\"\"Where the log of the space ends, as `since` takes it: read it before the documents, and follow from there.\"\"\"
  position: String
  \"\"\"Refused writes, the newest first.\"\"\"
  conflicts(collection: String, document: ID, by: String, kind: String, agent: String, notAgent: String, \
         outcome: ConflictOutcome, since: Time, until: Time, first: Int! = 100, after: String): ConflictPage
  \"\"\"One of them; null where the log has none.\"\"\"
  conflict(id: ID!): ConflictDetail
}\n\n",
    );
}

fn mutations(out: &mut String, all: &[Described<'_>]) {
    out.push_str("type Mutation {\n");
    for it in all {
        let name = &it.names.type_name;
        let (by, input) = (it.collection_argument(), it.input());
        let condition = condition(it.needs_condition());
        let _ = write!(
            out,
            "  \"\"\"Makes a document; without an `id` the server chooses one.\"\"\"
  create{name}({by}{}, {LOCK_TOKEN}, {KEY}): {name}
  \"\"\"Replaces the document by another.\"\"\"
  replace{name}({by}id: ID!, {condition}, data: {input}!, onConflict: OnConflict, {LOCK_TOKEN}, {KEY}): {name}
  \"\"\"Changes a part of the document. `patch` is a merge patch (RFC 7396), or a list of operations (RFC 6902).\"\"\"
  patch{name}({by}id: ID!, {condition}, patch: JSON!, onConflict: OnConflict, {LOCK_TOKEN}, {KEY}): {name}
  delete{name}({by}id: ID!, {condition}, {LOCK_TOKEN}, {KEY}): Deleted
  \"\"\"
  Joins an edit of an older version with the current one. `base` is its etag, or its number; `document` or `patch` is
  what the writer made of it. `choices` decides places that collide, `{{\"/title\": \"yours\"}}`, on the version that
  `current` names.
  \"\"\"
  merge{name}({by}id: ID!, base: String!, document: {input}, patch: JSON, choices: JSON, current: String, \
             ifMatch: String, {LOCK_TOKEN}, {KEY}): {name}
",
            create_arguments(&input),
        );
    }
    let _ = write!(
        out,
        "  \"\"\"
  Stores the edit of a refused write after all, joined with what is current. `choices` decides places that collide, on
  the version that `current` names. Null where that leaves no document.
  \"\"\"
  resolveConflict(id: ID!, choices: JSON, current: String, ifMatch: String, {LOCK_TOKEN}, {KEY}): Versioned
  \"\"\"Lets the edit of a refused write go.\"\"\"
  dismissConflict(id: ID!, reason: String, {KEY}): Conflict
  \"\"\"Performs all operations in one step, or none.\"\"\"
  batch(operations: [BatchOperation!]!, {KEY}): [BatchResult!]
}}

"
    );
}

fn condition(is_needed: bool) -> &'static str {
    match is_needed {
        true => {
            "\"The etag of the version that the edit began from, or `*` for whichever there is.\" ifMatch: String!"
        }
        false => "\"The etag of the version that the edit began from.\" ifMatch: String",
    }
}

fn create_arguments(input: &str) -> String {
    format!("id: ID, data: {input}!")
}

/// What can be in a batch: the writes of all collections, by the names of their mutations.
fn batch(out: &mut String, all: &[Described<'_>]) {
    out.push_str("\"\"\"A write of a batch: one of these.\"\"\"\ninput BatchOperation {\n");
    for it in all {
        let name = &it.names.type_name;
        for verb in ["create", "replace", "patch", "delete"] {
            let capital = crate::names::pascal_of(verb);
            let _ = writeln!(out, "  {verb}{name}: {capital}{name}Operation");
        }
    }
    out.push_str("}\n\n");
    for it in all {
        let name = &it.names.type_name;
        let (by, input) = (it.collection_argument(), it.input());
        let condition = condition(it.needs_condition());
        let create = create_arguments(&input);
        let _ = write!(
            out,
            "input Create{name}Operation {{ {by}{create}, {LOCK_TOKEN} }}
input Replace{name}Operation {{ {by}id: ID!, {condition}, data: {input}!, onConflict: OnConflict, {LOCK_TOKEN} }}
input Patch{name}Operation {{ {by}id: ID!, {condition}, patch: JSON!, onConflict: OnConflict, {LOCK_TOKEN} }}
input Delete{name}Operation {{ {by}id: ID!, {condition}, {LOCK_TOKEN} }}

"
        );
    }
}

fn subscriptions(out: &mut String, all: &[Described<'_>]) {
    out.push_str("type Subscription {\n");
    for it in all {
        let Names { type_name, one, .. } = &it.names;
        let by = it.collection_argument();
        let _ = write!(
            out,
            "  \"\"\"
  Each version of a document, or of all documents of the collection, from now on or behind the position that `since`
  names; `0` is the beginning.
  \"\"\"
  {one}Changed({by}id: ID, since: String): {type_name}Change
"
        );
    }
    out.push_str(
        "  \"\"\"Each version of all documents of the space.\"\"\"\n  changes(since: String): Change\n}\n",
    );
}

/// As a block string (October 2021, section 2.9.4).
fn description(out: &mut String, indent: &str, text: &str) {
    let text = text.replace("\"\"\"", "\\\"\"\"");
    let is_plain = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let text: String = text.chars().filter(is_plain).collect();
    let _ = writeln!(out, "{indent}\"\"\"");
    for line in text.lines() {
        let _ = writeln!(out, "{indent}{line}");
    }
    let _ = writeln!(out, "{indent}\"\"\"");
}
