use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

struct Folder(TempDir);

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// As programs replace a file that others read.
    fn replace(&self, name: &str, text: &str) {
        self.write("new", text);
        std::fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn certificates(&self) -> Certificates {
        Certificates::read(&self.path("cert.pem"), &self.path("key.pem")).unwrap()
    }
}

fn signed() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn folder() -> Folder {
    let folder = Folder(TempDir::new().unwrap());
    let (certificate, key) = signed();
    folder.write("cert.pem", &certificate);
    folder.write("key.pem", &key);
    folder
}

fn is_same(one: &Arc<ServerConfig>, other: &Arc<ServerConfig>) -> bool {
    Arc::ptr_eq(one, other)
}

#[test]
fn a_new_pair_is_taken_once_both_files_fit() {
    let folder = folder();
    let certificates = folder.certificates();
    let first = certificates.current();
    let (certificate, key) = signed();
    folder.replace("cert.pem", &certificate);
    certificates.look();
    assert!(is_same(&first, &certificates.current()));
    folder.replace("key.pem", &key);
    certificates.look();
    let second = certificates.current();
    assert!(!is_same(&first, &second));
    // The same again, and nothing at all.
    folder.replace("cert.pem", &certificate);
    certificates.look();
    certificates.look();
    assert!(is_same(&second, &certificates.current()));
}

#[test]
fn what_is_of_no_use_keeps_the_former_pair_and_is_told() {
    let folder = folder();
    let certificates = folder.certificates();
    let first = certificates.current();
    folder.write("key.pem", "nothing");
    let mistake = certificates.reload().unwrap_err();
    assert!(matches!(mistake.flaw, Flaw::NoKey), "{mistake}");
    std::fs::remove_file(folder.path("cert.pem")).unwrap();
    let mistake = certificates.reload().unwrap_err();
    assert!(matches!(mistake.flaw, Flaw::Unreadable(_)), "{mistake}");
    certificates.look();
    assert!(is_same(&first, &certificates.current()));
    let (certificate, key) = signed();
    folder.write("cert.pem", &certificate);
    folder.write("key.pem", &key);
    certificates.reload().unwrap();
    assert!(!is_same(&first, &certificates.current()));
}

/// Kubernetes and others change only where a link leads.
#[test]
fn links_that_lead_elsewhere_are_seen() {
    let folder = folder();
    let link = |to: &str| {
        let (temporary, current) = (folder.path("next"), folder.path("current"));
        std::os::unix::fs::symlink(folder.path(to), &temporary).unwrap();
        std::fs::rename(temporary, current).unwrap();
    };
    for name in ["one", "two"] {
        let (certificate, key) = signed();
        std::fs::create_dir(folder.path(name)).unwrap();
        folder.write(&format!("{name}/cert.pem"), &certificate);
        folder.write(&format!("{name}/key.pem"), &key);
    }
    link("one");
    let (certificate, key) = (
        folder.path("current/cert.pem"),
        folder.path("current/key.pem"),
    );
    let certificates = Certificates::read(&certificate, &key).unwrap();
    let first = certificates.current();
    link("two");
    certificates.look();
    assert!(!is_same(&first, &certificates.current()));
}
