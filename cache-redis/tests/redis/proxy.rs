//! A network in between that can lose connections without a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Passes bytes on to a server until it is told to freeze the connections there are.
pub(crate) struct Proxy {
    port: u16,
    server: Arc<AtomicU16>,
    cut: Arc<Notify>,
    freeze: Arc<Notify>,
}

impl Proxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(AtomicU16::new(server));
        let proxy = Self { port, server, cut: Arc::default(), freeze: Arc::default() };
        let (server, cut, freeze) = (proxy.server.clone(), proxy.cut.clone(), proxy.freeze.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.load(Ordering::SeqCst);
                tokio::spawn(pass_on(client, server, cut.clone(), freeze.clone()));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Leads to another server from now on, and ends the connections there are.
    pub(crate) fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    /// Leaves the connections there are open, and passes nothing on any more.
    pub(crate) fn freeze(&self) {
        self.freeze.notify_waiters();
    }
}

async fn pass_on(mut client: TcpStream, server: u16, cut: Arc<Notify>, freeze: Arc<Notify>) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = cut.notified() => {}
        () = freeze.notified() => std::future::pending().await,
    }
}
