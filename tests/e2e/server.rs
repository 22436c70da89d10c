use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;

use crate::client::Client;
use crate::store::Store;

/// The program under test, running; ended with the value.
pub(crate) struct Server {
    child: Child,
    url: String,
    folder: Folder,
    /// What it logs, line by line; ends with it.
    pub(crate) log: Receiver<String>,
}

/// Where a server keeps its data and its configuration. Outlives restarts.
pub(crate) struct Folder {
    files: TempDir,
    store: Store,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self {
            files: TempDir::new().expect("a temporary folder"),
            store: Store::default(),
        }
    }

    pub(crate) fn with_config(config: &str) -> Self {
        let folder = Self::new();
        std::fs::write(folder.path().join("detente.toml"), config).unwrap();
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.files.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn config(&self) -> Option<PathBuf> {
        Some(self.path().join("detente.toml")).filter(|path| path.exists())
    }

    /// `detente` with these arguments, on this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments);
        self.give(&mut command);
        if let Some(config) = self.config() {
            command.arg("--config").arg(config);
        }
        command
    }

    /// Has `command`, which runs the program, work on the data of this folder.
    pub(crate) fn give(&self, command: &mut Command) {
        command.arg("--data").arg(self.data());
        self.store.give(command);
    }
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_detente"));
    command.env_clear();
    command
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_in(Folder::new())
    }

    pub(crate) fn with_config(config: &str) -> Self {
        Self::start_in(Folder::with_config(config))
    }

    pub(crate) fn start_in(folder: Folder) -> Self {
        let command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
        Self::start_as(folder, command)
    }

    /// Starts `command`, which must come to run the server.
    pub(crate) fn start_as(folder: Folder, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let url = line
            .split([' ', ','])
            .find(|word| word.starts_with("http://") || word.starts_with("https://"));
        let Some(url) = url.map(str::to_owned) else {
            let mut errors = String::new();
            child
                .stderr
                .as_mut()
                .unwrap()
                .read_to_string(&mut errors)
                .unwrap();
            panic!("the server did not start: {errors}");
        };
        let log = follow(child.stderr.take().expect("its errors are piped"));
        Self {
            child,
            url,
            folder,
            log,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        let (_, address) = self.url.split_once("://").expect("it is a URL");
        address
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.data()
    }

    /// `detente` with these arguments, on its folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.folder.command(arguments)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -{name} {id}");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// kill -9, at once.
    pub(crate) fn crash(mut self) -> Folder {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.take_folder()
    }

    /// SIGTERM, and the end of it.
    pub(crate) fn stop(mut self) -> Folder {
        self.signal("TERM");
        let status = self.wait();
        assert!(status.success(), "the server ended with {status}");
        self.take_folder()
    }

    fn take_folder(&mut self) -> Folder {
        std::mem::replace(&mut self.folder, Folder::new())
    }
}

/// Reads on, whether anybody listens or not: a full pipe would hold up the server.
pub(crate) fn follow(output: impl Read + Send + 'static) -> Receiver<String> {
    let (lines, log) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody may be listening any more.
            let _ = lines.send(line);
        }
    });
    log
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
