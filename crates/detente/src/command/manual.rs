use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Failure};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell to complete for
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// The folder for a page of each command [default: the page of detente itself, to standard output]
    folder: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        let mut command = Arguments::command();
        clap_complete::generate(self.shell, &mut command, "detente", &mut script);
        print(&script)
    }
}

impl Man {
    pub(super) fn run(self) -> Result<(), Failure> {
        let command = Arguments::command();
        let Some(folder) = self.folder else {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(command).render(&mut page);
            rendered.map_err(|error| Failure::Start(error.into()))?;
            return print(&page);
        };
        std::fs::create_dir_all(&folder)
            .and_then(|()| clap_mangen::generate_to(command, &folder))
            .with_context(|| format!("cannot write to {}", folder.display()))
            .map_err(Failure::Start)
    }
}

/// Whoever reads it may have had enough.
fn print(text: &[u8]) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Start(error.into()))
        }
        _ => Ok(()),
    }
}
