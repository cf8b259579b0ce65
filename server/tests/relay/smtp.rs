use serde_json::json;
use smime::message::needs_door;

use crate::support::{Client, Served, clear_letter, holds, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

#[tokio::test]
async fn the_greeting_announces_what_is_offered() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::connect(served.running.smtp).await;
    let reply = client.say("EHLO client.example\r\n").await;
    for extension in
        ["SIZE 67108864", "8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES"]
    {
        assert!(reply.contains(extension), "{extension} in {reply}");
    }
    client
        .transcript(&[("NOOP", "250 2.0.0"), ("HELP", "214"), ("VRFY alice", "252"), ("QUIT", "221 2.0.0")])
        .await;
    assert_eq!(client.reply().await, "");
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::connect(served.running.smtp).await;
    client
        .transcript(&[
            ("MAIL FROM:<a@b.example>", "503 5.5.1"),
            ("EHLO client.example", "250"),
            ("RCPT TO:<alice@sealpost.example>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM:<a@b.example>", "250 2.1.0"),
            ("MAIL FROM:<a@b.example>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("RSET", "250"),
            ("RCPT TO:<alice@sealpost.example>", "503"),
            ("EXPN staff", "502"),
            ("STARTTLS", "502"),
            ("SMELL", "500"),
        ])
        .await;
}

#[tokio::test]
async fn a_message_that_begins_within_a_field_is_refused() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    for start in [" by mx.forged.example with ESMTP; now\r\n", "\t(a comment)\r\n"] {
        let letter = [start.as_bytes(), &clear_letter("a@b.example", ALICE, "", "x")].concat();
        let reply = client.deliver(&[ALICE], &letter).await;
        assert!(reply.starts_with("554 5.6.0"), "{reply}");
    }
    let letter = clear_letter("a@b.example", ALICE, "", "x");
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
}

#[tokio::test]
async fn only_addresses_here_are_taken() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    client
        .transcript(&[
            ("MAIL FROM:<> SIZE=1000 BODY=8BITMIME SMTPUTF8", "250"),
            ("RCPT TO:<nobody@sealpost.example>", "550 5.1.1"),
            ("RCPT TO:<somebody@elsewhere.example>", "550 5.7.1"),
            ("RCPT TO:<ALICE@Sealpost.Example>", "250 2.1.5"),
            ("RSET", "250"),
            ("MAIL FROM:<a@b.example> SIZE=99999999999", "552 5.3.4"),
            ("MAIL FROM:<a@b.example> BODY=BINARYMIME", "555"),
            ("MAIL FROM:<a@b.example> SMELL=good", "555 5.5.4"),
        ])
        .await;
}

#[tokio::test]
async fn clear_mail_is_sealed_to_each_recipient_before_it_is_kept() {
    let served = Served::start(&["alice", "bob"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let letter = clear_letter("carol@elsewhere.example", ALICE, "Message-ID: <1@c>\r\n", "canary-9f2c");
    assert!(client.deliver(&[ALICE, BOB, ALICE], &letter).await.starts_with("250 2.0.0"));
    for name in ["alice", "bob"] {
        let person = served.fixture.sign_in(name).await;
        assert_eq!(person.counts("inbox").await, [1, 1, 1, 1]);
        let email = person.emails_in("inbox").await.remove(0);
        let message = person.message(&email).await;
        assert!(!needs_door(&message));
        assert!(!holds(&message, "canary-9f2c"));
        let answer =
            person.call("Email/get", json!({"ids": [email], "properties": ["from", "messageId"]})).await;
        assert_eq!(answer["list"][0]["from"][0]["email"], "carol@elsewhere.example");
        assert_eq!(answer["list"][0]["messageId"], json!(["1@c"]));
    }
    let disk = served.disk();
    assert!(!holds(&disk, "canary-9f2c"));
    assert!(holds(&disk, "carol@elsewhere.example"), "the search finds what is there");
}

#[tokio::test]
async fn sealed_mail_is_kept_as_it_came_with_a_trace() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let letter = sealed_letter("carol@elsewhere.example", ALICE, "");
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    let alice = served.fixture.sign_in("alice").await;
    let message = alice.message(&alice.emails_in("inbox").await[0]).await;
    assert!(
        message
            .starts_with(b"Received: from client.example ([127.0.0.1])\r\n by sealpost.example with ESMTP; ")
    );
    assert!(message.ends_with(&letter));
}

#[tokio::test]
async fn a_pipelined_conversation_is_answered_in_order() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    client
        .write("MAIL FROM:<a@b.example>\r\nRCPT TO:<nobody@sealpost.example>\r\nRCPT TO:<alice@sealpost.example>\r\nDATA\r\n")
        .await;
    for code in ["250", "550", "250", "354"] {
        assert!(client.reply().await.starts_with(code));
    }
    client.write("From: <a@b.example>\r\n\r\n..dot\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n").await;
    for code in ["250 2.0.0", "250 2.1.0", "221"] {
        assert!(client.reply().await.starts_with(code));
    }
}

