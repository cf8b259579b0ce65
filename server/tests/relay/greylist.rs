//! Strangers that are put off (RFC 6647), and how much one source may send.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use sealpost::config::Config;
use sealpost::store::sql;
use sealpost::store::{self, StoreError};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Client, Postfix, Served, clear_letter, holds, skip};

const ALICE: &str = "alice@sealpost.example";
const CAROL: &str = "carol@outside.example";
const HOST: &str = "203.0.113.7";

async fn served(adjust: impl FnOnce(&mut Config)) -> Served {
    Served::start(&["alice", "bob"], |config| {
        config.proxy_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.inbound.sender_checks = sealpost::config::SenderChecks::Off;
        adjust(config);
    })
    .await
}

/// A client of which a proxy says where it is.
async fn from(served: &Served, host: &str) -> Client {
    let mut client = Client::silent(served.running.smtp).await;
    assert!(client.say(format!("PROXY TCP4 {host} 192.0.2.1 5000 25\r\n")).await.starts_with("220"));
    client.transcript(&[("EHLO mx.outside.example", "250")]).await;
    client
}

/// The answer to a recipient.
async fn asked(served: &Served, host: &str, sender: &str, recipient: &str) -> String {
    let mut client = from(served, host).await;
    client.transcript(&[(&format!("MAIL FROM:<{sender}>"), "250")]).await;
    client.say(format!("RCPT TO:<{recipient}@sealpost.example>\r\n")).await
}

async fn change(served: &Served, text: &'static str) {
    let change = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            sql::query(text).execute(tx.connection()).await?;
            store::sweep_marks(tx, sealpost::clock::now()).await
        })
    });
    change.await.map_err(|error: StoreError| error).unwrap();
}

#[tokio::test]
async fn a_stranger_is_put_off_once_for_each_recipient_and_its_network_is_known_after_mail() {
    // Names and addresses that no other test on the same server of PostgreSQL writes anywhere.
    const CAROL: &str = "carol@greylist-canary.example";
    const HOST: &str = "198.18.77.7";
    let served = served(|config| config.inbound.greylisting = true).await;
    let greylisted = "451 4.7.1 greylisted: come again in 300 seconds\r\n";
    assert_eq!(asked(&served, HOST, CAROL, "alice").await, greylisted);
    assert!(asked(&served, HOST, CAROL, "alice").await.starts_with("451 4.7.1 greylisted"), "too soon");
    assert!(asked(&served, HOST, CAROL, "nobody").await.starts_with("550 5.1.1"));
    change(&served, "UPDATE greylist SET open_at = 0").await;
    let neighbour = "198.18.77.200";
    assert!(asked(&served, neighbour, CAROL, "alice").await.starts_with("250"), "its network retries");
    for (host, sender, recipient) in [
        ("198.18.78.7", CAROL, "alice"),
        (HOST, "dave@greylist-canary.example", "alice"),
        (HOST, CAROL, "bob"),
    ] {
        assert_eq!(asked(&served, host, sender, recipient).await, greylisted, "{host} {sender} {recipient}");
    }

    let disk = served.disk();
    assert!(!holds(&disk, "greylist-canary") && !holds(&disk, "198.18.7"), "it is kept in no clear words");

    let mut client = from(&served, HOST).await;
    let envelope: &[_] =
        &[(&*format!("MAIL FROM:<{CAROL}>"), "250"), (&*format!("RCPT TO:<{ALICE}>"), "250")];
    client.transcript(envelope).await;
    client.transcript(&[("DATA", "354")]).await;
    client.write(clear_letter(CAROL, ALICE, "", "canary-greylist")).await;
    assert!(client.say(".\r\n").await.starts_with("250"));
    assert!(asked(&served, neighbour, "dave@greylist-canary.example", "bob").await.starts_with("250"));
    assert_eq!(asked(&served, "198.18.78.8", "dave@greylist-canary.example", "bob").await, greylisted);

    change(&served, "UPDATE greylist SET expires_at = 0").await;
    assert_eq!(asked(&served, HOST, CAROL, "alice").await, greylisted, "all is forgotten in time");
}

#[tokio::test]
async fn programs_on_this_host_are_no_strangers_and_a_long_list_of_recipients_is_no_error() {
    let served = served(|config| config.inbound.greylisting = true).await;
    assert!(asked(&served, "127.0.0.2", CAROL, "alice").await.starts_with("250"));
    let mut client = from(&served, HOST).await;
    client.transcript(&[(&format!("MAIL FROM:<{CAROL}>"), "250")]).await;
    for _ in 0..30 {
        client.transcript(&[(&format!("RCPT TO:<{ALICE}>"), "451 4.7.1")]).await;
    }
}

#[tokio::test]
async fn a_source_sends_as_many_messages_within_an_hour_as_the_operator_says() {
    let served = served(|config| config.inbound.messages_per_hour = NonZeroU32::new(2)).await;
    let mut client = from(&served, HOST).await;
    let mail = format!("MAIL FROM:<{CAROL}>");
    client.transcript(&[(&mail, "250"), ("RSET", "250"), (&mail, "250"), ("RSET", "250")]).await;
    client.transcript(&[(&mail, "451 4.7.1 too many messages"), ("RCPT TO:<a@b.example>", "503")]).await;
    from(&served, HOST).await.transcript(&[(&mail, "451")]).await;
    from(&served, "203.0.113.8").await.transcript(&[(&mail, "250")]).await;
    let mut own = from(&served, "127.0.0.2").await;
    own.transcript(&[(&mail, "250"), ("RSET", "250"), (&mail, "250"), ("RSET", "250"), (&mail, "250")]).await;
}

/// A proxy before the relay, as of a load balancer.
async fn proxy(relay: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(relay).await.unwrap();
                server
                    .write_all(format!("PROXY TCP4 {HOST} 192.0.2.1 5000 25\r\n").as_bytes())
                    .await
                    .unwrap();
                copy_bidirectional(&mut client, &mut server).await.ok();
            });
        }
    });
    address
}

#[tokio::test]
async fn a_real_postfix_comes_again_and_is_let_in() {
    let served = served(|config| {
        config.inbound.greylisting = true;
        config.inbound.greylist_delay_seconds = 2;
    })
    .await;
    let port = proxy(served.running.smtp).await.port();
    // A second less counts as past, and would have Postfix meet its own delivery before that is over.
    let settings = format!(
        "relayhost = [127.0.0.1]:{port}\nqueue_run_delay = 1s\nminimal_backoff_time = 4s\nmaximal_backoff_time = 5s"
    );
    let Some(postfix) = Postfix::start(&settings).await else {
        return skip("a_real_postfix_comes_again_and_is_let_in", "no Postfix");
    };
    let letter = clear_letter(CAROL, ALICE, "", "canary-retry");
    postfix.send(CAROL, &[&format!("<{ALICE}>")], "", &letter).await;
    let alice = served.fixture.sign_in("alice").await;
    // Postfix chooses when it comes again, and takes its time where others keep the machine busy.
    let came = async {
        while alice.counts("inbox").await[0] == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(180), came).await;
    assert!(in_time.is_ok() && postfix.log().contains("451 4.7.1 greylisted"), "{}", postfix.log());
}
