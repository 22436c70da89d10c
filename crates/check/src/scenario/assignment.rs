use super::section::Section;
use super::step::{self, is_variable};
use super::suite::Inputs;
use super::template::{Shape, Template};
use super::tree::Tree;

/// The variables of a scenario; what is given from outside goes before what stands in the file.
pub(super) fn vars(section: &Section<'_>, inputs: &Inputs) -> Vec<(String, Shape)> {
    let mut vars = section
        .section("vars")
        .map(|it| variables_of(&it))
        .unwrap_or_default();
    for (name, text) in &inputs.vars {
        match vars.iter_mut().find(|(it, _)| it == name) {
            Some((_, shape)) => *shape = given(text, shape),
            None if name == "base" => {}
            None => vars.insert(0, (name.clone(), Shape::Text(Template::plain(text)))),
        }
    }
    vars
}

/// What the command line gives is a text, or a number where the file has one.
fn given(text: &str, before: &Shape) -> Shape {
    let value = match before {
        Shape::Text(_) => None,
        _ => serde_json::from_str(text).ok(),
    };
    match value {
        Some(value) => Shape::Fixed(value),
        None => Shape::Text(Template::plain(text)),
    }
}

/// The names and values of a mapping.
pub(super) fn variables_of(section: &Section<'_>) -> Vec<(String, Shape)> {
    let mut vars = Vec::new();
    for (name, position, node) in section.members() {
        if !is_variable(&name) {
            let message = format!("{name:?} cannot be a variable: {}", step::VARIABLE);
            section.mistake(position, message);
        }
        vars.push((name, Shape::read(section.source, node)));
    }
    vars
}

/// `each:` a list of mappings, or `table:` a list of lists, the first with the names.
pub(super) fn rows(section: &Section<'_>) -> Vec<Vec<(String, Shape)>> {
    let source = section.source;
    let mut rows = Vec::new();
    for node in section.list("each") {
        let row = Section::new(source, "a row of each", node);
        rows.extend(row.map(|row| variables_of(&row)));
    }
    if section.has("each") && section.has("table") {
        section.mistake(
            section.position_of("table"),
            "each and table mean the same; write only one of them",
        );
    }
    let lists: Vec<_> = section
        .list("table")
        .iter()
        .filter_map(|node| match &node.tree {
            Tree::List(cells) => Some((node.position, cells)),
            _ => {
                section.wrong("table", node, "a list of lists");
                None
            }
        })
        .collect();
    if let [(_, names), lines @ ..] = lists.as_slice() {
        let mut columns = Vec::new();
        for name in *names {
            let column = name.to_name();
            if name.as_text().is_none_or(|it| !is_variable(it)) {
                let message = format!("{column:?} cannot be a variable: {}", step::VARIABLE);
                source.mistake(name.position, message);
            }
            columns.push(column);
        }
        for (position, cells) in lines {
            if cells.len() != columns.len() {
                let (wanted, found) = (columns.len(), cells.len());
                let message =
                    format!("a row must have {wanted} cells like the first one, not {found}");
                source.mistake(*position, message);
            }
            let cells = cells.iter().map(|cell| Shape::read(source, cell));
            rows.push(columns.iter().cloned().zip(cells).collect());
        }
        if lines.is_empty() {
            section.mistake(section.position_of("table"), "table has names but no rows");
        }
    }
    if rows.is_empty() {
        rows.push(Vec::new());
    }
    rows
}
