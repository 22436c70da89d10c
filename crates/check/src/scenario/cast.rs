use http::HeaderName;

use super::assignment::variables_of;
use super::section::Section;
use super::step::{self, Step, is_variable};
use super::suite::Inputs;
use super::template::{Shape, Template};
use super::tree::Tree;

/// An actor, and what all of its requests have in common.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) name: String,
    pub(super) headers: Vec<(HeaderName, Option<Template>)>,
    pub(super) vars: Vec<(String, Shape)>,
    /// Done once, before the first round.
    pub(super) login: Vec<Step>,
}

/// The actors of a scenario.
pub(super) fn cast(section: &Section<'_>, inputs: &Inputs) -> Vec<Cast> {
    let Some(section) = section.section("actors") else {
        return Vec::new();
    };
    let mut cast = Vec::new();
    for (name, position, node) in section.members() {
        if !is_variable(&name) {
            section.mistake(
                position,
                format!("{name:?} cannot be an actor: {}", step::VARIABLE),
            );
        }
        let empty = matches!(node.tree, Tree::Null);
        let Some(own) = (!empty).then(|| Section::new(section.source, &name, node)) else {
            cast.push(Cast {
                name,
                headers: Vec::new(),
                vars: Vec::new(),
                login: Vec::new(),
            });
            continue;
        };
        let Some(own) = own else { continue };
        cast.push(Cast {
            headers: step::headers(&own),
            vars: vars_of_actor(&own, inputs),
            login: login(&own),
            name,
        });
        own.finish();
    }
    cast
}

fn vars_of_actor(section: &Section<'_>, inputs: &Inputs) -> Vec<(String, Shape)> {
    let vars = section.section("vars");
    let mut vars = vars.map(|it| variables_of(&it)).unwrap_or_default();
    vars.retain(|(name, _)| !inputs.vars.contains_key(name));
    vars
}

/// One step, or a list of them.
fn login(section: &Section<'_>) -> Vec<Step> {
    let Some(node) = section.get("login") else {
        return Vec::new();
    };
    let nodes = match &node.tree {
        Tree::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let steps = Step::read_all(section.source, nodes);
    for step in &steps {
        match step {
            Step::Race(race) => section.mistake(race.position, "a login cannot be a race"),
            Step::Send(send) if send.actor.is_some() => {
                section.mistake(send.position, "an actor logs in itself: leave out `actor`");
            }
            _ => {}
        }
    }
    steps
}
