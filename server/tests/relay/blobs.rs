//! Large letters, and the collecting of bytes that nobody holds.

use std::sync::Arc;

use sealpost::blobs::BlobError;
use sealpost::delivery::{self, DeliverError};
use sealpost::relay::Relay;
use sealpost::store::{self, Account, StoreError, account_by_address};
use serde_json::json;

use crate::support::{Fixture, clear_letter, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

async fn account(relay: &Relay, address: &str) -> Account {
    let mut connection = relay.store.read().await.unwrap();
    account_by_address(&mut connection, address).await.unwrap().unwrap()
}

/// Collects as if everything nobody holds had been so for long.
async fn collect(relay: &Relay) {
    relay.blobs.collect(&relay.store, i64::MAX).await.unwrap();
}

#[tokio::test]
async fn bytes_that_went_before_they_were_held_are_not_held() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let alice = account(relay, ALICE).await.id;
    let hold = |prepared: sealpost::blobs::Prepared| {
        let alice = alice.clone();
        relay.store.write(move |tx| {
            Box::pin(async move { store::put_blob(tx, &alice, prepared.blob(), true).await })
        })
    };
    let bytes = vec![1; 100_000];
    let prepared = relay.blobs.prepare(&relay.store, bytes.clone()).await.unwrap();
    relay.blobs.sweep(&relay.store).await.unwrap();
    let id = prepared.blob().id.clone();
    collect(relay).await;
    assert!(matches!(hold(prepared).await, Err(StoreError::BlobGone)));
    let again = relay.blobs.prepare(&relay.store, bytes.clone()).await.unwrap();
    relay.blobs.sweep(&relay.store).await.unwrap();
    hold(again).await.unwrap();
    collect(relay).await;
    assert_eq!(relay.blobs.read(&relay.store, &alice, &id).await.unwrap(), bytes);
}

#[tokio::test]
async fn bytes_go_when_the_last_who_holds_them_lets_go() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let people = [fixture.sign_in("alice").await, fixture.sign_in("bob").await];
    let letter = sealed_letter(ALICE, BOB, "");
    let mut emails = Vec::new();
    for person in &people {
        emails.push(person.import(letter.clone(), "inbox", json!({})).await);
    }
    let id = sealpost::blobs::id(&letter);
    for (person, email) in people.iter().zip(emails) {
        collect(relay).await;
        assert_eq!(relay.blobs.read_any(&relay.store, &id).await.unwrap(), letter);
        person.call("Email/set", json!({"destroy": [email]})).await;
    }
    collect(relay).await;
    assert!(matches!(relay.blobs.read_any(&relay.store, &id).await, Err(BlobError::NotFound)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_letter_is_kept_without_its_bytes_while_bytes_are_collected() {
    let fixture = Fixture::start().await;
    let relay = Arc::clone(&fixture.relay);
    let accounts = [account(&relay, ALICE).await, account(&relay, BOB).await];
    let letter = clear_letter(ALICE, BOB, "", &"y".repeat(200_000));
    let collecting = Arc::clone(&relay);
    let collector = tokio::spawn(async move {
        loop {
            collect(&collecting).await;
            tokio::task::yield_now().await;
        }
    });
    let mut kept = 0;
    for _ in 0..20 {
        match delivery::deliver(&relay, &accounts, letter.clone()).await {
            Ok(()) => kept += 1,
            Err(DeliverError::Store(StoreError::BlobGone)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    collector.abort();
    collect(&relay).await;
    let alice = fixture.sign_in("alice").await;
    let emails = alice.emails_in("inbox").await;
    assert_eq!(emails.len(), kept);
    for email in emails {
        assert!(alice.message(&email).await.len() > 200_000);
    }
}
