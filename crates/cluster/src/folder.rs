//! A folder for one cluster, and the keeper: a process that makes it, and removes it once ours has
//! ended, however it ended.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::installation;

/// What the keeper does; `$1` is the folder of PostgreSQL's programs.
///
/// Nobody writes to its input, so `read` returns when the other end is closed: by us, or by the
/// kernel when our process has ended, be it by SIGKILL. A parent-death signal would not do: it is sent
/// when the *thread* ends that started the process, and it removes no folder.
const KEEPER: &str = r#"
folder=$(mktemp -d /tmp/detente-cluster-XXXXXXXX) || exit
if "$1/initdb" --pgdata="$folder/data" --username=postgres --auth=trust \
  --encoding=UTF8 --locale=C --no-sync >/dev/null
then
  echo "$folder"
  # Whoever waits for the end of the tests' output does not wait for what follows.
  exec 2>/dev/null
  read -r _
  "$1/pg_ctl" stop --pgdata="$folder/data" --mode=immediate >/dev/null
fi
rm -rf "$folder"
"#;

/// Dropping it closes the keeper's input. Nobody waits for the keeper, which on some disks takes
/// seconds to remove what was synced.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _keeper: Child,
}

impl Folder {
    /// A new folder with an empty cluster in it.
    pub(crate) fn new() -> Folder {
        let mut keeper = keeper().spawn().expect("sh and setpriv are installed");
        let output = keeper.stdout.take().expect("it is piped");
        let mut path = String::new();
        let read = BufReader::new(output).read_line(&mut path);
        read.expect("the keeper's output can be read");
        assert!(path.ends_with('\n'), "initdb failed: see above");
        let path = PathBuf::from(path.trim_end());
        Folder {
            path,
            _keeper: keeper,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Where a disk of its own is mounted.
    pub(crate) fn disk(&self) -> PathBuf {
        self.path.join("disk")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }
}

fn keeper() -> Command {
    let mut keeper = installation::command(Path::new("/bin/sh"));
    keeper.args(["-c", KEEPER, "keeper"]);
    keeper.arg(installation::programs());
    keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
    keeper
}
