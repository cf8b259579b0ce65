use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server elsewhere that remembers what it was told.
pub struct ReceivingServer {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
}

impl ReceivingServer {
    /// Opens it; `rcpt` is what it answers to RCPT.
    pub async fn start(rcpt: &'static str) -> Self {
        Self::answering(rcpt, usize::MAX).await
    }

    /// Opens one that hangs up in the place of its answer to every message but the first few.
    pub async fn answering(rcpt: &'static str, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, rcpt, answers, Arc::clone(&told)));
            }
        });
        Self { address, taken }
    }

    /// The messages that it took, each with the commands before it.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

async fn talk(stream: TcpStream, rcpt: &'static str, answers: usize, taken: Arc<Mutex<Vec<String>>>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 hello\r\n").await.unwrap();
    let (mut within, mut said) = (false, String::new());
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
        said.push('\n');
        let answer = match line.as_str() {
            "." if within => {
                let mut taken = taken.lock().unwrap();
                taken.push(std::mem::take(&mut said));
                if taken.len() > answers {
                    return;
                }
                within = false;
                "250 2.0.0 taken"
            }
            _ if within => continue,
            "DATA" => {
                within = true;
                "354 go on"
            }
            _ if line.starts_with("RCPT") => rcpt,
            _ => "250 fine",
        };
        if writer.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
