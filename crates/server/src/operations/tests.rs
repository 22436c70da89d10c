use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::Request;
use axum::http::StatusCode;
use detente_store::{Sqlite, SqliteOptions, Store, Writer};
use tower::ServiceExt;

use super::*;
use crate::app::{App, Closing};
use crate::metrics::Metrics;
use crate::once::InProgress;
use crate::router::router;
use crate::settings::Settings;
use crate::touches::Touches;

fn rows() -> impl Iterator<Item = (&'static Resource, &'static Operation)> {
    let of = |resource: &&'static Resource| {
        let resource = *resource;
        resource.operations.iter().map(move |row| (resource, row))
    };
    RESOURCES.iter().flat_map(of)
}

#[test]
fn every_resource_has_a_path_and_every_method_of_it_one_row() {
    let mut paths = HashSet::new();
    for resource in RESOURCES {
        assert!(paths.insert(resource.path), "{} twice", resource.path);
        let methods: HashSet<_> = resource.operations.iter().map(|it| &it.method).collect();
        assert_eq!(methods.len(), resource.operations.len(), "{resource:?}");
    }
}

#[test]
fn every_row_says_what_it_answers() {
    for (resource, row) in rows() {
        assert!(!row.id.is_empty() && !row.summary.is_empty(), "{row:?}");
        assert!(!row.answers.is_empty(), "{}", row.id);
        let twins = rows().filter(|(other, it)| other.scope == resource.scope && it.id == row.id);
        assert_eq!(twins.count(), 1, "{}", row.id);
    }
}

/// Filters may have any name, so a router cannot refuse unknown parameters there.
#[test]
fn lists_alone_have_filters() {
    let with_filters = rows().filter(|(_, row)| row.has_filters);
    let ids: Vec<_> = with_filters.map(|(_, row)| row.id).collect();
    assert_eq!(ids, ["list"]);
}

#[test]
fn every_header_of_an_answer_is_described() {
    for (_, row) in rows() {
        for answer in row.answers {
            let names = answer.headers.iter().copied().flatten();
            for name in names.chain(answer.perhaps) {
                let found = HEADERS.iter().any(|it| it.name == *name);
                assert!(found, "{name} of {}", row.id);
            }
        }
    }
}

#[test]
fn every_parameter_is_among_the_components() {
    for (_, row) in rows() {
        for parameter in row.query.iter().chain(row.fields) {
            let found = PARAMETERS.iter().filter(|it| it.key == parameter.key);
            assert_eq!(found.count(), 1, "{} of {}", parameter.name, row.id);
        }
    }
}

#[test]
fn the_query_may_decide_which_action_an_operation_is() {
    let cases = [
        // (id, parameters that are true, actions)
        ("read", &[][..], &[Action::Read][..]),
        ("replace", &[], &[Action::Create, Action::Update]),
        ("merge", &[], &[Action::Update]),
        ("merge", &["dry_run"], &[Action::Read]),
        ("releaseLock", &["break"], &[Action::BreakLock]),
        ("checkHealth", &[], &[Action::Open]),
    ];
    for (id, set, expected) in cases {
        let (_, row) = rows().find(|(_, row)| row.id == id).unwrap();
        let actions = row.action.actions(|it| set.contains(&it.name));
        assert_eq!(actions, expected, "{id} with {set:?}");
    }
}

/// Calls `use_it` with a router over an empty store, which is deleted afterwards.
fn with_router<T>(use_it: impl FnOnce(&tokio::runtime::Runtime, Router) -> T) -> T {
    let folder = std::env::temp_dir().join(format!("detente-{}", uuid::Uuid::new_v4()));
    let store = Sqlite::open(&folder, SqliteOptions::default()).unwrap();
    let settings = Settings::open();
    let reader = store.reader();
    let writer = Writer::start(store, settings.limits.queued_writes).unwrap();
    let app = App {
        metrics: Metrics::new(settings.labels()),
        settings,
        reader,
        writer: writer.handle(),
        in_progress: InProgress::default(),
        touches: Touches::new(),
        closing: Closing::new(),
        openapi: OnceLock::new(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let used = use_it(&runtime, router(Arc::new(app)));
    drop(writer);
    std::fs::remove_dir_all(&folder).unwrap();
    used
}

/// An example of a path that fits a template.
fn path(template: &str) -> String {
    let parts = template.split('/').map(|part| match part {
        "{version}" => "1",
        part if part.starts_with('{') => "some",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn the_router_knows_the_methods_of_every_resource() {
    with_router(|runtime, router| {
        for resource in RESOURCES {
            for template in resource.templates() {
                let mut request = Request::new(HttpBody::empty());
                *request.method_mut() = Method::OPTIONS;
                *request.uri_mut() = path(&template).parse().unwrap();
                let response = runtime.block_on(router.clone().oneshot(request)).unwrap();
                assert_eq!(response.status(), StatusCode::NO_CONTENT, "{template}");
                let mut wanted = vec![("allow", resource.allow())];
                wanted.extend(resource.accepts());
                for name in ["allow", "accept-post", "accept-patch"] {
                    let told = response.headers().get(name).map(|it| it.to_str().unwrap());
                    let wanted = wanted.iter().find(|(wanted, _)| *wanted == name);
                    assert_eq!(told, wanted.map(|it| &*it.1), "{name} of {template}");
                }
            }
        }
    });
}

/// The test reads the source of the router, because a router cannot list its routes.
#[test]
fn every_path_of_the_router_is_that_of_a_resource() {
    let source = include_str!("../router.rs");
    let after = |opening: &str| {
        let rests: Vec<_> = source.split(opening).skip(1).collect();
        let closed = rests.into_iter().filter_map(|rest| rest.split_once('"'));
        closed.map(|(path, _)| path).collect::<Vec<_>>()
    };
    let places = [(after("at(\""), false), (after(".route(\""), true)];
    for (paths, is_of_server) in places {
        assert!(paths.len() > 5, "the router is written otherwise");
        for path in paths {
            let is_it =
                |it: &&&Resource| it.path == path && (it.scope == Scope::Server) == is_of_server;
            assert_eq!(RESOURCES.iter().filter(is_it).count(), 1, "{path}");
        }
    }
}
