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

    /// Has an authority issue certificates, and writes them to a folder.
    ///
    /// The server's own is a client's too: a replica shows it to its primary.
    pub(crate) fn create(folder: &Path, ca: &Authority) -> io::Result<Self> {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let names = ["localhost", "127.0.0.1", "::1"];
        let server = ca.issue(&names, &[ServerAuth, ClientAuth]).map_err(io::Error::other)?;
        let client = ca.issue(&["client"], &[ClientAuth]).map_err(io::Error::other)?;
        Pem::write(folder.join(Self::SERVER), server.0)?;
        Pem::write(folder.join(Self::SERVER_KEY), server.1)?;
        Ok(Self {
            ca: Pem::write(folder.join(Self::CA), ca.pem.clone())?,
            client: Pem::write(folder.join("client.pem"), client.0)?,
            client_key: Pem::write(folder.join("client.key"), client.1)?,
        })
    }
}

/// Who signs the certificates of a server, or of several that trust each other.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a key and a certificate that is signed with it.
    pub(crate) fn new() -> io::Result<Self> {
        Self::create().map_err(io::Error::other)
    }

    fn create() -> Result<Self, rcgen::Error> {
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
        usages: &[ExtendedKeyUsagePurpose],
    ) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = valid_now(names)?;
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages.to_vec();
        params.use_authority_key_identifier_extension = true;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

/// Shows no key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
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
