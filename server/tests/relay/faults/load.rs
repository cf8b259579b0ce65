//! People and servers who go on until the relay is gone, and remember what they were told.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::ledger::{Ledger, Told};
use crate::support::{clear_letter, sealed_letter};

/// Everything that a round needs to know.
#[derive(Clone)]
pub struct Load {
    pub inbox: Arc<Ledger>,
    pub kept: Arc<Ledger>,
    pub cookie: String,
    pub account: String,
    pub mailbox: String,
    pub address: &'static str,
}

fn gone() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// Delivers letters by SMTP; each tenth is large enough to lie in a file.
pub async fn deliver(load: Load, server: SocketAddr, name: String) -> io::Result<()> {
    let (reader, mut writer) = TcpStream::connect(server).await?.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"HELO x\r\n").await?;
    for number in 0.. {
        let id = format!("{name}-{number}@faults.example");
        let body = if number % 10 == 9 { "large ".repeat(20_000) } else { "small".to_owned() };
        let fields = format!("Message-ID: <{id}>\r\n");
        let letter = clear_letter("a@b.example", load.address, &fields, "words");
        load.inbox.note(&id, Told::Nothing);
        let start = format!("MAIL FROM:<a@b.example>\r\nRCPT TO:<{}>\r\nDATA\r\n", load.address);
        writer.write_all(start.as_bytes()).await?;
        writer.write_all(&letter).await?;
        writer.write_all(format!("{body}\r\n.\r\n").as_bytes()).await?;
        loop {
            let line = lines.next_line().await?.ok_or_else(gone)?;
            if line == "250 2.0.0 taken" {
                load.inbox.note(&id, Told::Safe);
                break;
            }
            if line.starts_with("45") || line.starts_with("55") {
                break;
            }
        }
    }
    Ok(())
}

/// A connection that speaks JMAP.
struct Client {
    stream: BufReader<TcpStream>,
    load: Load,
}

impl Client {
    async fn ask(&mut self, path: &str, media: &str, body: &[u8]) -> io::Result<Value> {
        let Load { cookie, .. } = &self.load;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nContent-Type: {media}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body).await?;
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(gone());
            }
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().map_err(|_| gone())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        serde_json::from_slice(&body).map_err(|_| gone())
    }

    async fn call(&mut self, name: &str, mut arguments: Value) -> io::Result<Value> {
        arguments["accountId"] = json!(self.load.account);
        let using = [jmap::CORE, jmap::MAIL, jmap::SUBMISSION, jmap::SEALED];
        let request = json!({"using": using, "methodCalls": [[name, arguments, "c"]]}).to_string();
        let answer = self.ask("/jmap/api", "application/json", request.as_bytes()).await?;
        Ok(answer["methodResponses"][0][1].clone())
    }
}

/// Uploads, imports, marks and destroys letters.
pub async fn use_jmap(load: Load, server: SocketAddr, name: String) -> io::Result<()> {
    let mut client = Client { stream: BufReader::new(TcpStream::connect(server).await?), load: load.clone() };
    for number in 0.. {
        let id = format!("{name}-{number}@faults.example");
        let letter = sealed_letter(load.address, load.address, &format!("Message-ID: <{id}>\r\n"));
        let path = format!("/jmap/upload/{}", load.account);
        let blob = client.ask(&path, "message/rfc822", &letter).await?["blobId"].clone();
        load.kept.note(&id, Told::Nothing);
        let email = json!({"blobId": blob, "mailboxIds": {&load.mailbox: true}, "keywords": {}});
        let answer = client.call("Email/import", json!({"emails": {"k": email}})).await?;
        let Some(email) = answer["created"]["k"]["id"].as_str().map(str::to_owned) else { continue };
        load.kept.note(&id, Told::Safe);
        client.call("Email/set", json!({"update": {&email: {"keywords/$seen": true}}})).await?;
        if number % 3 == 2 {
            load.kept.note(&id, Told::Leaving);
            let answer = client.call("Email/set", json!({"destroy": [email]})).await?;
            if answer["destroyed"][0] == json!(email) {
                load.kept.note(&id, Told::Gone);
            }
        }
    }
    Ok(())
}
