//! Requests against a schema, with fields that are resolved from one value.

use std::sync::Arc;

use detente_core::json::{self, Object, Value};
use detente_graphql::{
    Answer, Api, Bounds, Collection, Completion, Fault, Kind, Plan, Resolved, Sent,
};
use serde_json::json;

const SCHEMA: &str = r##"{
    "description": "What is sold.",
    "type": "object",
    "additionalProperties": false,
    "required": ["name", "stock", "tags", "size"],
    "properties": {
        "name": {"type": "string", "description": "As it is \"printed\"."},
        "stock": {"type": "integer", "minimum": 0},
        "rank": {"type": "integer", "minimum": 0, "maximum": 100},
        "price": {"type": ["number", "null"]},
        "status": {"enum": ["OPEN", "SHIPPED", null]},
        "grade": {"enum": ["A+", "B"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {
            "type": "object",
            "properties": {"width": {"type": "number"}, "unit": {"$ref": "#/$defs/unit"}},
            "required": ["width"]
        },
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
        "old": {"type": "boolean", "deprecated": true},
        "extra": true
    },
    "$defs": {
        "unit": {"enum": ["mm", "in"]},
        "part": {
            "type": "object",
            "additionalProperties": false,
            "required": ["of"],
            "properties": {"of": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}}}
        }
    }
}"##;

fn api() -> Api {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let collections = [
        Collection {
            name: "products",
            type_name: None,
            schema: Some(&schema),
            needs_condition: true,
        },
        Collection {
            name: "notes",
            type_name: None,
            schema: None,
            needs_condition: false,
        },
    ];
    Api::of(&collections, true).unwrap()
}