#[tokio::test]
async fn mail_comes_in_chunks_too() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    client
        .transcript(&[("MAIL FROM:<a@b.example>", "250"), ("RCPT TO:<alice@sealpost.example>", "250")])
        .await;
    assert!(client.say("BDAT 20\r\nFrom: <a@b.example>\r").await.starts_with("250 2.0.0"));
    assert!(client.say("DATA\r\n").await.starts_with("503"));
    assert!(client.say("RCPT TO:<alice@sealpost.example>\r\n").await.starts_with("503"));
    assert!(client.say("BDAT 9 LAST\r\n\n\r\n.\r\nx\r\n").await.starts_with("250 2.0.0"));
    let alice = served.fixture.sign_in("alice").await;
    assert_eq!(alice.counts("inbox").await[0], 1);
    // A chunk without a transaction is read all the same, or it would be taken for commands.
    assert!(client.say("BDAT 6 LAST\r\nQUIT\r\n").await.starts_with("503"));
    assert!(client.say("NOOP\r\n").await.starts_with("250"));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_next_is_taken() {
    let served = Served::start(&["alice"], |config| config.max_message_size = 10_000).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let large = clear_letter("a@b.example", ALICE, "", &"line\r\n".repeat(5_000));
    assert!(client.deliver(&[ALICE], &large).await.starts_with("552 5.3.4"));
    client
        .transcript(&[("MAIL FROM:<a@b.example>", "250"), ("RCPT TO:<alice@sealpost.example>", "250")])
        .await;
    client.write("BDAT 20000 LAST\r\n").await;
    assert!(client.say("x".repeat(20_000)).await.starts_with("552"));
    let small = clear_letter("a@b.example", ALICE, "", "small");
    assert!(client.deliver(&[ALICE], &small).await.starts_with("250"));
    let alice = served.fixture.sign_in("alice").await;
    assert_eq!(alice.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn too_many_recipients_errors_or_hops_are_refused() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let circling = clear_letter("a@b.example", ALICE, &"Received: from x by y\r\n".repeat(60), "round");
    assert!(client.deliver(&[ALICE], &circling).await.starts_with("554 5.4.6"));
    for _ in 0..20 {
        client.say("SMELL\r\n").await;
    }
    let reply = client.say("NOOP\r\n").await;
    assert!(reply.starts_with("421 4.7.0"), "{reply}");
}

#[tokio::test]
async fn a_broken_off_message_is_not_delivered() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    client
        .transcript(&[
            ("MAIL FROM:<a@b.example>", "250"),
            ("RCPT TO:<alice@sealpost.example>", "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write("From: <a@b.example>\r\n\r\nhalf").await;
    drop(client);
    let mut other = Client::greeted(served.running.smtp).await;
    other.transcript(&[("QUIT", "221")]).await;
    let alice = served.fixture.sign_in("alice").await;
    assert_eq!(alice.counts("inbox").await[0], 0);
}

#[tokio::test]
async fn a_stopping_relay_says_so() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    served.stop().await;
    assert!(client.reply().await.starts_with("421 4.3.2"));
}

#[tokio::test]
async fn mail_in_clear_that_claims_to_come_from_here_is_refused() {
    let served = Served::start(&["alice", "bob"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let forged = [
        clear_letter(BOB, ALICE, "", "pay me"),
        clear_letter("x@elsewhere.example", ALICE, "From: Bob <BOB@Sealpost.Example>\r\n", "pay me"),
        clear_letter(BOB, ALICE, "Content-Type: multipart/signed; boundary=x\r\n", "no signature"),
        // However it is written, the page shows Bob, or another program does.
        clear_letter("bob @ sealpost . example", ALICE, "", "pay me"),
        clear_letter(&format!("{BOB}> <x@elsewhere.example"), ALICE, "", "pay me"),
        clear_letter(&format!("{BOB}>: <x@elsewhere.example"), ALICE, "", "pay me"),
        clear_letter(&format!("x@elsewhere.example> <{BOB}"), ALICE, "", "pay me"),
    ];
    for letter in forged {
        let reply = client.deliver(&[ALICE], &letter).await;
        assert!(reply.starts_with("550 5.7.1"), "{reply}");
    }
    let honest = clear_letter("x@elsewhere.example", ALICE, "", "hello");
    client
        .transcript(&[
            (&format!("MAIL FROM:<{BOB}>"), "250"),
            (&format!("RCPT TO:<{ALICE}>"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(&honest).await;
    assert!(client.say(".\r\n").await.starts_with("550 5.7.1"));
    let alice = served.fixture.sign_in("alice").await;
    assert_eq!(alice.counts("inbox").await[0], 0);
    for letter in [honest, sealed_letter(BOB, ALICE, "")] {
        assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    }
}
