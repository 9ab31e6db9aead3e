//! A sentinel that says what a test wants.

use std::sync::{Arc, Mutex};

use cache_test_servers::Server;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A sentinel that says what a test wants.
#[derive(Clone)]
pub(crate) struct FakeSentinel {
    port: u16,
    says: Arc<Mutex<Saying>>,
    asked: Arc<Mutex<u32>>,
}

#[derive(Clone)]
pub(crate) enum Saying {
    /// Something that is no address.
    Garbage,
    /// Nothing at all.
    Nothing,
    Port(u16),
    Refusal(&'static str),
    Unknown,
}

impl FakeSentinel {
    pub(crate) async fn start(says: Saying) -> Self {
        Self::start_with(says, None).await
    }

    /// Starts one that speaks TLS, with a server's certificate.
    pub(crate) async fn start_tls(says: Saying, server: &Server) -> Self {
        let pem = |name| std::fs::read(server.folder().join(name)).unwrap();
        let chain =
            CertificateDer::pem_slice_iter(&pem("server.pem")).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(&pem("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(chain, key).unwrap();
        Self::start_with(says, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(says: Saying, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fake = Self { port, says: Arc::new(Mutex::new(says)), asked: Arc::default() };
        let sentinel = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sentinel, tls) = (sentinel.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => sentinel.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => sentinel.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        fake
    }

    pub(crate) fn say(&self, says: Saying) {
        *self.says.lock().unwrap() = says;
    }

    /// Returns how often it was asked for the primary.
    pub(crate) fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let words = words(&mut stream).await?;
            let answer = match words[0].as_str() {
                "HELLO" => "%1\r\n+proto\r\n:3\r\n".to_owned(),
                "SENTINEL" => self.answer(),
                _ => "+OK\r\n".to_owned(),
            };
            stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
            stream.get_mut().flush().await.ok()?;
        }
    }

    fn answer(&self) -> String {
        *self.asked.lock().unwrap() += 1;
        match &*self.says.lock().unwrap() {
            Saying::Garbage => "*1\r\n:7\r\n".to_owned(),
            Saying::Nothing => String::new(),
            Saying::Port(port) => {
                let port = port.to_string();
                format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len())
            }
            Saying::Refusal(code) => format!("-{code} no\r\n"),
            Saying::Unknown => "_\r\n".to_owned(),
        }
    }
}

/// Reads one command.
async fn words(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Vec<String>> {
    let count = number(stream, "*").await?;
    let mut words = Vec::new();
    for _ in 0..count {
        let length = number(stream, "$").await?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await.ok()?;
        words.push(String::from_utf8(word[..length].to_vec()).unwrap());
    }
    Some(words)
}

async fn number(stream: &mut (impl AsyncBufReadExt + Unpin), mark: &str) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.trim_end().strip_prefix(mark)?.parse().ok()
}
