use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server elsewhere that holds to the order of commands and remembers what it was told.
pub struct ReceivingServer {
    pub address: SocketAddr,
    heard: Arc<Heard>,
}

struct Heard {
    rcpt: &'static str,
    answers: usize,
    refusals: AtomicUsize,
    taken: Mutex<Vec<String>>,
}

impl ReceivingServer {
    /// Opens it; `rcpt` is what it answers to RCPT.
    pub async fn start(rcpt: &'static str) -> Self {
        Self::open(rcpt, usize::MAX, 0).await
    }

    /// Opens one that hangs up in the place of its answer to every message but the first few.
    pub async fn answering(rcpt: &'static str, answers: usize) -> Self {
        Self::open(rcpt, answers, 0).await
    }

    /// Opens one that refuses DATA for now, once.
    pub async fn refusing_data() -> Self {
        Self::open("250 fine", usize::MAX, 1).await
    }

    async fn open(rcpt: &'static str, answers: usize, refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let refusals = AtomicUsize::new(refusals);
        let heard = Arc::new(Heard { rcpt, answers, refusals, taken: Mutex::default() });
        let told = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&told)));
            }
        });
        Self { address, heard }
    }

    /// The messages that it took, each with the commands before it.
    pub fn taken(&self) -> Vec<String> {
        self.heard.taken.lock().unwrap().clone()
    }
}

async fn talk(stream: TcpStream, heard: Arc<Heard>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 hello\r\n").await.unwrap();
    let (mut begun, mut within, mut said) = (false, false, String::new());
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
        said.push('\n');
        let command = line.get(..4).unwrap_or(&line);
        let answer = match command {
            "." if within => {
                let mut taken = heard.taken.lock().unwrap();
                taken.push(std::mem::take(&mut said));
                if taken.len() > heard.answers {
                    return;
                }
                (begun, within) = (false, false);
                "250 2.0.0 taken"
            }
            _ if within => continue,
            "MAIL" if std::mem::replace(&mut begun, true) => "503 5.5.1 nested MAIL command",
            "DATA" => {
                let one_less = |left: usize| left.checked_sub(1);
                within = heard.refusals.fetch_update(Relaxed, Relaxed, one_less).is_err();
                if within { "354 go on" } else { "451 4.3.0 not now" }
            }
            "RCPT" => heard.rcpt,
            "RSET" | "EHLO" | "HELO" => {
                begun = false;
                "250 fine"
            }
            _ => "250 fine",
        };
        if writer.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
