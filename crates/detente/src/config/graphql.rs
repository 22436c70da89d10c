use std::collections::BTreeMap;
use std::ops::Range;

use detente_core::CollectionKey;
use detente_graphql::Bounds;
use detente_server::Graphql;
use detente_service::Policy;

use super::section::{Placed, Section};

/// What is offered of GraphQL over the collections of a policy.
pub(super) fn read(root: &Section<'_>, policy: &Policy) -> Graphql {
    let section = root.section("graphql");
    let is_on = section.as_ref().and_then(|it| it.boolean("enabled"));
    let bounds = section.as_ref().map(bounds).unwrap_or_default();
    if let Some(section) = &section {
        section.finish();
    }
    let places = places(root);
    // What is no name at all is a mistake already.
    let is_name = |name: &String| CollectionKey::new("default", name).is_ok();
    if is_on == Some(false) || !policy.collections.keys().all(is_name) {
        return Graphql::off(None);
    }
    let names = places
        .iter()
        .filter_map(|(name, place)| Some((name.clone(), place.type_name.clone()?)));
    match Graphql::of(policy, &names.collect(), bounds) {
        Ok(graphql) => graphql,
        // Whoever says nothing of GraphQL need not do without the server.
        Err(clashes) if section.is_none() && places.values().all(|it| it.type_name.is_none()) => {
            let told = clashes
                .iter()
                .map(|clash| format!("collections.{}: {clash}.", clash.collection()));
            Graphql::off(Some(told.collect::<Vec<_>>().join(" ")))
        }
        Err(clashes) => {
            for clash in clashes {
                let place = places.get(clash.collection());
                let span = place.map_or(0..0, |it| it.span.clone());
                let message = format!("collections.{}: {clash}", clash.collection());
                root.mistake(span, message);
            }
            Graphql::off(None)
        }
    }
}

/// Where a collection is, and what its type is called.
struct Place {
    span: Range<usize>,
    type_name: Option<String>,
}

fn places(root: &Section<'_>) -> BTreeMap<String, Place> {
    let collections = root.section("collections");
    let members = collections.map(|it| it.members()).unwrap_or_default();
    let place = |(name, section): (Placed<String>, Section<'_>)| {
        let type_name = section.text("graphql_type");
        let span = type_name.as_ref().map_or(name.span, |it| it.span.clone());
        let type_name = type_name.map(|it| it.value);
        (name.value, Place { span, type_name })
    };
    members.into_iter().map(place).collect()
}

fn bounds(section: &Section<'_>) -> Bounds {
    let default = Bounds::default();
    let number = |key, usual: u64| section.number(key, 1).map_or(usual, |it| it as u64);
    Bounds {
        depth: section.number("max_depth", 1).unwrap_or(default.depth),
        complexity: number("max_complexity", default.complexity),
        aliases: section
            .number("max_aliases", 0)
            .map_or(default.aliases, |it| it as u64),
        answer_bytes: section
            .number("max_response_bytes", 1024)
            .unwrap_or(default.answer_bytes),
        introspection: section
            .boolean("introspection")
            .unwrap_or(default.introspection),
    }
}
