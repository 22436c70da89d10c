//! The GraphQL schemas that the examples' configurations make are kept as files: a change of names or types is
//! a change of everybody's client. `UPDATE_SCHEMAS=1` writes them anew.

use std::path::{Path, PathBuf};

use detente::config;

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas")
}

/// What a configuration makes, without what all schemas have.
fn made(file: &Path) -> String {
    let config = config::load(file).unwrap_or_else(|error| panic!("{error:?}"));
    let sdl = config.settings.graphql.sdl().expect("GraphQL is on");
    let own = sdl.find("\"\"\"\nA document of").expect("a collection");
    sdl[own..].to_owned()
}

#[test]
fn schemas_of_examples_are_as_kept() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut names: Vec<_> = std::fs::read_dir(examples)
        .unwrap()
        .map(|it| it.unwrap().path().join("detente.toml"))
        .filter(|file| file.exists())
        .collect();
    names.sort();
    assert!(names.len() > 10, "{names:?}");
    for file in &names {
        let name = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        let made = made(file);
        let kept = kept().join(format!("{name}.graphql"));
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
            std::fs::write(&kept, &made).unwrap();
        }
        let before = std::fs::read_to_string(&kept).unwrap_or_default();
        assert!(
            before == made,
            "the schema of {name} is another one than {}; UPDATE_SCHEMAS=1 keeps it",
            kept.display()
        );
    }
    // None is kept of what is no longer there.
    assert_eq!(std::fs::read_dir(kept()).unwrap().count(), names.len());
}
