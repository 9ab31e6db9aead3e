//! TLS to the server.

use std::fmt;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Result;
use crate::config::{ClientCert, RedisConfig};
use crate::endpoint::{Address, Place};
use crate::error::{no_tls, wrong};

/// TLS to any server: whom to trust, and who we are.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
}

impl Tls {
    /// Reads the certificates, those of the system included.
    pub(crate) fn new(config: &RedisConfig) -> Result<Self> {
        if let Place::At(Address::Tcp(host)) = &config.endpoint.place {
            server_name(&host.name)?;
        }
        let roots = config.ca_cert.as_deref().map_or_else(system_roots, private_roots)?;
        let client = client(roots, config.client_cert.as_ref())?;
        Ok(Self { connector: TlsConnector::from(Arc::new(client)) })
    }

    /// Speaks TLS over `socket` with a server that proves to be `host`.
    pub(crate) async fn wrap(&self, socket: TcpStream, host: &str) -> Result<TlsStream<TcpStream>> {
        self.connector.connect(server_name(host)?, socket).await.map_err(no_tls)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>> {
    let problem = "is no name that TLS can check: connect by the name in the certificate";
    ServerName::try_from(host.to_owned()).map_err(|_| wrong("the host of redis", problem))
}

fn client(roots: RootCertStore, cert: Option<&ClientCert>) -> Result<ClientConfig> {
    let builder = builder()?.with_root_certificates(roots);
    let Some(ClientCert { chain, key }) = cert else { return Ok(builder.with_no_client_auth()) };
    let no_key = "needs its private key, in PEM, as the second argument";
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| wrong("`client_cert`", no_key))?;
    let chain = certificates("`client_cert`", chain)?;
    with_client_cert(builder, chain, key)
}

fn with_client_cert(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig> {
    let problem = "does not fit its key: give the certificate that was issued for it";
    builder.with_client_auth_cert(chain, key).map_err(|_| wrong("`client_cert`", problem))
}

/// Names the provider: with two of them in a program, rustls would panic over the choice.
fn builder() -> Result<ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    builder.map_err(|error| wrong("TLS", "cannot be used in this build").with_source(error))
}

fn private_roots(pem: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("`ca_cert`", pem)? {
        let problem = "holds a certificate that cannot be used as an authority";
        roots.add(certificate).map_err(|error| wrong("`ca_cert`", problem).with_source(error))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // Some systems hold certificates that nobody can read; the others still count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let problem = "trusts no authority: install `ca-certificates`, or set `ca_cert`";
        return Err(wrong("this system", problem));
    }
    Ok(roots)
}

fn certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let problem = "is not PEM: it begins with `-----BEGIN CERTIFICATE-----`";
    certificates.ok_or_else(|| wrong(name, problem))
}
