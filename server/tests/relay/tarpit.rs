//! Servers elsewhere that take every command and then nothing of the letter.

use std::time::Duration;

use sealpost::store::{self, Outgoing, StoreError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::hostile::{MEGABYTE, costs_at_most, flood};
use crate::support::{Binary, Served, eventually};

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
    // Two letters as they came and as they go, and what both take for a moment as they come in; one for each server would be sixteen.
    let (_open, conversations) = costs_at_most(&binary, 7 * LETTER, harm).await;
    // The account has no room for a third letter, and all that it had for requests.
    let third = binary.http(head.split(" HTTP").next().unwrap(), &letter).await;
    assert!(third.is_empty() || third.starts_with("HTTP/1.1 503"), "{third}");
    let long = format!(r#"{{"using":["{}"],"methodCalls":[],"x":"{}"}}"#, jmap::CORE, " ".repeat(MEGABYTE));
    assert_eq!(binary.jmap(&long).await.0, "HTTP/1.1 200 OK");
    drop(conversations);
    let small = || binary.http(head.split(" HTTP").next().unwrap(), b"From: <b@b.example>\r\n\r\n");
    // The letters are gone.
    eventually(async || small().await.contains(" 403 ").then_some(())).await;
}

#[tokio::test]
async fn servers_that_are_slow_hold_up_no_mail_for_others() {
    const LETTERS: usize = 36;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let here = Served::start(&[], |config| {
        config.private_exchangers = true;
        config.outbound.exchanger_port = port;
    })
    .await;
    let relay = &here.fixture.relay;
    let blob = relay.blobs.prepare(&relay.store, b"Subject: x\r\n\r\nx\r\n".to_vec()).await.unwrap();
    let blob = blob.blob().clone();
    let enqueue = async |letters: Vec<(usize, &'static str)>| {
        let blob = blob.clone();
        let enqueue = relay.store.write(move |tx| {
            Box::pin(async move {
                for (number, mail_from) in letters {
                    let (account, host) =
                        (format!("a{}", number / 4), format!("x@[127.0.0.{}]", number + 10));
                    store::put_blob(tx, &account.as_str().into(), &blob, store::Hold::Sending).await?;
                    let outgoing =
                        Outgoing::new(account.as_str().into(), mail_from.into(), host, blob.id.clone());
                    store::enqueue(tx, &outgoing, 1).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        enqueue.await.unwrap();
        relay.queue_bell.notify_one();
    };
    // Notices first, which have no return path; then mail of nine accounts to as many servers as letters. None ever greets.
    enqueue((100..120).map(|number| (number, "")).collect()).await;
    enqueue((0..LETTERS).map(|number| (number, ALICE)).collect()).await;
    let mut open: Vec<TcpStream> = Vec::new();
    let hosts = |open: &[TcpStream]| -> Vec<u8> {
        open.iter().map(|stream| stream.local_addr().unwrap().ip().to_string()).map(last).collect()
    };
    let notices = |open: &[TcpStream]| hosts(open).iter().filter(|host| (110..130).contains(*host)).count();
    while !hosts(&open).contains(&210) || notices(&open) < 8 {
        // A server is given up after a minute in which it did not greet.
        let next = timeout(Duration::from_secs(30), listener.accept()).await.expect("a letter waits");
        open.push(next.unwrap().0);
        if open.len() == 16 {
            enqueue(vec![(200, ALICE)]).await;
        }
    }
    assert_eq!(notices(&open), 8);
}

fn last(address: String) -> u8 {
    address.rsplit('.').next().unwrap().parse().unwrap()
}
