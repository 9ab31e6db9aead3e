//! Servers that speak TLS.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use cache_test_servers::{Flavour, Pem, Server, server_or_return};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned};

#[test]
fn a_tls_server_proves_itself_by_its_authority_under_both_its_names() {
    let server = server_or_return!(Server::builder(Flavour::Redis).tls());

    for name in ["127.0.0.1", "localhost"] {
        let client = trusting(server.ca_cert_pem()).with_no_client_auth();
        assert_eq!(ping(&server, name, client).unwrap(), "+PONG\r\n");
    }

    assert_eq!(server.url(), format!("rediss://127.0.0.1:{}", server.port()));
}

#[test]
fn a_tls_server_is_not_trusted_by_the_clients_of_another() {
    let server = server_or_return!(Server::builder(Flavour::Valkey).tls());
    let other = server_or_return!(Server::builder(Flavour::Valkey).tls());

    let client = trusting(other.ca_cert_pem()).with_no_client_auth();

    assert!(ping(&server, "localhost", client).is_err());
}

#[test]
fn a_client_certificate_can_be_required() {
    let builder = Server::builder(Flavour::Valkey).tls().config("tls-auth-clients", "yes");
    let server = server_or_return!(builder);
    let cert = CertificateDer::from_pem_slice(server.client_cert_pem().text().as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_file(server.client_key_pem().path()).unwrap();

    let without = trusting(server.ca_cert_pem()).with_no_client_auth();
    let with = trusting(server.ca_cert_pem()).with_client_auth_cert(vec![cert], key).unwrap();

    assert!(ping(&server, "localhost", without).is_err());
    assert_eq!(ping(&server, "localhost", with).unwrap(), "+PONG\r\n");
}

#[test]
fn a_tls_server_takes_control_without_tls_after_a_restart_too() {
    let server = server_or_return!(Server::builder(Flavour::Redis).tls().password("secret"));

    server.restart();

    assert_eq!(server.cli(&["PING"]), "PONG");
    assert!(server.url().starts_with("rediss://:secret@127.0.0.1:"));
}

#[test]
fn a_certificate_expires_and_is_renewed_while_the_server_runs() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(Server::builder(flavour).tls());
        let knock =
            || ping(&server, "localhost", trusting(server.ca_cert_pem()).with_no_client_auth());

        server.expire_certificate();
        let error = knock().unwrap_err().to_string();
        assert!(error.contains("expired"), "{error}");
        server.renew_certificate();

        assert_eq!(knock().unwrap(), "+PONG\r\n");
    }
}

fn trusting(ca: &Pem) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.text().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots)
}

fn ping(server: &Server, name: &'static str, client: ClientConfig) -> io::Result<String> {
    let connection = ClientConnection::new(Arc::new(client), name.try_into().unwrap());
    let socket = TcpStream::connect((server.host(), server.port()))?;
    let mut stream = StreamOwned::new(connection.unwrap(), socket);
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
