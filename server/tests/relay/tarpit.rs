//! Servers elsewhere that take every command and then nothing of the letter.

use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::hostile::{MEGABYTE, costs_at_most, flood};
use crate::support::Binary;

const ALICE: &str = "alice@sealpost.example";

/// Opens one at all addresses of this machine; gives its port, and each conversation that came to the letter.
async fn tarpit() -> (u16, UnboundedReceiver<TcpStream>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stuck, all) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, stuck.clone()));
        }
    });
    (port, all)
}

async fn talk(stream: TcpStream, stuck: UnboundedSender<TcpStream>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 tar\r\n").await.ok()?;
    let mut line = String::new();
    while line != "DATA\r\n" {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let answer: &[u8] = if line == "DATA\r\n" { b"354 go on\r\n" } else { b"250 tar\r\n" };
        stream.write_all(answer).await.ok()?;
    }
    stuck.send(stream.into_inner()).ok()
}

#[tokio::test]
async fn a_letter_for_many_servers_that_read_nothing_is_held_once_and_keeps_no_request_out() {
    const LETTER: usize = 24 * MEGABYTE;
    let (port, mut stuck) = tarpit().await;
    let binary = Binary::start_with(&format!(
        "log = 'error'\nprivate_exchangers = true\nmax_message_size = {LETTER}\n[outbound]\nexchanger_port = {port}\n"
    ))
    .await;
    let recipients: String = (1..=8).map(|host| format!("&rcptTo=x%40%5B127.0.0.{host}%5D")).collect();
    let mut letter = format!("From: <{ALICE}>\r\nTo: <x@y.example>\r\nSubject: x\r\n\r\n").into_bytes();
    // Each line begins with a dot, which is doubled on the wire.
    while letter.len() < LETTER - 100 {
        letter.extend_from_slice(&[b"." as &[u8], &[b'x'; 75], b"\r\n"].concat());
    }
    let head = format!(
        "POST /jmap/clear/{}?mailFrom={ALICE}{recipients} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\
         Content-Length: {}\r\n\r\n",
        binary.account,
        binary.http,
        binary.cookie(),
        letter.len()
    );
    let request = [head.as_bytes(), &letter].concat();
    let harm = async {
        let open = flood(&binary, 2, &request).await;
        let mut conversations = Vec::new();
        while conversations.len() < 16 {
            conversations.push(timeout(Duration::from_secs(60), stuck.recv()).await.unwrap().unwrap());
        }
        (open, conversations)
    };
    let (_open, conversations) = costs_at_most(&binary, 5 * LETTER, harm).await;
    // The account has no room for a third letter, and all that it had for requests.
    let third = binary.http(head.split(" HTTP").next().unwrap(), &letter).await;
    assert!(third.is_empty() || third.starts_with("HTTP/1.1 503"), "{third}");
    let long = format!(r#"{{"using":["{}"],"methodCalls":[],"x":"{}"}}"#, jmap::CORE, " ".repeat(MEGABYTE));
    assert_eq!(binary.jmap(&long).await.0, "HTTP/1.1 200 OK");
    drop(conversations);
    let began = Instant::now();
    while !binary
        .http(head.split(" HTTP").next().unwrap(), b"From: <b@b.example>\r\n\r\n")
        .await
        .contains(" 403 ")
    {
        assert!(began.elapsed() < Duration::from_secs(20), "the letters are gone");
    }
}
