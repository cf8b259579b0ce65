//! Large blobs in a bucket instead of a folder.

use std::sync::Arc;

use sealpost::check::check;
use sealpost::clock::now;
use sealpost::progress::Progress;
use serde_json::json;

use crate::support::s3::S3Server;
use crate::support::{Client, Folder, Served, add_people, gather, sealed_letter, skip};

const ALICE: &str = "alice@sealpost.example";

/// One letter that is too large for the database.
fn large() -> Vec<u8> {
    sealed_letter(ALICE, ALICE, &format!("References: {}\r\n", "<x@y>".repeat(14_000)))
}

async fn served(server: &S3Server) -> Served {
    let folder = Arc::new(Folder::new());
    let s3 = server.config(folder.path());
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
