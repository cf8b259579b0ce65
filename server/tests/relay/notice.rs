//! What a sender may ask of the relay beside the delivery: to be told of it (RFC 3461), and TLS all the way (RFC 8689).

use sealpost::config::Smarthost;

use crate::support::{Client, Postfix, ReceivingServer, Served, clear_letter, eventually, skip};

const ALICE: &str = "alice@sealpost.example";
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
    for (from, parameters) in
        [("", "NOTIFY=SUCCESS"), ("carol@outside.example", ""), ("carol@outside.example", "NOTIFY=FAILURE")]
    {
        client
            .transcript(&[
                (&format!("MAIL FROM:<{from}>"), "250"),
                (&format!("RCPT TO:<{ALICE}> {parameters}"), "250"),
                ("DATA", "354"),
            ])
            .await;
        client.write(clear_letter("carol@outside.example", ALICE, "", "hello")).await;
        assert!(client.say(".\r\n").await.starts_with("250"));
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
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(elsewhere.taken().is_empty());
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
