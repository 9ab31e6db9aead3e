//! A network in between that can lose connections without a word.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Passes bytes on to a server until it is told to freeze the connections there are.
pub(crate) struct Proxy {
    port: u16,
    freeze: Arc<Notify>,
}

impl Proxy {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), freeze: Arc::default() };
        let freeze = proxy.freeze.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server, freeze.clone()));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Leaves the connections there are open, and passes nothing on any more.
    pub(crate) fn freeze(&self) {
        self.freeze.notify_waiters();
    }
}

async fn pass_on(mut client: TcpStream, server: u16, freeze: Arc<Notify>) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = freeze.notified() => std::future::pending().await,
    }
}
