use std::fmt::Write;

use detente_service::CONFLICT_KINDS;

use super::*;

const GUIDE: &str = include_str!("../../../../docs/problems.md");

#[test]
fn every_kind_has_one_row() {
    for row in problems() {
        assert_eq!(row.kind.describe().slug, row.slug);
        let twins = problems().filter(|it| it.slug == row.slug || it.error == row.error);
        assert_eq!(twins.count(), 1, "{}", row.slug);
    }
}

#[test]
fn what_is_always_there_is_a_member() {
    for row in problems() {
        for name in row.always {
            let found = row.members.iter().any(|it| it.name == *name);
            assert!(found, "{name} of {}", row.slug);
        }
    }
}

/// The service chooses by the kind of refusal which conflicts the log keeps. Each kind is a problem here.
#[test]
fn every_conflict_of_the_log_has_a_row() {
    for kind in CONFLICT_KINDS {
        let rows = problems().filter(|row| row.slug == kind);
        assert_eq!(rows.count(), 1, "{kind}");
    }
}

/// The table that the guide must have.
fn table() -> String {
    let mut table =
        "| `type` | `error` | status | try again? |\n| --- | --- | --- | --- |\n".to_owned();
    for row in problems() {
        let (slug, error, status) = (row.slug, row.error, row.status.as_u16());
        let or = row.named_by.map(|whose| format!(", or {whose}"));
        let or = or.unwrap_or_default();
        let again = row.again;
        writeln!(
            table,
            "| [{slug}](#{slug}) | {error}{or} | {status} | {again} |"
        )
        .unwrap();
    }
    table
}

#[test]
fn the_guide_has_the_table() {
    let table = table();
    assert!(
        GUIDE.contains(&format!("\n\n{table}\n")),
        "docs/problems.md must have this table:\n\n{table}"
    );
}

fn section(slug: &str) -> &'static str {
    let heading = format!("\n## {slug}\n\n");
    let (_, rest) = GUIDE.split_once(&heading).expect(slug);
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

#[test]
fn the_guide_explains_every_problem_and_its_members() {
    for row in problems() {
        let section_of = section(row.slug);
        let opening = format!("{} `{}`", row.status.as_u16(), row.error);
        assert!(section_of.starts_with(&opening), "{}: {opening}", row.slug);
        // A section can refer to another one for its members.
        let referred = problems().filter(|it| section_of.contains(&format!("](#{})", it.slug)));
        let sections: Vec<_> = referred
            .map(|it| section(it.slug))
            .chain([section_of])
            .collect();
        for member in row.members {
            let quoted = format!("`{}`", member.name);
            let is_there = sections.iter().any(|section| section.contains(&quoted));
            assert!(
                is_there,
                "docs/problems.md, {}: {quoted} is missing",
                row.slug
            );
        }
    }
}