fn object(text: &str) -> Object {
    match json::parse(text.as_bytes()).unwrap() {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

/// Values of variables, as a client sends them.
fn sent(text: &str) -> Vec<(String, Sent)> {
    let members = object(text).into_iter();
    let sent = |value: Value| Sent::Text(value.to_text().into());
    members.map(|(name, value)| (name, sent(value))).collect()
}

fn plan_within(
    api: &Api,
    text: &str,
    variables: &str,
    bounds: &Bounds,
) -> Result<Plan, Vec<Fault>> {
    let document = api.document(text)?;
    Plan::of(api, document, None, sent(variables), bounds)
}

fn plan(api: &Api, text: &str, variables: &str) -> Result<Plan, Vec<Fault>> {
    plan_within(api, text, variables, &Bounds::default())
}

/// The answer where each field of the root is `root`.
fn answer(api: &Api, text: &str, variables: &str, root: &str) -> Answer {
    let plan = match plan(api, text, variables) {
        Ok(plan) => plan,
        Err(faults) => return Answer::refused(&faults),
    };
    let root = json::parse(root.as_bytes()).unwrap();
    let mut completion = Completion::new(api, &plan);
    for step in &plan.steps {
        if !completion.meta(step) {
            completion.put(step, Resolved::from(&root));
        }
    }
    completion.finish()
}

fn told(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

fn messages(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|it| it.message.as_str()).collect()
}

#[test]
fn a_schema_of_json_becomes_types() {
    let api = api();
    let sdl = api.sdl();
    for part in [
        "type Product implements Versioned {",
        "  data: ProductData\n",
        "type ProductData {",
        "  name: String!\n",
        "  stock: Integer!\n",
        "  rank: Int\n",
        "  price: Float\n",
        "enum ProductStatus { OPEN SHIPPED }",
        "  status: ProductStatus\n",
        "  grade: String\n",
        "  tags: [String!]!\n",
        "  size: ProductSize!\n",
        "enum ProductUnit { mm in }",
        "type ProductSize {\n  width: Float!\n  unit: ProductUnit\n}",
        "  parts: [ProductPart!]\n",
        "  old: Boolean @deprecated\n",
        "  extra: JSON\n",
        "input ProductInput {",
        // Objects of the size may have more members than a type says.
        "  size: JSON!\n",
        "input ProductPartInput {\n  of: String!\n  parts: [ProductPartInput!]\n}",
        "replaceProduct(id: ID!, \"The etag of the version that the edit began from, or `*` for whichever there is.\" \
         ifMatch: String!, data: ProductInput!,",
        "replaceNote(id: ID!, \"The etag of the version that the edit began from.\" ifMatch: String, data: JSON!,",
        "createDocument(collection: String!, id: ID, data: JSON!,",
        "productChanged(id: ID, since: String): ProductChange",
    ] {
        assert!(sdl.contains(part), "{part}\n{sdl}");
    }
    assert!(!sdl.contains("ProductSizeInput"), "{sdl}");
}

#[test]
fn names_that_clash_are_told() {
    let of = |names: &[(&str, Option<&str>)]| {
        let collections: Vec<_> = names
            .iter()
            .map(|(name, type_name)| Collection {
                name,
                type_name: *type_name,
                schema: None,
                needs_condition: false,
            })
            .collect();
        let clashes = Api::of(&collections, false).map(|_| ()).unwrap_err();
        let told = clashes
            .iter()
            .map(|it| format!("{}: {it}", it.collection()));
        told.collect::<Vec<_>>()
    };
    type Named<'a> = (&'a str, Option<&'a str>);
    let cases: [(&[Named<'_>], &str); 5] = [
        (
            &[("order-items", None), ("order_items", None)],
            "order_items: its GraphQL name OrderItem is that of order-items; say graphql_type, so that it has another one",
        ),
        (
            &[("conflicts", None)],
            "conflicts: its GraphQL name Conflict is that of the schema's own; say graphql_type, so that it has another one",
        ),
        (
            &[("product-versions", None), ("products", None)],
            "products: its GraphQL name productVersions is that of product-versions; say graphql_type, so that it has another one",
        ),
        (
            &[("a", Some("1st"))],
            "a: \"1st\" is no name that GraphQL has: letters, digits and underscores, no digit first",
        ),
        (
            &[("queries", None)],
            "queries: its GraphQL name Query is that of the schema's own; say graphql_type, so that it has another one",
        ),
    ];
    for (names, expected) in cases {
        assert_eq!(of(names), [expected], "{names:?}");
    }
    let renamed = Collection {
        name: "conflicts",
        type_name: Some("Dispute"),
        schema: None,
        needs_condition: false,
    };
    let api = Api::of(&[renamed], false).unwrap();
    assert!(api.field("disputeList").is_some());
}

#[test]
fn values_come_as_they_are_selected() {
    let api = api();
    let root = r#"{"id": "1", "version": 2, "etag": "\"2-a\"", "data": {
        "name": "a \"b\"", "stock": 12345678901234567890123, "price": 1.50, "tags": ["x"],
        "size": {"width": 1e400}, "extra": {"a": [1.0]}}, "json": {"b": 1.10}}"#;
    let cases = [
        ("{ product(id: 1) { id version } }", r#"{"product":{"id":"1","version":2}}"#),
        (
            "{ a: product(id: 1) { v: version __typename } __typename }",
            r#"{"a":{"v":2,"__typename":"Product"},"__typename":"Query"}"#,
        ),
        (
            "{ product(id: 1) { data { stock price tags size { width } extra } json } }",
            r#"{"product":{"data":{"stock":12345678901234567890123,"price":1.50,"tags":["x"],"size":{"width":1e400},"extra":{"a":[1.0]}},"json":{"b":1.10}}}"#,
        ),
        (
            "{ product(id: 1) { ...A ... on Product { data { name } } ... @skip(if: true) { version } } } fragment A on Versioned { id data: json }",
            "",
        ),
        (
            "{ product(id: 1) { ...A ... on Product { data { name } } ... @skip(if: true) { version } } }
             fragment A on Versioned { id ... on Product { data { stock } } ... on Note { version } }",
            r#"{"product":{"id":"1","data":{"stock":12345678901234567890123,"name":"a \"b\""}}}"#,
        ),
        ("{ product(id: 1) { id @include(if: false) version } }", r#"{"product":{"version":2}}"#),
    ];
    for (text, expected) in cases {
        let answer = answer(&api, text, "{}", root);
        match expected {
            "" => assert!(answer.text.starts_with("{\"errors\""), "{}", answer.text),
            data => assert_eq!(answer.text, format!("{{\"data\":{data}}}"), "{text}"),
        }
    }
}

#[test]
fn what_must_be_there_and_is_not_takes_its_parent_along() {
    let api = api();
    let cases = [
        // (root, data, path, part of the message)
        (
            r#"{"id": "1", "data": {"name": 5, "stock": 1}}"#,
            json!({"product": {"id": "1", "data": null}}),
            json!(["product", "data", "name"]),
            "must be a string; the stored value is 5",
        ),
        (
            r#"{"id": "1", "data": {"stock": 1}}"#,
            json!({"product": {"id": "1", "data": null}}),
            json!(["product", "data", "name"]),
            "name must have a value",
        ),
        (
            r#"{"id": "1", "data": {"name": "a", "stock": 1.5}}"#,
            json!({"product": {"id": "1", "data": null}}),
            json!(["product", "data", "stock"]),
            "must be a whole number",
        ),
        (
            r#"{"id": "1", "data": {"name": "a", "stock": 1, "status": "LOST"}}"#,
            json!({"product": {"id": "1", "data": {"name": "a", "stock": 1, "status": null}}}),
            json!(["product", "data", "status"]),
            "must be one of ProductStatus; the stored value is LOST",
        ),
        (
            r#"{"data": {"name": "a", "stock": 1}}"#,
            json!({"product": null}),
            json!(["product", "id"]),
            "id must have a value",
        ),
    ];
    for (root, data, path, message) in cases {
        let text = "{ product(id: 1) { id data { name stock status } } }";
        let answer = told(&answer(&api, text, "{}", root));
        assert_eq!(answer["data"], data, "{root}");
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{answer}");
        assert_eq!(errors[0]["path"], path, "{answer}");
        let told = errors[0]["message"].as_str().unwrap();
        assert!(told.contains(message), "{told}");
        assert_eq!(errors[0]["locations"][0]["line"], 1);
        assert_eq!(errors[0]["extensions"]["code"], "VALUE_DOES_NOT_FIT");
    }
}

#[test]
fn variables_have_the_types_of_their_definitions() {
    let api = api();
    let text = "mutation($data: ProductInput!, $id: ID, $n: Int = 5) {
        createProduct(data: $data, id: $id) { version conflicts(first: $n) { id } } }";
    let data = r#"{"name": "a", "stock": 1, "tags": "x", "size": {"any": [1.0]}}"#;
    let sent = |data: &str| format!(r#"{{"data": {data}}}"#);
    let plan = plan(&api, text, &sent(data)).unwrap();
    assert_eq!(plan.kind, Kind::Mutation);
    let step = &plan.steps[0];
    // Digits stay, and one stands for a list of one.
    assert_eq!(
        step.argument("data").unwrap().to_text(),
        r#"{"name":"a","stock":1,"tags":["x"],"size":{"any":[1.0]}}"#
    );
    assert!(step.argument("id").is_none());
    let conflicts = step.selection().named("conflicts").next().unwrap();
    assert_eq!(conflicts.argument("first").unwrap().to_text(), "5");
    let cases = [
        ("{}", "$data must be there."),
        (r#"{"data": null}"#, "$data must not be null."),
        (r#"{"data": 5}"#, "$data must be an object."),
        (r#"{"data": {}}"#, "$data.name must be there."),
        (
            r#"{"data": {"name": "a", "stock": 1.5, "tags": [], "size": {}}}"#,
            "$data.stock must be a whole number.",
        ),
        (
            r#"{"data": {"name": "a", "stock": 1, "tags": ["a", 1], "size": {}}}"#,
            "$data.tags[1] must be a string.",
        ),
        (
            r#"{"data": {"name": "a", "stock": 1, "tags": [], "size": {}, "rank": 5000000000}}"#,
            "$data.rank must be a whole number of 32 bits.",
        ),
        (
            r#"{"data": {"name": "a", "stock": 1, "tags": [], "size": {}, "status": "LOST"}}"#,
            "$data.status must be one of OPEN, SHIPPED.",
        ),
        (
            r#"{"data": {"name": "a", "stock": 1, "tags": [], "size": {}, "more": 1}}"#,
            "$data.more is not known to ProductInput.",
        ),
    ];
    for (variables, expected) in cases {
        let faults = plan_within(&api, text, variables, &Bounds::default()).unwrap_err();
        assert_eq!(messages(&faults), [expected], "{variables}");
        assert_eq!(faults[0].extensions.code, Fault::INPUT);
    }
}

#[test]
fn literals_keep_their_digits() {
    let api = api();
    let text = r#"mutation { createNote(data: {a: 1.50, b: [12345678901234567890123, true, null], c: WORD, d: "x"}) { id } }"#;
    let plan = plan(&api, text, "{}").unwrap();
    let data = plan.steps[0].argument("data").unwrap().to_text();
    assert_eq!(
        data,
        r#"{"a":1.50,"b":[12345678901234567890123,true,null],"c":"WORD","d":"x"}"#
    );
    // Members stay in their order, and are there once; variables within a value are defined as any.
    let text =
        "mutation { createProduct(data: {stock: 1, name: \"a\", tags: [], size: {}}) { id } }";
    let plan = plan_within(&api, text, "{}", &Bounds::default()).unwrap();
    let data = plan.steps[0].argument("data").unwrap().to_text();
    assert_eq!(data, r#"{"stock":1,"name":"a","tags":[],"size":{}}"#);
    for (text, message) in [
        (
            "mutation { createNote(data: {a: $x}) { id } }",
            "Variable $x is not defined.",
        ),
        (
            "mutation { createNote(data: {a: 1, a: 2}) { id } }",
            "a is there twice.",
        ),
        (
            "mutation { createProduct(data: {name: \"a\", name: \"b\", stock: 1, tags: [], size: {}}) { id } }",
            "name is there twice.",
        ),
        (
            "{ products(where: {stock: {ge: 0, ge: 5}}) { totalCount } }",
            "ge is there twice.",
        ),
    ] {
        let faults = plan_within(&api, text, "{}", &Bounds::default()).unwrap_err();
        assert_eq!(messages(&faults), [message], "{text}");
        assert_eq!(faults[0].extensions.code, Fault::VALIDATION);
    }
    // A member whose variable has no value is not there: null would remove something.
    let text = "mutation($x: Int) { patchNote(id: 1, patch: {a: $x, b: 1, c: [$x]}) { id } }";
    let plan = plan_within(&api, text, "{}", &Bounds::default()).unwrap();
    let patch = plan.steps[0].argument("patch").unwrap().to_text();
    assert_eq!(patch, r#"{"b":1,"c":[null]}"#);
    let text = "mutation($x: Integer) { createNote(data: {a: $x, b: [$x]}) { id } }";
    let plan = plan_within(&api, text, r#"{"x": 1.0}"#, &Bounds::default()).unwrap();
    let data = plan.steps[0].argument("data").unwrap().to_text();
    assert_eq!(data, r#"{"a":1.0,"b":[1.0]}"#);
}

/// A value that is too deep is told, and not taken for null, which would remove something.
#[test]
fn values_that_are_too_deep_are_told() {
    let api = api();
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let sent = |levels| vec![("x".to_owned(), Sent::Text(deep(levels).into()))];
    let of = |text: &str, levels| {
        let document = api.document(text).unwrap();
        Plan::of(&api, document, None, sent(levels), &Bounds::default())
    };
    for text in [
        "mutation($x: JSON!) { patchNote(id: 1, patch: $x) { id } }",
        "mutation($x: JSON) { patchNote(id: 1, patch: {a: $x}) { id } }",
        "query($x: JSON) { notes(where: $x) { totalCount } }",
    ] {
        assert!(of(text, 130).is_ok(), "{text}");
        let faults = of(text, 140).unwrap_err();
        assert!(
            faults[0].message.starts_with("$x cannot be read"),
            "{text}: {faults:?}"
        );
    }
}

#[test]
fn conditions_of_lists_are_found() {
    let api = api();
    let tests = |text: &str| {
        let plan = plan(&api, text, "{}").unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        let tests = api.tests(&plan.steps[0]).map_err(|fault| fault.message)?;
        let told = tests
            .iter()
            .map(|it| format!("{} {} {}", it.field, it.operator, it.value));
        Ok::<_, String>(told.collect::<Vec<_>>())
    };
    let typed = r#"{ products(where: {stock: {lt: 5, ge: 1}, status: {eq: OPEN}, size: {width: {gt: 1.5}},
        _updatedAt: {ge: "2026-01-01T00:00:00Z"}, tags: {exists: true}, name: {in: ["a", "b"]}}) { nodes { id } } }"#;
    assert_eq!(
        tests(typed).unwrap(),
        [
            "/stock lt 5",
            "/stock ge 1",
            "/status eq \"OPEN\"",
            "/size/width gt 1.5",
            "_updatedAt ge \"2026-01-01T00:00:00Z\"",
            "/tags exists true",
            "/name in [\"a\",\"b\"]",
        ]
    );
    let plain = r#"query { notes(where: {stock: {lt: 5}, _id: {eq: "a"}}) { nodes { id } } }"#;
    assert_eq!(tests(plain).unwrap(), ["stock lt 5", "_id eq \"a\""]);
    assert!(tests("{ notes(where: 5) { nodes { id } } }").is_err());
    assert!(tests("{ notes(where: {a: 5}) { nodes { id } } }").is_err());
    // What is not given does not open the list.
    for text in [
        "query($x: String) { notes(where: {a: {eq: $x}}) { nodes { id } } }",
        "query($x: String) { products(where: {name: {eq: $x}}) { nodes { id } } }",
        "{ products(where: {stock: {gt: null}}) { nodes { id } } }",
        "{ products(where: {size: null}) { nodes { id } } }",
        "{ products(where: {size: {}}) { nodes { id } } }",
        "query($x: StringWhere) { products(where: {name: $x}) { nodes { id } } }",
        "query($x: JSON) { notes(where: {a: $x}) { nodes { id } } }",
        "{ notes(where: {a: {}}) { nodes { id } } }",
    ] {
        let plan = plan(&api, text, "{}");
        let message = match plan {
            Ok(plan) => api.tests(&plan.steps[0]).unwrap_err().message,
            Err(faults) => faults[0].message.clone(),
        };
        assert!(
            message.starts_with("where") || message.starts_with("$x must be there"),
            "{text}: {message}"
        );
    }
    let null = "{ products(where: {price: {eq: null}}) { nodes { id } } }";
    assert_eq!(tests(null).unwrap(), ["/price eq null"]);
}

#[test]
fn what_asks_for_too_much_is_refused_before_anything_is_resolved() {
    let api = api();
    let bounds = Bounds {
        depth: 5,
        complexity: 500,
        aliases: 3,
        ..Bounds::default()
    };
    let doubling = |levels: usize| {
        let mut text = String::from("{ products(first: 1) { ...F0 } }");
        for level in 0..levels {
            let next = level + 1;
            text.push_str(&format!(
                " fragment F{level} on ProductConnection {{ ...F{next} ... {{ ...F{next} }} }}"
            ));
        }
        text + &format!(" fragment F{levels} on ProductConnection {{ totalCount }}")
    };
    let deep = "{ products(first: 1) { edges { node { data { size { width } } } } } }";
    let cases = [
        ("{ products(first: 400) { nodes { id } } }".to_owned(), "too many values"),
        ("query($n: Int! = 1000) { products(first: $n) { nodes { id } } }".into(), "too many values"),
        (deep.into(), "too deep: 6 of at most 5"),
        (
            "{ a: product(id: 1) { id } b: product(id: 2) { id } c: product(id: 3) { x: id y: id } }".into(),
            "too many aliases: 5 of at most 3",
        ),
        (doubling(40), "too many values"),
        (
            "{ products(first: 10) { nodes { conflicts(first: 100) { id } } } }".into(),
            "too many values",
        ),
    ];
    for (text, expected) in cases {
        let faults = plan_within(&api, &text, "{}", &bounds).unwrap_err();
        assert!(faults[0].message.contains(expected), "{text}: {faults:?}");
        assert_eq!(faults[0].extensions.code, Fault::TOO_COSTLY);
    }
    // The schema itself can be asked for, however deep its types are.
    let schema =
        "{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }";
    assert!(plan_within(&api, schema, "{}", &bounds).is_ok());
    let none = Bounds {
        introspection: false,
        ..bounds
    };
    for text in [schema, "{ __type(name: \"Query\") { name } }"] {
        let faults = plan_within(&api, text, "{}", &none).unwrap_err();
        assert!(
            faults[0].message.contains("does not tell its schema"),
            "{faults:?}"
        );
    }
    assert!(plan_within(&api, "{ __typename }", "{}", &none).is_ok());
}

#[test]
fn documents_that_are_none_are_told_where() {
    let api = api();
    let cases = [
        ("{", Fault::PARSE),
        ("", Fault::PARSE),
        ("{ nothing }", Fault::VALIDATION),
        ("{ product { id } }", Fault::VALIDATION),
        (
            "mutation { replaceProduct(id: 1, data: {name: \"a\"}) { id } }",
            Fault::VALIDATION,
        ),
        (
            "subscription { changes { seq } productChanged { seq } }",
            Fault::VALIDATION,
        ),
        (
            "{ product(id: 1) { ...A } } fragment A on Product { ...A }",
            Fault::VALIDATION,
        ),
        ("type Query { a: Int }", Fault::VALIDATION),
    ];
    for (text, code) in cases {
        let faults = api.document(text).unwrap_err();
        assert_eq!(faults[0].extensions.code, code, "{text}: {faults:?}");
    }
    let many = format!("{{ {} }}", "nothing ".repeat(1000));
    assert_eq!(api.document(&many).unwrap_err().len(), 20);
    let tokens = format!("{{ {} }}", "__typename ".repeat(10_000));
    assert!(messages(&api.document(&tokens).unwrap_err())[0].contains("token limit"));
    let nested = "{ product(id: 1) ".repeat(100) + &"}".repeat(100);
    assert!(messages(&api.document(&nested).unwrap_err())[0].contains("recursion limit"));
    let nested = format!(
        "mutation {{ createNote(data: {}1{}) {{ id }} }}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert!(api.document(&nested).is_err());
}

#[test]
fn operations_are_chosen_by_name() {
    let api = api();
    let text = "query A { product(id: 1) { id } } mutation B { deleteNote(id: 2) { id } }";
    let document = || api.document(text).unwrap();
    let of = |name| Plan::of(&api, document(), name, Vec::new(), &Bounds::default());
    assert_eq!(of(Some("B")).unwrap().kind, Kind::Mutation);
    assert_eq!(of(Some("A")).unwrap().kind, Kind::Query);
    for name in [None, Some("C")] {
        assert_eq!(of(name).unwrap_err()[0].extensions.code, Fault::OPERATION);
    }
    // What was sent before need not be read again.
    assert!(Arc::ptr_eq(&document(), &document()));
}

#[test]
fn the_schema_is_told() {
    let api = api();
    let text = "query($name: String!) { __type(name: $name) { fields { name } } a: __schema { queryType { name } } }";
    let answer = told(&answer(&api, text, r#"{"name": "PageInfo"}"#, "{}"));
    assert_eq!(
        answer["data"],
        json!({
            "__type": {"fields": [
                {"name": "hasNextPage"}, {"name": "hasPreviousPage"}, {"name": "startCursor"}, {"name": "endCursor"},
            ]},
            "a": {"queryType": {"name": "Query"}},
        })
    );
}

#[test]
fn an_answer_has_a_length() {
    let api = api();
    let bounds = Bounds {
        answer_bytes: 2000,
        ..Bounds::default()
    };
    let long = format!("{{\"json\": \"{}\", \"id\": \"1\"}}", "x".repeat(3000));
    let long = json::parse(long.as_bytes()).unwrap();
    // What is asked for is not told in part.
    let text = "{ a: note(id: 1) { json } b: note(id: 2) { json } }";
    let asked = plan_within(&api, text, "{}", &bounds).unwrap();
    let mut completion = Completion::new(&api, &asked);
    completion.put(&asked.steps[0], Resolved::from(&long));
    assert!(completion.is_over());
    let answer = told(&completion.finish());
    assert_eq!(answer["data"], serde_json::Value::Null);
    assert_eq!(
        answer["errors"][0]["extensions"]["code"],
        "QUERY_TOO_COSTLY"
    );
    // What was performed is.
    let text = "mutation { a: createNote(data: {}) { json } b: createNote(data: {}) { id } }";
    let performed = plan_within(&api, text, "{}", &bounds).unwrap();
    let mut completion = Completion::new(&api, &performed);
    for step in &performed.steps {
        completion.put(step, Resolved::from(&long));
        assert!(!completion.is_over());
    }
    let answer = told(&completion.finish());
    assert_eq!(answer["data"], json!({"a": null, "b": {"id": "1"}}));
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("It was performed"), "{message}");
    // The schema has a length, too.
    let text = "{ __schema { types { name description fields { name description } } } }";
    let asked = plan_within(&api, text, "{}", &bounds).unwrap();
    let mut completion = Completion::new(&api, &asked);
    assert!(completion.meta(&asked.steps[0]) && completion.is_over());
}
