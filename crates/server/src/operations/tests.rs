use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::Request;
use axum::http::{StatusCode, header};

use super::*;
use crate::live::on_nothing;
use crate::router::Router;

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
        for template in resource.templates() {
            assert!(paths.insert(template.clone()), "{template} twice");
        }
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

/// Whatever else passes over parameters needs a reason to stand here.
#[test]
fn probes_graphql_and_the_page_alone_take_any_query() {
    let rows = rows().filter(|(_, row)| row.takes_any_query);
    let ids: Vec<_> = rows.map(|(_, row)| row.id).collect();
    let known = [
        "askGraphql",
        "sendGraphql",
        "checkHealth",
        "checkReadiness",
        "readFrontPage",
        "showSpace",
        "showCollection",
        "showDocument",
        "showMerge",
        "showConflicts",
        "showConflict",
        "showFiles",
        "showPath",
    ];
    assert_eq!(ids, known);
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
        ("checkHealth", &[], &[]),
    ];
    for (id, set, expected) in cases {
        let (_, row) = rows().find(|(_, row)| row.id == id).unwrap();
        let actions = row.action.actions(|it| set.contains(&it.name));
        assert_eq!(actions, expected, "{id} with {set:?}");
    }
}

/// Calls `use_it` with a router over an empty store.
fn with_router<T>(use_it: impl FnOnce(&tokio::runtime::Runtime, Arc<Router>) -> T) -> T {
    let (live, _writer) = on_nothing();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    use_it(&runtime, Arc::clone(&live.current().router))
}

/// An example of a path that fits a template.
fn path(template: &str) -> String {
    let parts = template.split('/').map(|part| match part {
        "{version}" => "1",
        "{*path}" => "some/path",
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
                let request = Request::builder()
                    .method(axum::http::Method::OPTIONS)
                    .uri(path(&template));
                let request = request.header(header::HOST, "localhost");
                let request = request.body(HttpBody::empty()).unwrap();
                let response = runtime.block_on(Arc::clone(&router).answer(Box::new(request)));
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

/// What is neither heeded nor refused would be passed over.
#[test]
fn every_guard_is_heeded_or_refused() {
    let guards = [
        "If-Match",
        "If-None-Match",
        "If-Unmodified-Since",
        "Lock-Token",
        "Idempotency-Key",
    ];
    let ignored_by_reads = ["If-Unmodified-Since", "Lock-Token", "Idempotency-Key"];
    for (_, row) in rows() {
        let is_read = row.method == "GET" || row.method == "HEAD";
        // Evaluates them for a document that is not there yet.
        let creates = row.id == "create";
        for guard in guards {
            let is_heeded = row.fields.iter().any(|it| it.name == guard);
            let is_refused = row.misplaced.fields.iter().any(|it| it.field.name == guard);
            let is_fine = is_heeded != is_refused
                || (is_read && ignored_by_reads.contains(&guard))
                || creates;
            assert!(is_fine, "{guard} of {}", row.id);
        }
    }
}

/// The description must not have an operation that nothing performs.
#[test]
fn something_performs_every_operation_and_the_gate_guards_it_where_it_says_so() {
    for (_, row) in rows() {
        match row.run {
            Run::Open(_) => assert!(row.action.is_open(), "{}", row.id),
            Run::Gated(_) => assert!(!row.action.is_open(), "{}", row.id),
            Run::Missing => panic!("{}", row.id),
        }
    }
}

/// Whatever else is added needs credentials, or a reason to stand here.
#[test]
fn what_needs_no_credentials_is_known() {
    let open = rows().filter(|(_, row)| row.action.is_open());
    let ids: Vec<_> = open.map(|(_, row)| row.id).collect();
    let known = [
        "findStorage",
        "checkHealth",
        "checkReadiness",
        "describeApi",
        "explainProblem",
        "readFrontPage",
        "showSpace",
        "showCollection",
        "showDocument",
        "showMerge",
        "showConflicts",
        "showConflict",
        "showFiles",
        "showPath",
        "readPageFile",
    ];
    assert_eq!(ids, known);
    // What the description leaves out, nobody finds there to hold it against anything.
    let left_out = rows().filter(|(resource, _)| !resource.is_described);
    for (resource, row) in left_out {
        // GraphQL describes itself.
        let others = [Scope::Files, Scope::Storage, Scope::Graphql];
        assert!(
            row.action.is_open() || others.contains(&resource.scope),
            "{} is not described",
            row.id
        );
    }
}
