//! The postmaster that serves a folder.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::folder::Folder;
use crate::installation;

/// How long it may take until it is ready, recovery included.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    port: u16,
}

/// Why it did not start.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Another process listens there: try another port.
    PortTaken,
    /// The log says why.
    Failed { log: String },
}

impl Server {
    /// Starts it, and returns once it accepts connections. `disk` is the size of a disk of its own in
    /// MiB; `settings` are `name=value`.
    pub(crate) fn start(
        folder: &Folder,
        port: u16,
        disk: Option<u32>,
        settings: &[String],
    ) -> Result<Server, NotStarted> {
        let mut command = postmaster(folder, port, disk, settings);
        let process = command.spawn().expect("postgres and setpriv are installed");
        let mut server = Server { process, port };
        if server.becomes_ready(folder) {
            return Ok(server);
        }
        let log = fs::read(folder.log()).expect("the log can be read");
        Err(reason(String::from_utf8_lossy(&log).into_owned()))
    }

    fn becomes_ready(&mut self, folder: &Folder) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() && Instant::now() < deadline {
            if self.is_ready(folder) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// What `pg_ctl` goes by, too: the first line of `postmaster.pid` is the process, the eighth how it
    /// is. A connection would not tell whether it is ours that answers on this port.
    fn is_ready(&self, folder: &Folder) -> bool {
        let lines = fs::read_to_string(folder.data().join("postmaster.pid")).unwrap_or_default();
        let line = |index| lines.lines().nth(index).map(str::trim);
        line(0) == Some(self.pid().to_string().as_str()) && line(7) == Some("ready")
    }

    pub(crate) fn grow_disk(&self, folder: &Folder, megabytes: u32) {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid().to_string(), "--mount"]);
        command.args(["mount", "-o", &format!("remount,size={megabytes}m")]);
        let status = command.arg(folder.disk()).status();
        assert!(status.expect("nsenter is installed").success());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_running(&mut self) -> bool {
        let status = self.process.try_wait();
        status.expect("it is our child").is_none()
    }

    /// Sends `signal` unless it has ended, and waits for the end.
    pub(crate) fn stop(&mut self, signal: Signal) {
        if self.is_running() {
            // It may end by itself meanwhile, and then there is nothing to stop.
            let _ = kill_process(Pid::from_child(&self.process), signal);
            self.process.wait().expect("it is our child");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Signal::QUIT);
    }
}

fn postmaster(folder: &Folder, port: u16, disk: Option<u32>, settings: &[String]) -> Command {
    let log = File::create(folder.log()).expect("the log can be written");
    let mut command = installation::command(installation::programs().join("postgres"));
    command.arg("-D").arg(folder.data());
    command.args(["-c", &format!("port={port}")]);
    command.args(["-c", "listen_addresses=127.0.0.1"]);
    command.args(["-c", "unix_socket_directories="]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    if let Some(megabytes) = disk {
        command = with_disk(&command, folder, megabytes);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(log);
    command
}

/// The same command where a file system in memory is mounted, for it and what it starts alone: with the
/// last of these processes it goes.
fn with_disk(command: &Command, folder: &Folder, megabytes: u32) -> Command {
    const MOUNT: &str = r#"mkdir -p "$1" && mount -t tmpfs -o "size=$2m,uid=$(id -u postgres)" tmpfs "$1" && shift 2 && exec "$@""#;
    let mut mounted = Command::new("unshare");
    mounted.args(["--mount", "sh", "-c", MOUNT, "sh"]);
    mounted.arg(folder.disk()).arg(megabytes.to_string());
    mounted.arg(command.get_program()).args(command.get_args());
    mounted.current_dir("/").process_group(0);
    mounted
}

/// The log is in English, since the cluster's locale is C.
fn reason(log: String) -> NotStarted {
    if log.contains("Address already in use") {
        NotStarted::PortTaken
    } else {
        NotStarted::Failed { log }
    }
}
