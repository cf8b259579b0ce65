//! Mail through a proxy that tells where it comes from, as swaks speaks for one.

use std::process::Command;

use sealpost::config::SenderChecks;

use crate::support::{Client, Served, run, sealed_letter, text};

const ALICE: &str = "alice@sealpost.example";

async fn by_swaks(served: &Served, arguments: &[&str]) -> String {
    let letter = String::from_utf8(sealed_letter("carol@outside.example", ALICE, "")).unwrap();
    let mut swaks = Command::new("swaks");
    swaks
        .args(["--server", "127.0.0.1", "--port", &served.running.smtp.port().to_string(), "--to", ALICE])
        .args(["--from", "carol@outside.example", "--helo", "mx.outside.example", "--data", &letter])
        .args(arguments);
    let sent = run(swaks, "").await;
    assert!(sent.status.success(), "{}", text(&sent));
    let alice = served.fixture.sign_in("alice").await;
    let emails = alice.emails_in("inbox").await;
    String::from_utf8_lossy(&alice.message(&emails[0]).await).into_owned()
}

fn proxied(version: &'static str, family: &'static str, source: &'static str) -> Vec<&'static str> {
    let to = if source.contains('.') { "192.0.2.1" } else { "2001:db8::1" };
    vec![
        "--proxy-version",
        version,
        "--proxy-family",
        family,
        "--proxy-source",
        source,
        "--proxy-source-port",
        "5000",
        "--proxy-dest",
        to,
        "--proxy-dest-port",
        "25",
    ]
}

#[tokio::test]
async fn the_client_behind_a_trusted_proxy_is_seen() {
    let trusted = "127.0.0.0/8".parse().unwrap();
    let served = Served::start(&["alice"], |config| {
        config.proxy_networks = vec![trusted];
        config.inbound.sender_checks = SenderChecks::Off;
    })
    .await;
    for (version, family, source) in
        [("1", "TCP4", "203.0.113.7"), ("2", "AF_INET", "203.0.113.8"), ("1", "TCP6", "2001:db8::7")]
    {
        let message = by_swaks(&served, &proxied(version, family, source)).await;
        let trace =
            format!("Received: from mx.outside.example ([{source}])\r\n by sealpost.example with ESMTP; ");
        assert!(message.starts_with(&trace), "{message}");
    }
}

#[tokio::test]
async fn without_its_header_a_proxy_is_not_spoken_to_and_nobody_else_may_send_one() {
    let trusted = "127.0.0.0/8".parse().unwrap();
    let served = Served::start(&["alice"], |config| config.proxy_networks = vec![trusted]).await;
    let mut client = Client::silent(served.running.smtp).await;
    assert_eq!(client.say("EHLO client.example\r\n").await, "");
    let mut client = Client::silent(served.running.smtp).await;
    assert!(client.say("PROXY UNKNOWN\r\n").await.starts_with("220 "));
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::connect(served.running.smtp).await;
    client.transcript(&[("PROXY TCP4 203.0.113.7 192.0.2.1 5000 25", "500")]).await;
}
