//! Large blobs in a bucket instead of a folder.

use std::sync::Arc;
use std::time::Duration;

use sealpost::check::check;
use sealpost::clock::now;
use sealpost::config::S3;
use sealpost::progress::Progress;
use serde_json::json;

use crate::support::s3::S3Server;
use crate::support::{Client, Folder, Served, add_people, eventually, gather, sealed_letter, skip};

const ALICE: &str = "alice@sealpost.example";

/// One letter that is too large for the database.
fn large() -> Vec<u8> {
    sealed_letter(ALICE, ALICE, &format!("References: {}\r\n", "<x@y>".repeat(14_000)))
}

async fn served(server: &S3Server) -> Served {
    served_under(server, None).await
}

async fn served_under(server: &S3Server, prefix: Option<&str>) -> Served {
    let folder = Arc::new(Folder::new());
    let s3 = S3 { prefix: prefix.map(str::to_owned), ..server.config(folder.path()) };
    let served = Served::open(folder, |config| config.s3 = Some(s3)).await;
    add_people(&served.fixture.relay, &["alice"]).await;
    served
}

async fn is_clean(served: &Served) -> bool {
    check(&served.fixture.relay, false, &Progress::silent()).await.unwrap().is_clean()
}

#[tokio::test]
async fn a_large_letter_lies_in_the_bucket_until_nobody_holds_it() {
    let Some(mut server) = S3Server::chosen() else {
        return skip("a_large_letter_lies_in_the_bucket_until_nobody_holds_it", "there is no moto_server");
    };
    server.start().await;
    let served = served(&server).await;
    let alice = served.fixture.sign_in("alice").await;
    let letter = large();
    let email = alice.import(letter.clone(), "inbox", json!({})).await;
    assert!(alice.message(&email).await == letter);
    assert_eq!(server.objects().await, 1);
    let mut files = Vec::new();
    gather(&served.fixture.folder.path().join("data/blobs"), &mut files);
    assert!(files.is_empty() && is_clean(&served).await);
    alice.call("Email/set", json!({"destroy": [email]})).await;
    let relay = &served.fixture.relay;
    relay.blobs.collect(&relay.store, now() + 1).await.unwrap();
    assert_eq!(server.objects().await, 0);
    assert!(is_clean(&served).await);
}

#[tokio::test]
async fn what_is_uploaded_in_parts_is_one_blob() {
    let Some(mut server) = S3Server::chosen() else {
        return skip("what_is_uploaded_in_parts_is_one_blob", "there is no moto_server");
    };
    server.start().await;
    let served = served(&server).await;
    let relay = &served.fixture.relay;
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut incoming = relay.blobs.incoming();
    for piece in bytes.chunks(100_000) {
        incoming.write(piece).await.unwrap();
    }
    let blob = incoming.finish(&relay.store).await.unwrap().blob().id.clone();
    assert!(relay.blobs.read_any(&relay.store, &blob).await.unwrap() == bytes);
    assert_eq!(server.objects().await, 1);
    assert!(is_clean(&served).await);
}

#[tokio::test]
async fn an_upload_in_parts_that_breaks_off_is_given_up() {
    let Some(mut server) = S3Server::chosen() else {
        return skip("an_upload_in_parts_that_breaks_off_is_given_up", "there is no moto_server");
    };
    server.start().await;
    let served = served(&server).await;
    let mut incoming = served.fixture.relay.blobs.incoming();
    for _ in 0..8 {
        incoming.write(&vec![7; 1_000_000]).await.unwrap();
    }
    assert_eq!(server.unfinished().await, 1);
    // As when somebody hangs up.
    drop(incoming);
    eventually(|| async { (server.unfinished().await == 0).then_some(()) }).await;
    assert_eq!(server.objects().await, 0);
}

#[tokio::test]
async fn relays_share_a_bucket_under_prefixes_of_their_own() {
    let Some(mut server) = S3Server::chosen() else {
        return skip("relays_share_a_bucket_under_prefixes_of_their_own", "there is no moto_server");
    };
    server.start().await;
    let [one, other] = [served_under(&server, Some("one")).await, served_under(&server, Some("other")).await];
    let [alice, namesake] = [one.fixture.sign_in("alice").await, other.fixture.sign_in("alice").await];
    let letter = large();
    let gone = alice.import(letter.clone(), "inbox", json!({})).await;
    let kept = namesake.import(letter.clone(), "inbox", json!({})).await;
    assert_eq!(server.objects().await, 2);
    alice.call("Email/set", json!({"destroy": [gone]})).await;
    let relay = &one.fixture.relay;
    relay.blobs.collect(&relay.store, now() + 1).await.unwrap();
    assert_eq!(server.objects().await, 1);
    assert!(namesake.message(&kept).await == letter);
    assert!(is_clean(&one).await && is_clean(&other).await);
}

#[tokio::test]
async fn while_a_bucket_hangs_that_is_to_forget_a_letter_small_ones_come() {
    let name = "while_a_bucket_hangs_that_is_to_forget_a_letter_small_ones_come";
    let Some(mut server) = S3Server::chosen() else { return skip(name, "there is no moto_server") };
    server.start().await;
    let served = served(&server).await;
    let alice = served.fixture.sign_in("alice").await;
    let email = alice.import(large(), "inbox", json!({})).await;
    alice.call("Email/set", json!({"destroy": [email]})).await;
    server.signal("-STOP");
    let relay = Arc::clone(&served.fixture.relay);
    let collecting = tokio::spawn(async move { relay.blobs.collect(&relay.store, now() + 1).await });
    let mut client = Client::greeted(served.running.smtp).await;
    for number in 0..3 {
        let small = sealed_letter(ALICE, ALICE, &format!("Message-ID: <{number}@x>\r\n"));
        let came = tokio::time::timeout(Duration::from_secs(10), client.deliver(&[ALICE], &small)).await;
        assert!(came.expect("the writer is free").starts_with("250"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!collecting.is_finished());
    server.signal("-CONT");
    collecting.await.unwrap().unwrap();
    assert_eq!(server.objects().await, 0);
    assert!(is_clean(&served).await);
}

#[tokio::test]
async fn while_the_bucket_is_gone_no_large_letter_is_acknowledged_and_small_ones_come() {
    let name = "while_the_bucket_is_gone_no_large_letter_is_acknowledged_and_small_ones_come";
    let Some(mut server) = S3Server::chosen() else { return skip(name, "there is no moto_server") };
    let served = served(&server).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let letter = large();
    let reply = client.deliver(&[ALICE], &letter).await;
    assert!(reply.starts_with("45"), "{reply}");
    let small = sealed_letter(ALICE, ALICE, "Message-ID: <small@x>\r\n");
    assert!(client.deliver(&[ALICE], &small).await.starts_with("250"));
    server.start().await;
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    let alice = served.fixture.sign_in("alice").await;
    let inbox = alice.emails_in("inbox").await;
    assert_eq!((inbox.len(), server.objects().await), (2, 1));
    // Both came in one second, in either order.
    let [first, second] = [alice.message(&inbox[0]).await, alice.message(&inbox[1]).await];
    assert!(first.ends_with(&letter) || second.ends_with(&letter));
    assert!(is_clean(&served).await);
}
