//! Methods that take messages apart: what they hold is bounded, however many ask at once.

use axum::http::StatusCode;
use futures::future::join_all;
use jmap::AccountId;
use serde_json::{Value, json};

use crate::hostile::{MEGABYTE, costs_at_most};
use crate::strangers::public;
use crate::support::{Binary, Fixture, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

#[tokio::test]
async fn parts_that_methods_ask_for_at_once_hold_little() {
    const LETTER: usize = 24 * MEGABYTE;
    let binary = Binary::start_with(&format!("log = 'error'\nmax_message_size = {LETTER}\n")).await;
    let mut letter = sealed_letter(ALICE, ALICE, "");
    letter.extend_from_slice(format!("{}\r\n", "QUJD".repeat(18)).repeat(320_000).as_bytes());
    let answer = binary.http(&format!("POST /jmap/upload/{}", binary.account), &letter).await;
    let blob = answer.split("\"blobId\":\"").nth(1).unwrap().split('"').next().unwrap();
    let ask = |id: String| {
        let get = json!({"accountId": binary.account, "ids": [id], "properties": ["digest:sha-256"]});
        json!({"using": [jmap::CORE, jmap::BLOB], "methodCalls": [["Blob/get", get, "a"]]}).to_string()
    };
    let whole_or_busy = |answers: Vec<(String, Value)>| {
        let mut digests = Vec::new();
        for (status, answer) in answers {
            assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
            let [name, answer, _] = answer["methodResponses"][0].as_array().unwrap().as_slice() else {
                panic!()
            };
            match name.as_str().unwrap() {
                "error" => assert_eq!(answer["type"], "serverUnavailable"),
                _ => digests.push(answer["list"][0]["digest:sha-256"].as_str().unwrap().to_owned()),
            }
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "some are served, and alike");
    };
    // Eight at once are what one account may ask.
    for id in [format!("p0-{blob}"), blob.to_owned()] {
        let request = ask(id);
        let harm = join_all((0..8).map(|_| binary.jmap(&request)));
        whole_or_busy(costs_at_most(&binary, 8 * LETTER, harm).await);
    }
}

#[tokio::test]
async fn what_methods_hold_ends_the_reading_of_a_request_and_no_download() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut letter = sealed_letter(ALICE, ALICE, "");
    let short = alice.upload(letter.clone()).await;
    letter.extend_from_slice(format!("{}\r\n", "QUJD".repeat(18)).repeat(2_000).as_bytes());
    let long = alice.upload(letter).await;
    let relay = &fixture.relay;
    let mut held = relay.reading.hold(&AccountId::from(alice.account.as_str()));
    held.grow(2 * relay.limits.largest()).unwrap();
    let get = |id: &str| ("Blob/get", json!({"ids": [id], "properties": ["size"]}));
    let calls = [get(&short), get(&long), get(&short), ("Mailbox/get", json!({"ids": []}))];
    let answers = alice.calls(&calls).await;
    let names: Vec<&str> = answers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Blob/get", "error", "error", "Mailbox/get"], "{answers:?}");
    assert_eq!(answers[2].1["type"], "serverUnavailable");
    let path = format!("/jmap/download/{}/p0-{long}/x", alice.account);
    assert_eq!(alice.get(&path).await.0, StatusCode::OK);
    drop(held);
    assert_eq!(alice.call("Blob/get", get(&long).1).await["list"][0]["id"], long);
}

#[tokio::test]
async fn short_blobs_count_together_where_a_letter_is_made_of_them() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    let inbox = news.mailbox("inbox").await;
    let mut attachments = Vec::new();
    for number in 0..3_u8 {
        attachments.push(json!({"blobId": news.upload(vec![number; 40_000]).await, "type": "image/png"}));
    }
    let relay = &fixture.relay;
    let mut held = relay.reading.hold(&AccountId::from(news.account.as_str()));
    held.grow(2 * relay.limits.largest()).unwrap();
    let create = |attachments: &[Value]| {
        let email = json!({"mailboxIds": {&inbox: true}, "attachments": attachments});
        ("Email/set", json!({"create": {"e": email}}))
    };
    let few = news.calls(&[create(&attachments[..1])]).await;
    assert!(few[0].1["created"]["e"]["id"].is_string(), "{few:?}");
    assert_eq!(news.refused("Email/set", create(&attachments).1).await, "serverUnavailable");
    drop(held);
    assert!(news.call("Email/set", create(&attachments).1).await["created"]["e"]["id"].is_string());
}
