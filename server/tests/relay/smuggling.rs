//! Sequences that some server somewhere takes for the end of a message.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Client, Served};

const ALICE: &str = "alice@sealpost.example";

/// The corpus; none when it is not on this machine, which counts as a skip and fails in CI.
fn corpus() -> Option<Value> {
    let root = std::env::var_os("SEALPOST_VECTORS").map(PathBuf::from);
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let path = root.unwrap_or(default).join("smtp-smuggling/end-of-data.json");
    if let Ok(bytes) = std::fs::read(&path) {
        return Some(serde_json::from_slice(&bytes).unwrap());
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{} is missing", path.display());
    eprintln!("skipped: no_known_sequence_smuggles_a_message: the corpus smtp-smuggling is missing");
    if let Some(list) = std::env::var_os("SEALPOST_SKIPPED") {
        let mut list = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "no_known_sequence_smuggles_a_message").unwrap();
    }
    None
}

async fn is_not_the_end(served: &Served, sequence: &str) {
    let mut client = Client::greeted(served.running.smtp).await;
    let rcpt = format!("RCPT TO:<{ALICE}>");
    client.transcript(&[("MAIL FROM:<a@b.example>", "250"), (&rcpt, "250"), ("DATA", "354")]).await;
    client.write(format!("From: <a@b.example>\r\n\r\ntext{sequence}")).await;
    client.write(format!("MAIL FROM:<x@b.example>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\nsmuggled")).await;
    assert!(client.is_silent().await, "{sequence:?} was taken for the end");
    let reply = client.say("\r\n.\r\n").await;
    assert!(reply.starts_with("550 5.6.0"), "{sequence:?} was answered {reply:?}");
    assert!(client.say("NOOP\r\n").await.starts_with("250 2.0.0"), "one message has one answer");
}

#[tokio::test]
async fn no_known_sequence_smuggles_a_message() {
    let Some(corpus) = corpus() else { return };
    let served = Served::start(&["alice"], |_| ()).await;
    let named = corpus["smtpsmug"].as_object().unwrap();
    let mut sequences: Vec<String> = named
        .iter()
        .filter(|(name, _)| *name != "pipelining")
        .map(|(_, sequence)| sequence.as_str().unwrap().to_owned())
        .collect();
    sequences.extend(
        corpus["sec-consult"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()),
    );
    assert!(sequences.len() >= 19);
    futures::future::join_all(sequences.iter().map(|sequence| is_not_the_end(&served, sequence))).await;
    let alice = served.fixture.sign_in("alice").await;
    assert_eq!(alice.counts("inbox").await, [0; 4]);
}

#[tokio::test]
async fn a_bare_line_end_in_a_command_closes_the_connection() {
    let served = Served::start(&["alice"], |_| ()).await;
    for line in ["NOOP\nMAIL FROM:<x@y.example>\r\n", "NO\rOP\r\n"] {
        let mut client = Client::greeted(served.running.smtp).await;
        assert!(client.say(line).await.starts_with("500 5.5.2"));
        assert_eq!(client.reply().await, "", "{line:?}");
    }
}

#[tokio::test]
async fn a_bare_line_end_in_a_chunk_is_refused() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let rcpt = format!("RCPT TO:<{ALICE}>");
    client.transcript(&[("MAIL FROM:<a@b.example>", "250"), (&rcpt, "250")]).await;
    assert!(client.say("BDAT 8 LAST\r\na\n.\nb\r\n\n").await.starts_with("550 5.6.0"));
}
