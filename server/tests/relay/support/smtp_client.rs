use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// A client that says exactly what a test wants it to say.
pub struct Client {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Client {
    /// Connects, and no more.
    pub async fn silent(server: SocketAddr) -> Self {
        let (reader, writer) = TcpStream::connect(server).await.unwrap().into_split();
        Self { reader: BufReader::new(reader), writer }
    }

    /// Connects and takes the greeting.
    pub async fn connect(server: SocketAddr) -> Self {
        let mut client = Self::silent(server).await;
        assert!(client.reply().await.starts_with("220 "));
        client
    }

    /// Connects and says EHLO.
    pub async fn greeted(server: SocketAddr) -> Self {
        let mut client = Self::connect(server).await;
        assert!(client.say("EHLO client.example\r\n").await.starts_with("250"));
        client
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.writer.write_all(bytes.as_ref()).await.unwrap();
    }

    /// A whole reply, lines joined; empty when the server has closed.
    pub async fn reply(&mut self) -> String {
        self.reply_within(Duration::from_secs(20)).await
    }

    /// A whole reply that may take its time.
    pub async fn reply_within(&mut self, patience: Duration) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read = timeout(patience, self.reader.read_line(&mut line)).await;
            if read.expect("the server answers").unwrap_or(0) == 0 {
                return reply;
            }
            let last = line.as_bytes().get(3) == Some(&b' ');
            reply.push_str(&line);
            if last {
                return reply;
            }
        }
    }

    /// Whether nothing more comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.reader.fill_buf()).await.is_err()
    }

    pub async fn say(&mut self, text: impl AsRef<[u8]>) -> String {
        self.write(text).await;
        self.reply().await
    }

    /// Says the lines one by one and checks the codes of the answers.
    pub async fn transcript(&mut self, lines: &[(&str, &str)]) {
        for (line, code) in lines {
            let reply = self.say(format!("{line}\r\n")).await;
            assert!(reply.starts_with(code), "{line:?} was answered {reply:?}");
        }
    }

    /// Sends a message and gives the last reply.
    pub async fn deliver(&mut self, to: &[&str], message: &[u8]) -> String {
        self.transcript(&[("MAIL FROM:<sender@elsewhere.example>", "250")]).await;
        for to in to {
            self.transcript(&[(&format!("RCPT TO:<{to}>"), "250")]).await;
        }
        self.transcript(&[("DATA", "354")]).await;
        self.write(message).await;
        self.say(".\r\n").await
    }
}
