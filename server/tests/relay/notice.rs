//! What a sender may ask of the relay beside the delivery: to be told of it (RFC 3461), and TLS all the way (RFC 8689).

use sealpost::config::Smarthost;

use crate::judge::{BAD, GOOD, World};
use crate::support::{Client, Postfix, ReceivingServer, Served, clear_letter, eventually, skip};

const ALICE: &str = "alice@sealpost.example";
const CAROL: &str = "carol@outside.example";
const BOB: &str = "bob@sealpost.example";

async fn served() -> (Served, ReceivingServer) {
    let elsewhere = ReceivingServer::start("250 fine").await;
    let smarthost: Smarthost = elsewhere.address.to_string().parse().unwrap();
    let served = Served::start(&["alice", "bob"], |config| config.smarthost = Some(smarthost)).await;
    (served, elsewhere)
}

#[tokio::test]
async fn a_sender_who_asks_is_told_of_the_delivery() {
    let (_served, elsewhere) = served().await;
    let mut client = Client::greeted(_served.running.smtp).await;
    client
        .transcript(&[
            ("MAIL FROM:<carol@outside.example> RET=HDRS ENVID=QQ+2B314159", "250"),
            (&format!("RCPT TO:<{ALICE}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Alice+2Bx@old.example"), "250"),
            (&format!("RCPT TO:<{BOB}> NOTIFY=NEVER"), "250"),
            ("DATA", "354"),
        ])
        .await;
    let letter =
        clear_letter("carol@outside.example", ALICE, "Message-ID: <1@outside.example>\r\n", "canary-dsn");
    client.write(letter).await;
    assert!(client.say(".\r\n").await.starts_with("250"));
    let notice = eventually(|| async { elsewhere.taken().into_iter().next() }).await;
    for line in [
        "MAIL FROM:<>",
        "RCPT TO:<carol@outside.example>",
        "In-Reply-To: <1@outside.example>",
        "Original-Envelope-Id: QQ+314159",
        "Original-Recipient: rfc822; Alice+x@old.example",
        "Final-Recipient: rfc822; alice@sealpost.example",
        "Action: delivered",
    ] {
        assert!(notice.contains(&format!("\n{line}")), "{line} in {notice}");
    }
    assert!(!notice.contains("canary-dsn") && !notice.contains("bob@"), "{notice}");
}

#[tokio::test]
async fn nobody_else_is_told() {
    let (served, elsewhere) = served().await;
    let mut client = Client::greeted(served.running.smtp).await;
    let carol: &str = &format!("<{CAROL}>");
    for (from, parameters) in [("<>", "NOTIFY=SUCCESS"), (carol, ""), (carol, "NOTIFY=FAILURE")] {
        send(&mut client, CAROL, from, parameters).await;
    }
    client
        .transcript(&[
            ("MAIL FROM:<a@b.example> RET=SOME", "501"),
            ("MAIL FROM:<a@b.example> REQUIRETLS", "555"),
            ("MAIL FROM:<a@b.example>", "250"),
            (&format!("RCPT TO:<{ALICE}> NOTIFY=NEVER,SUCCESS"), "501"),
            (&format!("RCPT TO:<{ALICE}> NOTIFY=SOMETIMES"), "501"),
            (&format!("RCPT TO:<{ALICE}> ORCPT=x"), "501"),
        ])
        .await;
    client.transcript(&[("RSET", "250")]).await;
    send(&mut client, CAROL, &format!("{carol} ENVID=last"), "NOTIFY=SUCCESS").await;
    let taken = eventually(|| async { Some(elsewhere.taken()).filter(|taken| !taken.is_empty()) }).await;
    assert!(taken.len() == 1 && taken[0].contains("Original-Envelope-Id: last"), "{taken:?}");
}

/// Sends a letter, with a return path and parameters for the recipient.
async fn send(client: &mut Client, author: &str, from: &str, parameters: &str) {
    client
        .transcript(&[
            (&format!("MAIL FROM:{from}"), "250"),
            (&format!("RCPT TO:<{ALICE}> {parameters}"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(clear_letter(author, ALICE, "", "hello")).await;
    assert!(client.say(".\r\n").await.starts_with("250"));
}

#[tokio::test]
async fn a_return_path_that_nobody_proves_gets_no_notice() {
    let Some(world) = World::make().await else {
        return skip("a_return_path_that_nobody_proves_gets_no_notice", "Knot or dkimpy is missing");
    };
    let elsewhere = ReceivingServer::start("250 fine").await;
    let smarthost: Smarthost = elsewhere.address.to_string().parse().unwrap();
    let served = world.relay(|config| config.smarthost = Some(smarthost)).await;
    for (from_host, author, id) in [
        (BAD, "carol@open.example", "forged"),
        // What goes to the junk may have a good return path.
        (GOOD, "carol@wary.example", "junk"),
        (GOOD, "carol@open.example", "proved"),
    ] {
        let mut client = Client::silent(served.running.smtp).await;
        let proxy = format!("PROXY TCP4 {from_host} 192.0.2.1 5000 25\r\n");
        assert!(client.say(proxy).await.starts_with("220"));
        client.transcript(&[("EHLO mx.outside.example", "250")]).await;
        send(&mut client, author, &format!("<carol@open.example> ENVID={id}"), "NOTIFY=SUCCESS").await;
    }
    let taken = eventually(|| async { Some(elsewhere.taken()).filter(|taken| !taken.is_empty()) }).await;
    assert!(taken.len() == 1 && taken[0].contains("Original-Envelope-Id: proved"), "{taken:?}");
}

#[tokio::test]
async fn an_address_that_is_not_ascii_needs_smtputf8() {
    let (served, _) = served().await;
    let mut client = Client::greeted(served.running.smtp).await;
    client
        .transcript(&[
            ("MAIL FROM:<用户@outside.example>", "553 5.6.7"),
            ("MAIL FROM:<a@outside.example>", "250"),
            ("RCPT TO:<爱丽丝@sealpost.example>", "553 5.6.7"),
            ("RSET", "250"),
            ("MAIL FROM:<用户@outside.example> SMTPUTF8", "250"),
            (&format!("RCPT TO:<{ALICE}>"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(clear_letter("用户@outside.example", ALICE, "", "你好")).await;
    assert!(client.say(".\r\n").await.starts_with("250"));
}

#[tokio::test]
async fn postfix_passes_the_wish_on_and_its_user_is_told() {
    let (served, elsewhere) = served().await;
    let settings = format!("relayhost = [127.0.0.1]:{}", served.running.smtp.port());
    let Some(postfix) = Postfix::start(&settings).await else {
        return skip("postfix_passes_the_wish_on_and_its_user_is_told", "Postfix cannot run here");
    };
    let letter = clear_letter("carol@outside.example", ALICE, "", "hello");
    let to = format!("<{ALICE}> NOTIFY=SUCCESS");
    postfix.send("carol@outside.example", &[&to], "ENVID=from-postfix", &letter).await;
    let notice = eventually(|| async { elsewhere.taken().into_iter().next() }).await;
    assert!(notice.contains("Original-Envelope-Id: from-postfix"), "{notice}");
    assert!(notice.contains(&format!("Original-Recipient: rfc822; {ALICE}")), "{notice}");
}
