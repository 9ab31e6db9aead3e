//! Certificates for one server, made anew each time.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fmt, fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// How long certificates are valid, before now (for a clock that is off) and after.
const VALIDITY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate or a key: where its file is, and what is in it.
#[derive(Clone)]
pub struct Pem {
    path: PathBuf,
    text: String,
}

impl Pem {
    /// Returns the file, which goes with its server.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the file holds.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn write(path: PathBuf, text: String) -> io::Result<Self> {
        fs::write(&path, &text)?;
        Ok(Self { path, text })
    }
}

/// Shows no key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pem").field(&self.path).finish()
    }
}

/// What a server and its clients need for TLS.
#[derive(Debug)]
pub(crate) struct Certs {
    pub(crate) ca: Pem,
    pub(crate) client: Pem,
    pub(crate) client_key: Pem,
}

impl Certs {
    /// The certificate that signed the others.
    pub(crate) const CA: &str = "ca.pem";
    /// The server's certificate, for `localhost` and the loopback addresses.
    pub(crate) const SERVER: &str = "server.pem";
    /// The server's key.
    pub(crate) const SERVER_KEY: &str = "server.key";

    /// Makes all certificates and writes them to a folder.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        let ca = Authority::new().map_err(io::Error::other)?;
        let names = ["localhost", "127.0.0.1", "::1"];
        let server =
            ca.issue(&names, ExtendedKeyUsagePurpose::ServerAuth).map_err(io::Error::other)?;
        let client =
            ca.issue(&["client"], ExtendedKeyUsagePurpose::ClientAuth).map_err(io::Error::other)?;
        Pem::write(folder.join(Self::SERVER), server.0)?;
        Pem::write(folder.join(Self::SERVER_KEY), server.1)?;
        Ok(Self {
            ca: Pem::write(folder.join(Self::CA), ca.pem)?,
            client: Pem::write(folder.join("client.pem"), client.0)?,
            client_key: Pem::write(folder.join("client.key"), client.1)?,
        })
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = valid_now(&[])?;
        params.distinguished_name.push(DnType::CommonName, "cache-aside test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    /// Makes a certificate and its key.
    fn issue(
        &self,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = valid_now(names)?;
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.insert_extended_key_usage(usage);
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

fn valid_now(names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    let now = SystemTime::now();
    params.not_before = (now - VALIDITY).into();
    params.not_after = (now + VALIDITY).into();
    Ok(params)
}
