//! JMAP over WebSocket (RFC 8887).

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::{MEGABYTE, costs_at_most, first_line, flood};
use crate::support::{Binary, eventually};

fn handshake(binary: &Binary) -> String {
    format!(
        "GET /jmap/websocket HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: jmap\r\n\r\n",
        binary.http,
        binary.cookie()
    )
}

#[tokio::test]
async fn one_account_that_leaves_many_messages_of_sockets_unfinished_holds_little() {
    let binary = Binary::start().await;
    let handshake = handshake(&binary);
    // RFC 6455 5.2: a final text frame of 10 MiB under a mask of nothing; the last of them do not come.
    let mut frame = vec![0x81, 0xff];
    frame.extend(u64::try_from(10 * MEGABYTE).unwrap().to_be_bytes());
    frame.resize(frame.len() + 4, 0);
    frame.resize(frame.len() + 9 * MEGABYTE, b' ');
    let harm = async {
        let mut open = flood(&binary, 60, handshake.as_bytes()).await;
        for stream in &mut open {
            assert!(first_line(stream).await.starts_with("HTTP/1.1 101"));
            timeout(Duration::from_secs(5), stream.write_all(&frame)).await.ok();
        }
        open
    };
    let open = costs_at_most(&binary, 256 * MEGABYTE, harm).await;
    drop(open);
    let request =
        format!(r#"{{"using":["{}"],"methodCalls":[],"x":"{}"}}"#, jmap::CORE, " ".repeat(MEGABYTE));
    // The memory is free again.
    eventually(async || (binary.jmap(&request).await.0 == "HTTP/1.1 200 OK").then_some(())).await;
}

#[tokio::test]
async fn pings_without_end_hold_nothing() {
    let binary = Binary::start_with(&format!("log = 'error'\nmax_message_size = {MEGABYTE}\n")).await;
    let mut stream = flood(&binary, 1, handshake(&binary).as_bytes()).await.remove(0);
    assert!(first_line(&mut stream).await.starts_with("HTTP/1.1 101"));
    let (mut pongs, mut pings) = stream.into_split();
    let heard = tokio::spawn(async move { tokio::io::copy(&mut pongs, &mut tokio::io::sink()).await });
    // RFC 6455 5.5.2, under a mask of nothing.
    let mut ping = vec![0x89, 0x80 + 125];
    ping.resize(6 + 125, 0);
    // More than one account may hold: two of the longest requests.
    let many = ping.repeat(MEGABYTE / ping.len() + 1);
    for _ in 0..24 {
        timeout(Duration::from_secs(30), pings.write_all(&many)).await.unwrap().unwrap();
    }
    pings.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let heard = timeout(Duration::from_secs(30), heard).await.unwrap().unwrap().unwrap();
    assert!(heard > 1024 * 1024, "{heard}");
}

#[tokio::test]
async fn answers_to_pings_that_nobody_reads_hold_little() {
    let binary = Binary::start().await;
    let mut stream = flood(&binary, 1, handshake(&binary).as_bytes()).await.remove(0);
    assert!(first_line(&mut stream).await.starts_with("HTTP/1.1 101"));
    let mut ping = vec![0x89, 0x80 + 125];
    ping.resize(6 + 125, 0);
    let many = ping.repeat(MEGABYTE / ping.len());
    let harm = async {
        for _ in 0..256 {
            // Who reads no answers is heard no further.
            if timeout(Duration::from_secs(20), stream.write_all(&many)).await.is_err() {
                return;
            }
        }
        panic!("all was read");
    };
    costs_at_most(&binary, 64 * MEGABYTE, harm).await;
}
