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
    /// As the server's certificate, for the same key, but past its time.
    pub(crate) const EXPIRED: &str = "expired.pem";
    /// The server's key.
    pub(crate) const SERVER_KEY: &str = "server.key";

    /// Has an authority issue certificates, and writes them to a folder.
    ///
    /// The server's own is a client's too: a replica shows it to its primary.
    pub(crate) fn create(folder: &Path, ca: &Authority) -> io::Result<Self> {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let names = ["localhost", "127.0.0.1", "::1"];
        let server = Request::new(&names, &[ServerAuth, ClientAuth])?;
        let client = Request::new(&["client"], &[ClientAuth])?;
        Pem::write(folder.join(Self::SERVER), ca.issue(&server, now())?)?;
        Pem::write(folder.join(Self::EXPIRED), ca.issue(&server, now() - 2 * VALIDITY)?)?;
        Pem::write(folder.join(Self::SERVER_KEY), server.key.serialize_pem())?;
        Ok(Self {
            ca: Pem::write(folder.join(Self::CA), ca.pem.clone())?,
            client: Pem::write(folder.join("client.pem"), ca.issue(&client, now())?)?,
            client_key: Pem::write(folder.join("client.key"), client.key.serialize_pem())?,
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
        let mut params = valid_at(now(), &[])?;
        params.distinguished_name.push(DnType::CommonName, "cache-aside test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    /// Makes a certificate that is valid around a moment.
    fn issue(&self, request: &Request<'_>, moment: SystemTime) -> io::Result<String> {
        let params = request.params(moment).map_err(io::Error::other)?;
        Ok(params.signed_by(&request.key, &self.issuer).map_err(io::Error::other)?.pem())
    }
}

/// What a certificate is to say, and the key that it is for.
struct Request<'a> {
    names: &'a [&'a str],
    usages: &'a [ExtendedKeyUsagePurpose],
    key: KeyPair,
}

impl<'a> Request<'a> {
    fn new(names: &'a [&'a str], usages: &'a [ExtendedKeyUsagePurpose]) -> io::Result<Self> {
        Ok(Self { names, usages, key: KeyPair::generate().map_err(io::Error::other)? })
    }

    fn params(&self, moment: SystemTime) -> Result<CertificateParams, rcgen::Error> {
        let mut params = valid_at(moment, self.names)?;
        params.distinguished_name.push(DnType::CommonName, self.names[0]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.usages.to_vec();
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }
}

/// Shows no key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn now() -> SystemTime {
    SystemTime::now()
}

fn valid_at(moment: SystemTime, names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.not_before = (moment - VALIDITY).into();
    params.not_after = (moment + VALIDITY).into();
    Ok(params)
}
