//! A network in between that can be made worse.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// How badly a network works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// Passes replies on late by so much.
    Delay(Duration),
    /// Passes everything on.
    Pass,
    /// Ends connections as soon as they are there.
    Refuse,
    /// Passes nothing on; connections are taken and stay open.
    Stall,
}

/// Passes bytes on between clients and a server, as well or as badly as its rule says.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    rule: watch::Sender<Rule>,
    cut: Arc<Notify>,
}

impl Proxy {
    /// Listens on a loopback port, in front of a server's.
    pub(crate) async fn before(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, cut) = (listener.local_addr()?, Arc::<Notify>::default());
        let (rule, rules) = watch::channel(Rule::Pass);
        tokio::spawn(let_in(listener, server, rules, Arc::clone(&cut)));
        Ok(Self { address, rule, cut })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Goes by `rule` from now on.
    pub(crate) fn set(&self, rule: Rule) {
        self.rule.send_replace(rule);
        if rule == Rule::Refuse {
            self.reset();
        }
    }

    /// Ends the connections there are.
    pub(crate) fn reset(&self) {
        self.cut.notify_waiters();
    }
}

async fn let_in(listener: TcpListener, server: u16, rule: watch::Receiver<Rule>, cut: Arc<Notify>) {
    while let Ok((client, _)) = listener.accept().await {
        if *rule.borrow() == Rule::Refuse {
            continue;
        }
        let (rule, cut) = (rule.clone(), Arc::clone(&cut));
        tokio::spawn(async move {
            // A server that refuses is one that closes at once.
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else {
                return;
            };
            let ((asks, hears), (answers, is_asked)) = (client.into_split(), server.into_split());
            tokio::select! {
                _ = pass_on(asks, is_asked, rule.clone(), false) => {}
                _ = pass_on(answers, hears, rule, true) => {}
                () = cut.notified() => {}
            }
        });
    }
}

/// Passes one direction on until it ends.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut rule: watch::Receiver<Rule>,
    are_replies: bool,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        let now = rule.wait_for(|rule| *rule != Rule::Stall).await.map(|rule| *rule);
        match now {
            Ok(Rule::Delay(late)) if are_replies => sleep(late).await,
            Ok(_) => {}
            Err(_) => return Ok(()), // the proxy is gone
        }
        to.write_all(&bytes[..count]).await?;
    }
}
