//! Mail that another server hands over by LMTP (RFC 2033).

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sealpost::config::Socket;

use crate::support::{
    Client, Postfix, Served, clear_letter, eventually, holds, run, sealed_letter, skip, text,
};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

async fn served() -> Served {
    let tcp = Socket::Tcp("127.0.0.1:0".parse().unwrap());
    Served::start(&["alice", "bob"], |config| config.lmtp_listen = Some(tcp)).await
}

async fn greeted(served: &Served) -> Client {
    let mut client = Client::connect(served.running.lmtp.unwrap()).await;
    client.transcript(&[("EHLO client.example", "500"), ("LHLO client.example", "250")]).await;
    client
}

#[tokio::test]
async fn each_recipient_is_answered() {
    let served = served().await;
    let mut client = greeted(&served).await;
    client
        .transcript(&[
            ("MAIL FROM:<carol@outside.example>", "250"),
            (&format!("RCPT TO:<{ALICE}>"), "250"),
            ("RCPT TO:<nobody@sealpost.example>", "550 5.1.1"),
            (&format!("RCPT TO:<{BOB}>"), "250"),
            (&format!("RCPT TO:<{ALICE}>"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(clear_letter("carol@outside.example", ALICE, "", "canary-lmtp")).await;
    client.write(".\r\nNOOP\r\n").await;
    for code in ["250 2.0.0 taken", "250 2.0.0 taken", "250 2.0.0 taken", "250 2.0.0 fine"] {
        let reply = client.reply().await;
        assert!(reply.starts_with(code), "{reply}");
    }
    for name in ["alice", "bob"] {
        assert_eq!(served.fixture.sign_in(name).await.counts("inbox").await[0], 1, "{name}");
    }
    assert!(!holds(&served.disk(), "canary-lmtp"));
}

#[tokio::test]
async fn a_refused_message_is_refused_for_each_recipient_and_chunks_are_answered_so_too() {
    let served = served().await;
    let mut client = greeted(&served).await;
    let envelope: &[(&str, &str)] = &[
        ("MAIL FROM:<carol@outside.example>", "250"),
        (&format!("RCPT TO:<{ALICE}>"), "250"),
        (&format!("RCPT TO:<{BOB}>"), "250"),
    ];
    client.transcript(envelope).await;
    client.write("BDAT 8\r\na\n.\nb\r\n\nBDAT 0 LAST\r\n").await;
    for code in ["250 2.0.0", "550 5.6.0", "550 5.6.0"] {
        assert!(client.reply().await.starts_with(code));
    }
    client.transcript(envelope).await;
    let letter = clear_letter("carol@outside.example", ALICE, "", "whole");
    client.write(format!("BDAT {} LAST\r\n", letter.len())).await;
    client.write(&letter).await;
    for _ in 0..2 {
        assert!(client.reply().await.starts_with("250 2.0.0"));
    }
    client.transcript(&[("DATA", "503"), ("QUIT", "221")]).await;
}

#[tokio::test]
async fn each_protocol_refuses_the_greeting_of_the_other() {
    let served = served().await;
    let mut client = Client::connect(served.running.smtp).await;
    client.transcript(&[("LHLO client.example", "500 5.5.1"), ("EHLO client.example", "250")]).await;
    let mut client = greeted(&served).await;
    client.transcript(&[("HELO client.example", "500 5.5.1")]).await;
}

#[tokio::test]
async fn swaks_and_postfix_deliver_to_a_socket_in_the_file_system() {
    // A socket's path must be short, and Postfix must be able to enter its folder.
    let folder = std::path::PathBuf::from(format!("/tmp/{}", sealpost::random::id('s')));
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.join("lmtp");
    let socket = Socket::Unix(path.clone());
    let served = Served::start(&["alice", "bob"], |config| config.lmtp_listen = Some(socket)).await;
    let mut swaks = Command::new("swaks");
    swaks.args(["--protocol", "LMTP", "--socket", path.to_str().unwrap()]).args([
        "--from",
        "carol@outside.example",
        "--to",
        ALICE,
        "--h-Subject",
        "by swaks",
    ]);
    let sent = run(swaks, "").await;
    assert!(sent.status.success(), "{}", text(&sent));
    let alice = served.fixture.sign_in("alice").await;
    assert_eq!(alice.counts("inbox").await[0], 1);
    let settings = format!(
        "mydestination = sealpost.example\nmailbox_transport = lmtp:unix:{0}\nlocal_transport = lmtp:unix:{0}",
        path.display()
    );
    let Some(postfix) = Postfix::start(&settings).await else {
        std::fs::remove_dir_all(&folder).ok();
        return skip("swaks_and_postfix_deliver_to_a_socket_in_the_file_system", "Postfix cannot run here");
    };
    // Postfix is no member of the socket's group here.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let letter = sealed_letter("carol@outside.example", BOB, "");
    let to = [&*format!("<{ALICE}>"), &*format!("<{BOB}>")];
    postfix.send("carol@outside.example", &to, "", &letter).await;
    let bob = served.fixture.sign_in("bob").await;
    let id = eventually(|| async { bob.emails_in("inbox").await.into_iter().next() }).await;
    let message = String::from_utf8_lossy(&bob.message(&id).await).into_owned();
    assert!(
        message.contains("Received: from mx.outside.example (local)\r\n by sealpost.example with LMTP; "),
        "{message}"
    );
    eventually(|| async { (alice.counts("inbox").await[0] == 2).then_some(()) }).await;
    drop(postfix);
    std::fs::remove_dir_all(&folder).ok();
}
