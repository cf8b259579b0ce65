//! How much an account may keep, at every door through which mail comes.

use std::num::NonZeroU64;

use axum::http::{Request, StatusCode};
use sealpost::people;
use sealpost::store::{AccountKind, NewAccount};
use serde_json::{Value, json};

use crate::support::{
    Client, Fixture, PASSWORD, Person, Served, clear_letter, eventually, json_of, sealed_letter,
};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";
const PRESS: &str = "press@sealpost.example";
/// What each account of these tests may keep.
const QUOTA: u64 = 10_000;

async fn served() -> Served {
    Served::start(&["alice", "bob"], |config| config.quota = NonZeroU64::new(QUOTA)).await
}

fn letter(octets: usize) -> Vec<u8> {
    let line = format!("{}\r\n", "x".repeat(70));
    clear_letter("carol@elsewhere.example", BOB, "", "hello")
        .into_iter()
        .chain(line.repeat(octets / line.len()).into_bytes())
        .collect()
}

async fn used(person: &Person) -> i64 {
    let quota = person.call("Quota/get", json!({"ids": null})).await["list"][0].clone();
    assert_eq!(quota["hardLimit"], QUOTA);
    quota["used"].as_i64().unwrap()
}

/// Fills a mailbox by SMTP.
async fn fill(served: &Served, to: &str) {
    let mut client = Client::greeted(served.running.smtp).await;
    let reply = client.deliver(&[to], &letter(QUOTA as usize)).await;
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
}

async fn empty(person: &Person) {
    let emails = person.emails_in("inbox").await;
    let answer = person.call("Email/set", json!({"destroy": emails})).await;
    assert_eq!(answer["destroyed"].as_array().map(Vec::len), Some(emails.len()), "{answer}");
}

async fn import(person: &Person, message: Vec<u8>) -> Value {
    let (blob, inbox) = (person.upload(message).await, person.mailbox("inbox").await);
    let email = json!({"blobId": blob, "mailboxIds": {inbox: true}});
    person.call("Email/import", json!({"emails": {"k": email}})).await
}

async fn submit(person: &Person, email: &str, to: &[&str], parameters: Value) -> Value {
    let to: Vec<Value> = to.iter().map(|address| json!({"email": address})).collect();
    let from = json!({"email": ALICE, "parameters": parameters});
    let envelope = json!({"mailFrom": from, "rcptTo": to});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    person.call("EmailSubmission/set", json!({"create": create})).await
}

#[tokio::test]
async fn what_is_beyond_the_quota_is_not_imported_until_there_is_room() {
    let served = served().await;
    let alice = served.fixture.sign_in("alice").await;
    let padded =
        |n: usize| sealed_letter(BOB, ALICE, &format!("References: <{n}{}@y>\r\n", "x".repeat(4000)));
    let size = padded(1).len();
    assert!(size * 2 > QUOTA as usize && size < QUOTA as usize, "{size}");
    assert_eq!(import(&alice, padded(1)).await["created"]["k"]["size"], size);
    assert_eq!(used(&alice).await, size as i64);
    assert_eq!(import(&alice, padded(2)).await["notCreated"]["k"]["type"], "overQuota");
    assert_eq!((used(&alice).await, alice.counts("inbox").await[0]), (size as i64, 1));
    empty(&alice).await;
    assert_eq!(used(&alice).await, 0);
    assert_eq!(import(&alice, padded(2)).await["created"]["k"]["size"], size);
}

#[tokio::test]
async fn a_full_mailbox_is_refused_at_the_smtp_door_and_the_others_get_the_message() {
    let served = served().await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let mut client = Client::greeted(served.running.smtp).await;
    let too_large = format!("MAIL FROM:<a@b.example> SIZE={}", QUOTA + 1);
    client
        .transcript(&[(&too_large, "250"), ("RCPT TO:<bob@sealpost.example>", "452 4.2.2"), ("RSET", "250")])
        .await;
    fill(&served, BOB).await;
    client
        .transcript(&[
            ("MAIL FROM:<a@b.example>", "250"),
            ("RCPT TO:<bob@sealpost.example>", "452 4.2.2"),
            ("RCPT TO:<alice@sealpost.example>", "250 2.1.5"),
            ("DATA", "354"),
        ])
        .await;
    client.write(letter(100)).await;
    assert!(client.say(".\r\n").await.starts_with("250 2.0.0"));
    assert_eq!((alice.counts("inbox").await[0], bob.counts("inbox").await[0]), (1, 1));
    empty(&bob).await;
    assert!(client.deliver(&[BOB], &letter(100)).await.starts_with("250 2.0.0"));
}

