//! PostgreSQL as Debian installs it: `/usr/lib/postgresql/<version>/bin`. Version 14 or later.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSIONS: &str = "/usr/lib/postgresql";

/// The programs of the newest version that is installed.
pub(crate) fn programs() -> PathBuf {
    newest(Path::new(VERSIONS))
        .expect("PostgreSQL is not installed: `apt-get install postgresql` installs it")
}

fn newest(versions: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(versions).ok()?.filter_map(Result::ok);
    let numbered = folders.filter_map(|it| Some((version(&it.path())?, it.path().join("bin"))));
    let with_a_server = numbered.filter(|(_, programs)| programs.join("postgres").exists());
    with_a_server.max().map(|(_, programs)| programs)
}

fn version(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.parse().ok()
}

/// A command that runs as the user `postgres` if we are root, whom PostgreSQL refuses.
///
/// It has a process group of its own, so that Ctrl-C reaches the tests, and not what cleans up
/// behind them.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        as_postgres(program.as_ref())
    } else {
        Command::new(program.as_ref())
    };
    // Wherever the tests run may be closed to the user `postgres`.
    command.current_dir("/").process_group(0);
    command
}

fn as_postgres(program: &Path) -> Command {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    setpriv.arg("--").arg(program);
    setpriv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_with_a_server_counts() {
        let cases: [(&[&str], Option<&str>); 4] = [
            (&[], None),
            (&["15/bin/psql"], None),
            (&["9/bin/postgres", "15/bin/postgres"], Some("15/bin")),
            (&["15/bin/postgres", "17/bin/psql"], Some("15/bin")),
        ];
        for (files, expected) in cases {
            let versions = tempfile::tempdir().expect("a folder");
            for file in files {
                let file = versions.path().join(file);
                fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
                fs::write(file, "").expect("a file");
            }
            let expected = expected.map(|it| versions.path().join(it));
            assert_eq!(newest(versions.path()), expected, "{files:?}");
        }
    }
}
