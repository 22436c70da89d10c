mod kept; // descriptions as files

use std::collections::HashSet;
use std::sync::Arc;

use detente_core::rules::{Check, Expression, Lifecycle, Rules, Schema, Unique};
use detente_core::{CollectionRules, Unconditional, json as core_json};

use super::*;
use detente_service::{Collection, OnConflict, StaleAnswer, Undeclared};

use detente_gate::{Token, Tokens};

fn collection(rules: Rules, stale_answer: StaleAnswer) -> Arc<Collection> {
    let unconditional = Unconditional::Reject;
    let rules = Arc::new(CollectionRules {
        rules,
        unconditional,
        history: None,
    });
    Arc::new(Collection {
        on_conflict: OnConflict::default(),
        stale_answer,
        rules,
    })
}

/// A server, as far as it is described.
type Served = (Policy, Settings);

fn users() -> Arc<Collection> {
    let schema = br##"{"type":"object","properties":{"email":{"$ref":"#/$defs/email"}},
        "$defs":{"email":{"type":"string"}}}"##;
    let schema = Schema::compile(&core_json::parse(schema).unwrap()).unwrap();
    let unique = Unique {
        name: "email".into(),
        fields: vec!["/email".parse().unwrap()],
        ignore_case: false,
        normalize: false,
        condition: None,
        error: None,
        message: None,
    };
    let rules = Rules {
        schema: Some(schema),
        unique: vec![unique],
        ..Rules::default()
    };
    collection(rules, StaleAnswer::Conflict)
}

/// Two declared collections whose names are nearly one, and nothing else without a token.
fn closed() -> Served {
    let mut tokens = Tokens::default();
    let token = Token {
        name: "alice".into(),
        rights: Arc::new(detente_service::Rights::ALL),
        roles: Vec::new(),
    };
    tokens.add(Tokens::digest("secret"), token);
    let plain = collection(Rules::default(), StaleAnswer::PreconditionFailed);
    let policy = Policy {
        collections: [("users".into(), users()), ("users-2".into(), plain)].into(),
        undeclared: Undeclared::Reject,
        ..Policy::default()
    };
    let settings = Settings {
        gate: detente_gate::Gate {
            tokens: Some(tokens),
            ..Default::default()
        },
        ..Settings::default()
    };
    (policy, settings)
}

fn mixed() -> Served {
    let policy = Policy {
        collections: [("any".into(), users())].into(),
        ..Policy::default()
    };
    (policy, Settings::default())
}

/// Collections that differ in what may be refused; nobody has a token.
fn ruled() -> Served {
    let lifecycle = Lifecycle {
        field: "/status".parse().unwrap(),
        initial: vec!["draft".into()],
        states: [
            ("draft".into(), vec!["sent".into()]),
            ("sent".into(), vec![]),
        ]
        .into(),
    };
    let check = Check {
        name: "TooLow".into(),
        when: None,
        check: Expression::compile("self.price > 0").unwrap(),
        message: None,
    };
    let of_steps = Rules {
        lifecycle: Some(lifecycle),
        ..Rules::default()
    };
    let of_checks = Rules {
        checks: vec![check],
        ..Rules::default()
    };
    let merged = Collection {
        on_conflict: OnConflict::Merge,
        stale_answer: StaleAnswer::Conflict,
        rules: Arc::new(CollectionRules {
            unconditional: Unconditional::Allow,
            ..CollectionRules::default()
        }),
    };
    let collections = [
        ("invoices", collection(of_steps, StaleAnswer::Conflict)),
        ("products", collection(of_checks, StaleAnswer::Conflict)),
        ("notes", Arc::new(merged)),
        ("users", users()),
    ];
    let policy = Policy {
        collections: collections.map(|(name, it)| (name.into(), it)).into(),
        undeclared: Undeclared::Reject,
        ..Policy::default()
    };
    (policy, Settings::default())
}

fn descriptions() -> [Value; 3] {
    [Served::default(), closed(), mixed()]
        .map(|(policy, settings)| describe(&policy, &settings, &settings.site))
}

fn operations(description: &Value) -> impl Iterator<Item = &Value> {
    let paths = description["paths"].as_object().unwrap();
    paths
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
}

