//! Certificates for a test, and somebody who vouches for them.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::server::Folder;

const CONFIG: &str = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate of `127.0.0.1` and `localhost` with its key.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) der: Vec<u8>,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters(name), key).unwrap())
    }

    /// One that may vouch for others, since this one vouches for it.
    pub(super) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(parameters(name), key, &self.0).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn issue(&self) -> Issued {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let parameters = CertificateParams::new(names).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Issued {
            certificate: certificate.pem(),
            der: certificate.der().to_vec(),
            key: key.serialize_pem(),
        }
    }

    /// A folder with a certificate, its key, what clients are to trust, and a configuration.
    pub(super) fn folder(&self, more: &str) -> (Folder, Issued) {
        let folder = Folder::with_config(&format!("{more}{CONFIG}"));
        let issued = self.issue();
        write(&folder, "ca.pem", &self.pem());
        write(&folder, "cert.pem", &issued.certificate);
        write(&folder, "key.pem", &issued.key);
        (folder, issued)
    }
}

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

pub(super) fn write(folder: &Folder, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}
