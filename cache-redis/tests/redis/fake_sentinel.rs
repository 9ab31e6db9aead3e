//! A sentinel that says what a test wants.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fake = Self { port, says: Arc::new(Mutex::new(says)), asked: Arc::default() };
        let sentinel = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sentinel = sentinel.clone();
                tokio::spawn(async move { sentinel.serve(stream).await });
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

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let words = words(&mut stream).await?;
            let answer = match words[0].as_str() {
                "HELLO" => "%1\r\n+proto\r\n:3\r\n".to_owned(),
                "SENTINEL" => self.answer(),
                _ => "+OK\r\n".to_owned(),
            };
            stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
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
