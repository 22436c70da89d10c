use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use detente_check::client::{Client, Settings};
use detente_check::scenario::{self, Inputs};
use detente_check::{ProbeReport, Verdict};

use crate::server::{Folder, Server, program};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Of the examples that Detente serves.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(examples()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path().join("scenario.yaml"));
    let is_served = |file: &PathBuf| file.with_file_name("detente.toml").exists();
    let mut found: Vec<_> = files
        .filter(|file| file.exists() && is_served(file))
        .collect();
    found.sort();
    found
}

/// Each example's scenarios, on a server with its configuration.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_holds_what_its_scenarios_say() {
    let files = files();
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        let folder = Folder::new();
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(file.with_file_name("detente.toml"));
        folder.give(&mut command);
        let server = Server::start_as(folder, command);
        for report in reports(&file, server.url()).await {
            let (name, reason) = (&report.id, &report.reason);
            assert_eq!(
                report.verdict,
                Verdict::Pass,
                "{}: {name}: {reason}",
                file.display()
            );
        }
    }
}

/// Apache's WebDAV, on a free port with a folder of its own.
struct Apache {
    process: Child,
    url: String,
    _files: tempfile::TempDir,
}

impl Apache {
    fn start() -> Self {
        let port = |listener: TcpListener| listener.local_addr().unwrap().port();
        // Somebody else may take the port before Apache does.
        let mut ports = (0..5).map(|_| port(TcpListener::bind("127.0.0.1:0").unwrap()));
        ports.find_map(Self::start_at).expect("Apache starts")
    }

    fn start_at(port: u16) -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        for folder in ["", "shared", "locks"] {
            let folder = files.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            // It serves as another user than root.
            let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            std::fs::set_permissions(folder, all).unwrap();
        }
        let process = Command::new("/usr/sbin/apache2")
            .args(["-X", "-f"])
            .arg(examples().canonicalize().unwrap().join("files/apache.conf"))
            .env("FILES", files.path())
            .env("PORT", port.to_string())
            .stderr(Stdio::null())
            .spawn()
            .expect("apache2-bin is installed");
        let mut apache = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            _files: files,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while apache.process.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(apache);
            }
            assert!(Instant::now() < deadline, "Apache does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The same files on our own server: it keeps all four promises.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_by_detente_when_two_write_at_once() {
    let server = Server::start();
    let file = examples().join("files/scenario.yaml");
    let reports = reports(&file, &format!("{}/dav", server.url())).await;
    assert_eq!(reports.len(), 4);
    for report in reports {
        let (name, reason) = (&report.id, &report.reason);
        assert_eq!(report.verdict, Verdict::Pass, "{name}: {reason}");
    }
}

/// Files on a server that others wrote: it keeps every promise of WebDAV but the one between two clients.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_by_apache_until_two_write_at_once() {
    let apache = Apache::start();
    let file = examples().join("files/scenario.yaml");
    let mut came_to = Vec::new();
    for report in reports(&file, &apache.url).await {
        println!("{}: {}", report.id, report.reason);
        came_to.push((report.id, report.verdict));
    }
    let expected = [
        ("a file that is there is not created again", Verdict::Pass),
        ("a file needs a folder that is there", Verdict::Pass),
        (
            "a locked file is written by who holds the lock alone",
            Verdict::Pass,
        ),
        (
            "of two uploads of one version, one is accepted",
            Verdict::Fail,
        ),
    ];
    assert_eq!(
        came_to,
        expected.map(|(name, verdict)| (name.to_owned(), verdict))
    );
}

async fn reports(file: &Path, url: &str) -> Vec<ProbeReport> {
    let inputs = Inputs {
        vars: [("base".to_owned(), url.to_owned())].into(),
        ..Inputs::default()
    };
    let text = std::fs::read_to_string(file).unwrap();
    let suite = scenario::parse(file, &text, &inputs).unwrap_or_else(|it| panic!("{it}"));
    assert!(suite.warnings.is_empty(), "{:?}", suite.warnings);
    let client = Client::new(Settings::usual()).unwrap();
    let mut reports = Vec::new();
    for scenario in &suite.scenarios {
        let ran = scenario::run(scenario, &client, &scenario::Settings::default()).await;
        reports.push(ran.report);
    }
    reports
}