/// Every member `name` in a value, however deep.
fn members<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| {
                let own = (key == name).then_some(value);
                own.into_iter().chain(members(value, name))
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|it| members(it, name)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    for description in descriptions() {
        let mut ids = HashSet::new();
        for operation in operations(&description) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id} twice");
        }
    }
}

#[test]
fn every_link_leads_to_an_operation_and_names_parameters_of_it() {
    for description in descriptions() {
        for links in members(&description, "links") {
            for link in links.as_object().unwrap().values() {
                let target =
                    operations(&description).find(|it| it["operationId"] == link["operationId"]);
                let target = target.unwrap_or_else(|| panic!("no target: {link}"));
                for qualified in link["parameters"].as_object().unwrap().keys() {
                    let (place, name) = qualified.split_once('.').unwrap();
                    let found = target["parameters"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|parameter| {
                            let pointer = &parameter["$ref"].as_str().unwrap()[1..];
                            let parameter = description.pointer(pointer).unwrap();
                            parameter["in"] == place && parameter["name"] == name
                        });
                    assert!(found, "{qualified} of {link}");
                }
            }
        }
    }
}

#[test]
fn every_reference_is_to_something() {
    for description in descriptions() {
        let references = members(&description, "$ref");
        assert!(references.len() > 50);
        for reference in references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{reference}");
        }
    }
}

/// What generators of clients stumble over.
#[test]
fn descriptions_are_plain_enough_for_generators() {
    for description in descriptions() {
        for word in ["const", "allOf"] {
            let found = members(&description["components"]["schemas"], word);
            assert_eq!(found, [] as [&Value; 0], "{word}");
        }
        let text = description.to_string();
        let arrays = text.matches(r#""type":"array""#).count();
        assert_eq!(
            arrays,
            members(&description, "items").len() - items_members(&description)
        );
        assert!(!text.contains("#regex"), "a link outside the grammar");
        for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
            if let Some(title) = schema["title"].as_str() {
                assert_eq!(title, name, "a title becomes the name of a type");
            }
        }
        assert!(description["security"].is_array() && description["servers"][0]["url"].is_string());
    }
}

/// How many members of documents are called `items`.
fn items_members(description: &Value) -> usize {
    let properties = members(description, "properties").into_iter();
    properties.filter(|it| it.get("items").is_some()).count()
}

#[test]
fn every_name_in_a_path_is_a_parameter() {
    for description in descriptions() {
        for (path, item) in description["paths"].as_object().unwrap() {
            let names = path.split(['{', '}']).skip(1).step_by(2);
            let names: HashSet<_> = names.collect();
            for operation in item.as_object().unwrap().values() {
                let parameters = operation["parameters"].as_array();
                let parameters = parameters.into_iter().flatten().filter_map(|parameter| {
                    let pointer = &parameter["$ref"].as_str().unwrap()[1..];
                    let parameter = description.pointer(pointer).unwrap();
                    (parameter["in"] == "path").then(|| parameter["name"].as_str().unwrap())
                });
                assert_eq!(parameters.collect::<HashSet<_>>(), names, "{path}");
            }
        }
    }
}

#[test]
fn operations_of_a_batch_go_where_the_settings_let_them() {
    let [open, closed, mixed] = descriptions();
    let cases = [
        // (description, path of a document, whether an operation may go there)
        (&open, "/api/users/1", true),
        (&closed, "/api/users/1", true),
        (&closed, "/api/users-2/a.b", true),
        (&closed, "/api/any/1", false),
        (&mixed, "/api/other/1", true),
        (&open, "/api/users/bob@example.com", true),
        (&open, "/api/My_Users/caf%C3%A9", true),
        (&open, "/api/users/_a", false),
        (&open, "/api/users", false),
        (&open, "/api/users/1/lock", false),
    ];
    for (description, path, expected) in cases {
        let put = &description["components"]["schemas"]["PutOperation"];
        let schema = put["properties"]["path"].to_string();
        let schema = Schema::compile(&core_json::parse(schema.as_bytes()).unwrap()).unwrap();
        let violations = schema.violations(&path.into());
        assert_eq!(violations.is_empty(), expected, "{path} by {put}");
    }
}