#[tokio::test]
async fn a_mailbox_that_was_filled_meanwhile_takes_nothing_more() {
    let served = served().await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let mut client = Client::greeted(served.running.smtp).await;
    client
        .transcript(&[
            ("MAIL FROM:<a@b.example>", "250"),
            ("RCPT TO:<alice@sealpost.example>", "250"),
            ("RCPT TO:<bob@sealpost.example>", "250"),
            ("DATA", "354"),
        ])
        .await;
    fill(&served, BOB).await;
    client.write(letter(100)).await;
    let reply = client.say(".\r\n").await;
    assert!(reply.starts_with("452 4.2.2"), "{reply}");
    assert_eq!((alice.counts("inbox").await[0], bob.counts("inbox").await[0]), (0, 1));
}

#[tokio::test]
async fn nothing_is_sent_to_a_full_mailbox_here() {
    let served = served().await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let email = alice.import(sealed_letter(ALICE, BOB, ""), "drafts", json!({})).await;
    fill(&served, BOB).await;
    let refused = submit(&alice, &email, &[BOB, ALICE], json!({})).await;
    assert_eq!(refused["notCreated"]["k"]["type"], "overQuota", "{refused}");
    assert!(refused["notCreated"]["k"]["description"].as_str().unwrap().contains(BOB), "{refused}");
    assert_eq!((alice.counts("inbox").await[0], bob.counts("inbox").await[0]), (0, 1));
    let path = format!("/jmap/clear/{}?mailFrom={ALICE}&rcptTo={BOB}&rcptTo={ALICE}", alice.account);
    let (status, answer) =
        json_of(alice.send(Request::post(path), clear_letter(ALICE, BOB, "", "hello")).await).await;
    assert_eq!((status, answer["accepted"].clone()), (StatusCode::OK, json!([ALICE])), "{answer}");
    assert_eq!(answer["refused"], json!([{"address": BOB, "reason": "the mailbox is full"}]));
    empty(&bob).await;
    let sent = submit(&alice, &email, &[BOB, ALICE], json!({})).await;
    assert_eq!(sent["created"]["k"]["deliveryStatus"][BOB]["delivered"], "yes", "{sent}");
    assert_eq!((alice.counts("inbox").await[0], bob.counts("inbox").await[0]), (2, 1));
}

#[tokio::test]
async fn what_was_taken_to_be_sent_later_arrives_in_a_mailbox_that_is_full_by_then() {
    let served = served().await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let email = alice.import(sealed_letter(ALICE, BOB, ""), "drafts", json!({})).await;
    let held = submit(&alice, &email, &[BOB], json!({"HOLDFOR": "2"})).await;
    assert_eq!(held["created"]["k"]["undoStatus"], "pending", "{held}");
    fill(&served, BOB).await;
    eventually(|| async { (bob.counts("inbox").await[0] == 2).then_some(()) }).await;
}

async fn press(fixture: &Fixture) -> Person {
    let new = NewAccount {
        address: PRESS.into(),
        name: "Press".into(),
        kind: AccountKind::Public,
        organisation: None,
        password: sealpost::session::hash(PASSWORD).unwrap(),
    };
    people::add(&fixture.relay, new).await.unwrap();
    fixture.sign_in("press").await
}

#[tokio::test]
async fn a_message_that_the_relay_writes_counts_too() {
    let served = served().await;
    let press = press(&served.fixture).await;
    let drafts = press.mailbox("drafts").await;
    let draft = |octets: usize| {
        json!({"mailboxIds": {&drafts: true}, "from": [{"email": PRESS}], "subject": "News",
            "bodyStructure": {"partId": "1", "type": "text/plain"},
            "bodyValues": {"1": {"value": "news ".repeat(octets / 5)}}})
    };
    let create = json!({"a": draft(6_000), "b": draft(6_000)});
    let answer = press.call("Email/set", json!({"create": create})).await;
    assert_eq!(answer["created"]["a"]["size"], used(&press).await, "{answer}");
    assert_eq!(answer["notCreated"]["b"]["type"], "overQuota", "{answer}");
}

#[tokio::test]
async fn a_quota_of_email_is_shown_to_clients_that_use_mail() {
    let served = served().await;
    let alice = served.fixture.sign_in("alice").await;
    let quota = alice.call("Quota/get", json!({"ids": null})).await["list"][0].clone();
    assert_eq!(quota["types"], json!(["Email"]));
    let found = alice.call("Quota/query", json!({"filter": {"type": "Email"}})).await["ids"].clone();
    assert_eq!(found, json!([quota["id"]]));
    // RFC 9425 4: none whose types the client does not know.
    let call = json!(["Quota/get", {"accountId": alice.account, "ids": null}, "c"]);
    let request = json!({"using": [jmap::CORE, jmap::QUOTA], "methodCalls": [call]});
    let (_, answer) = alice.request(request.to_string()).await;
    assert_eq!(answer["methodResponses"][0][1]["list"], json!([]), "{answer}");
}
