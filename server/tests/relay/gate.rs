//! Large letters and the sweeping of files, which wait for each other.

use std::sync::Arc;
use std::time::Duration;

use sealpost::blobs::Batch;
use sealpost::delivery;
use sealpost::store::account_by_address;
use tokio::time::timeout;

use crate::support::{Fixture, clear_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_batch_goes_on_while_a_sweep_waits_for_it() {
    let fixture = Fixture::start().await;
    let relay = Arc::clone(&fixture.relay);
    let batch = Batch::default();
    let first = relay.blobs.prepare(&batch, vec![1; 100_000]).await.unwrap();
    let sweeping = Arc::clone(&relay);
    let sweeper = tokio::spawn(async move { sweeping.blobs.sweep(&sweeping.store).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!sweeper.is_finished(), "the sweep waits for the batch");
    let second = timeout(PATIENCE, relay.blobs.prepare(&batch, vec![2; 100_000])).await;
    let second = second.expect("the batch does not wait for the sweep").unwrap();
    drop((batch, first, second));
    timeout(PATIENCE, sweeper).await.expect("the sweep's turn comes").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_letters_to_several_people_are_delivered_while_files_are_swept() {
    let fixture = Fixture::start().await;
    let relay = Arc::clone(&fixture.relay);
    let mut accounts = Vec::new();
    for address in [ALICE, BOB] {
        let mut connection = relay.store.read().await.unwrap();
        accounts.push(account_by_address(&mut connection, address).await.unwrap().unwrap());
    }
    let letter = clear_letter(ALICE, BOB, "", &"y".repeat(200_000));
    let sweeping = Arc::clone(&relay);
    let sweeper = tokio::spawn(async move {
        loop {
            sweeping.blobs.sweep(&sweeping.store).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..10 {
        let delivery = delivery::deliver(&relay, &accounts, letter.clone());
        timeout(PATIENCE, delivery).await.expect("the delivery ends").unwrap();
    }
    sweeper.abort();
}