#[test]
fn paths_follow_the_settings() {
    let [open, closed, mixed] = descriptions();
    let cases = [
        (&open, "/api/{collection}/{id}", true),
        (&open, "/api/users/{id}", false),
        (&closed, "/api/{collection}/{id}", false),
        (&closed, "/api/users/{id}", true),
        (&closed, "/api/users-2/_changes", true),
        (&closed, "/api/users-2/{id}/_changes", true),
        (&closed, "/api/users-2/{id}/lock", true),
        (&closed, "/api/users-2/{id}/merge", true),
        (&closed, "/api/_batch", true),
        (&closed, "/api/_conflicts/{conflict}/resolve", true),
        (&mixed, "/api/{collection}/{id}", true),
        (&mixed, "/api/any/{id}", true),
    ];
    for (description, path, expected) in cases {
        assert_eq!(description["paths"].get(path).is_some(), expected, "{path}");
    }
}

#[test]
fn refusals_follow_the_settings() {
    let [open, closed, _] = descriptions();
    let cases = [
        // (description, path, method, status, whether it is refused so)
        (&open, "/api/{collection}/{id}", "put", "401", false),
        (&closed, "/api/users/{id}", "put", "401", true),
        (&closed, "/api/users/{id}", "get", "403", true),
        (&closed, "/healthz", "get", "401", false),
        (&closed, "/healthz", "get", "403", false),
        (&open, "/healthz", "get", "421", true),
        (&open, "/api/{collection}/{id}", "get", "403", false),
        // By pages of other origins.
        (&open, "/api/{collection}/{id}/lock", "delete", "403", true),
        (&closed, "/api/users/{id}/lock", "delete", "403", true),
        (&open, "/api/{collection}/{id}/merge", "post", "423", true),
        (&open, "/api/_batch", "post", "428", true),
        (&open, "/api/_conflicts/{conflict}", "get", "409", false),
        (&closed, "/api/users/{id}", "put", "404", false),
        (&closed, "/api/users/{id}", "patch", "404", true),
        (&closed, "/api/users/{id}", "put", "428", true),
    ];
    for (description, path, method, status, expected) in cases {
        let responses = &description["paths"][path][method]["responses"];
        assert_eq!(
            responses.get(status).is_some(),
            expected,
            "{method} {path} {status}"
        );
    }
    let duplicates = [
        (&open, "/api/{collection}", false),
        (&closed, "/api/users", true),
    ];
    for (description, path, expected) in duplicates {
        let names = reference_names(&description["paths"][path]["post"]["responses"]);
        assert_eq!(names.contains("DuplicateEntry"), expected, "{path}");
    }
    let stale = reference_names(&closed["paths"]["/api/users-2/{id}"]["put"]["responses"]);
    assert!(!stale.contains("UpdateConflict"), "it answers 412 there");
}

/// Generators make a file or a class of each, in their own case.
#[test]
fn names_differ_in_more_than_their_case() {
    let names = [
        "users",
        "Users",
        "my-things",
        "my_things",
        "MyThings",
        "2024",
        "document",
    ];
    let collections = names.map(|name| (name.into(), users()));
    let policy = Policy {
        collections: collections.into(),
        ..Policy::default()
    };
    let description = describe(&policy, &Settings::default(), &Site::default());
    let fold = |name: &str| name.replace('_', "").to_lowercase();
    let mut ids = HashSet::new();
    for operation in operations(&description) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(fold(id)), "{id} twice");
    }
    let mut types = HashSet::new();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(types.insert(fold(name)), "{name} twice");
        assert!(
            name.starts_with(|it: char| it.is_ascii_uppercase()),
            "{name}"
        );
    }
}

/// A tester needs one to fill the path in, and `/api/documents` is another path where it is declared.
#[test]
fn the_collection_of_the_example_is_not_declared() {
    let named = |names: &[&str]| {
        let collections = names.iter().map(|name| ((*name).into(), users()));
        let policy = Policy {
            collections: collections.collect(),
            ..Policy::default()
        };
        describe(&policy, &Settings::default(), &Site::default())["components"]["parameters"]["collection"]["example"]
            .clone()
    };
    assert_eq!(named(&["users"]), "documents");
    assert_eq!(named(&["documents", "documents-2"]), "documents-3");
}

/// The last parts of all references in a value.
fn reference_names(value: &Value) -> HashSet<&str> {
    let references = members(value, "$ref").into_iter();
    references
        .filter_map(|it| it.as_str()?.rsplit('/').next())
        .collect()
}
