//! Several relays on one PostgreSQL; on SQLite there is one.

use std::collections::BTreeSet;
use std::sync::Arc;

use sealpost::delivery;
use sealpost::serve::{self, ServeError};
use sealpost::store::{self, Busy, Lease, Outgoing, StoreError, sql};
use serde_json::{Value, json};

use crate::push::Events;
use crate::support::{
    Client, Fixture, Folder, Person, Served, clear_letter, config, on_postgres, sealed_letter, skip,
};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

/// Two relays on one store, unless it is one that cannot be shared.
async fn two(test: &str) -> Option<(Served, Served)> {
    if on_postgres().is_none() {
        skip(test, "SQLite has one process");
        return None;
    }
    let one = Served::start(&["alice", "bob"], |_| ()).await;
    let two = Served::open(Arc::clone(&one.fixture.folder), |_| ()).await;
    Some((one, two))
}

#[tokio::test]
async fn a_second_relay_on_the_embedded_store_is_refused() {
    if on_postgres().is_some() {
        return skip("a_second_relay_on_the_embedded_store_is_refused", "PostgreSQL is shared");
    }
    let folder = Arc::new(Folder::new());
    let first = Served::open(Arc::clone(&folder), |_| ()).await;
    assert!(matches!(serve::start(config(&folder)).await, Err(ServeError::InUse(_))));
    first.stop().await;
    Served::open(folder, |_| ()).await.stop().await;
}

#[tokio::test]
async fn what_another_writes_is_seen_and_emptying_the_log_does_not_look_like_that() {
    let test = "what_another_writes_is_seen_and_emptying_the_log_does_not_look_like_that";
    if on_postgres().is_some() {
        return skip(test, "PostgreSQL tells of what is written");
    }
    let fixture = Fixture::start().await;
    let store = &fixture.relay.store;
    let seen = async || {
        let look = store.write(|tx| Box::pin(store::written_by_others(tx)));
        look.await.map_err(|error: StoreError| error).unwrap()
    };
    let before = seen().await;
    fixture.sign_in("alice").await;
    assert!(store.checkpoint().await.unwrap());
    assert_eq!(seen().await, before);
    let mut other = store.writing().await.unwrap();
    sql::script(&mut other, "UPDATE accounts SET name = 'Another'").await.unwrap();
    store::end_writing(&mut other, true).await.unwrap();
    assert_ne!(seen().await, before);
}

#[tokio::test]
async fn a_change_made_by_one_process_is_pushed_by_the_other() {
    let Some((one, two)) = two("a_change_made_by_one_process_is_pushed_by_the_other").await else { return };
    let alice = two.fixture.sign_in("alice").await;
    let mut events = Events::open(&alice, "types=Email&closeafter=no&ping=0", None).await;
    let mut client = Client::greeted(one.running.smtp).await;
    for _ in 0..2 {
        let letter = clear_letter("a@b.example", ALICE, "", "hello");
        assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    }
    // The other process may begin to listen in between, and then tells of the state once more.
    let newest = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
    loop {
        let (change, _) = events.state().await.unwrap();
        if change["changed"][&alice.account]["Email"] == newest {
            break;
        }
    }
}

#[tokio::test]
async fn signing_out_at_one_process_ends_the_streams_of_the_other() {
    let test = "signing_out_at_one_process_ends_the_streams_of_the_other";
    let Some((one, two)) = two(test).await else { return };
    let alice = one.fixture.sign_in("alice").await;
    let there = Person { router: two.fixture.router.clone(), ..alice.clone() };
    let mut events = Events::open(&there, "types=*&closeafter=no&ping=0", None).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    alice.send(axum::http::Request::post("/auth/sign-out"), axum::body::Body::empty()).await;
    while events.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_two_processes_to_one_account_follow_each_other() {
    let test = "writes_of_two_processes_to_one_account_follow_each_other";
    let Some((one, two)) = two(test).await else { return };
    let alice = one.fixture.sign_in("alice").await;
    let since = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
    let senders = [&one, &two, &one, &two].map(|served| {
        let relay = Arc::clone(&served.fixture.relay);
        tokio::spawn(async move {
            let mut connection = relay.store.read().await.unwrap();
            let account = store::account_by_address(&mut connection, ALICE).await.unwrap();
            drop(connection);
            for _ in 0..15 {
                let letter = sealed_letter(BOB, ALICE, "Message-ID: <one-thread@a>\r\n");
                delivery::deliver(&relay, account.as_slice(), letter).await.unwrap();
            }
        })
    });
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(alice.counts("inbox").await, [60, 60, 1, 1], "one thread, and no count is lost");
    let (mut since, mut seen) = (since, BTreeSet::new());
    loop {
        let changes = alice.call("Email/changes", json!({"sinceState": since, "maxChanges": 7})).await;
        for id in changes["created"].as_array().unwrap() {
            assert!(seen.insert(id.to_string()), "each change is told once");
        }
        since = changes["newState"].clone();
        if changes["hasMoreChanges"] == json!(false) {
            break;
        }
    }
    assert_eq!(seen.len(), 60);
}

async fn send_to(person: &Person, from: &str, to: &str) -> Value {
    let email = person.import(sealed_letter(from, to, ""), "sent", json!({})).await;
    let envelope = json!({"mailFrom": {"email": from}, "rcptTo": [{"email": to}]});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    person.call("EmailSubmission/set", json!({"create": create})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_write_to_each_other_at_two_processes_do_not_block_each_other() {
    let test = "people_who_write_to_each_other_at_two_processes_do_not_block_each_other";
    let Some((one, two)) = two(test).await else { return };
    let alice = one.fixture.sign_in("alice").await;
    let bob = two.fixture.sign_in("bob").await;
    let (a, b) = (alice.clone(), bob.clone());
    let there = tokio::spawn(async move {
        for _ in 0..25 {
            let answer = send_to(&a, ALICE, BOB).await;
            assert!(answer["created"]["k"].is_object(), "{answer}");
        }
    });
    for _ in 0..25 {
        let answer = send_to(&b, BOB, ALICE).await;
        assert!(answer["created"]["k"].is_object(), "{answer}");
    }
    there.await.unwrap();
    assert_eq!((alice.counts("inbox").await[0], bob.counts("inbox").await[0]), (25, 25));
}

fn outgoing(number: usize) -> Outgoing {
    let (account, recipient) = (format!("a{}", number % 5), format!("r{number}@x.example"));
    Outgoing::new(account.as_str().into(), ALICE.into(), recipient, "b1".into())
}

/// When the entries are due: the relays' own queues take no part.
pub const FAR: i64 = 5_000_000_000_000_000;

pub async fn fill_queue(served: &Served, entries: usize) {
    let fill = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            store::claim_blob(tx, &"b1".into(), 0).await?;
            for number in 0..entries {
                store::enqueue(tx, &outgoing(number), FAR).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    fill.await.unwrap();
}

/// Takes what is due in the name of a process until there is nothing.
async fn take_all(served: &Served, owner: &str) -> Vec<String> {
    let (mut all, mut nothing) = (Vec::new(), 0);
    // Nothing may also mean that another process was quicker.
    while nothing < 20 {
        let lease = Lease { owner: owner.into(), from: FAR, until: i64::MAX };
        let take = served.fixture.relay.store.write(move |tx| {
            Box::pin(async move { store::lease(tx, &lease, 3, true, &Busy::default()).await })
        });
        let taken: Result<_, StoreError> = take.await;
        let taken = taken.unwrap();
        nothing = if taken.is_empty() { nothing + 1 } else { 0 };
        all.extend(taken.into_iter().map(|queued| queued.id));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_the_queue_is_taken_by_one_process() {
    let Some((one, two)) = two("an_entry_of_the_queue_is_taken_by_one_process").await else { return };
    fill_queue(&one, 200).await;
    let (first, second) = tokio::join!(take_all(&one, "p1"), take_all(&two, "p2"));
    let all: BTreeSet<&String> = first.iter().chain(&second).collect();
    assert_eq!((all.len(), first.len() + second.len()), (200, 200));
}

#[tokio::test]
async fn what_a_process_that_is_gone_had_on_lease_is_given_back() {
    let served = Served::start(&["alice"], |_| ()).await;
    served.fixture.relay.stopping.cancel();
    fill_queue(&served, 3).await;
    let beat = |process: &'static str, now| {
        served.fixture.relay.store.write(move |tx| {
            Box::pin(async move {
                store::beat(tx, process, now, now - store::ALIVE).await?;
                store::release_leases(tx, now).await
            })
        })
    };
    let start = 5_000_000_000_000;
    for process in ["p1", "p2"] {
        let done: Result<(), StoreError> = beat(process, start).await;
        done.unwrap();
    }
    let lease = Lease { owner: "p1".into(), from: FAR, until: start + 3_600_000 };
    let take = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move { store::lease(tx, &lease, 100, true, &Busy::default()).await })
    });
    let taken: Result<Vec<_>, StoreError> = take.await;
    let taken = taken.unwrap().remove(0);
    let done: Result<(), StoreError> = beat("p2", start + store::ALIVE - 1).await;
    done.unwrap();
    assert_eq!(take_all(&served, "p2").await.len(), 2, "p1 is alive and keeps its entry");
    let back = start + 3 * store::ALIVE;
    let done: Result<(), StoreError> = beat("p2", back).await;
    done.unwrap();
    assert!(take_all(&served, "p2").await.is_empty(), "p2 was cut off itself: p1 may have been, too");
    let done: Result<(), StoreError> = beat("p2", back + 1).await;
    done.unwrap();
    assert_eq!(take_all(&served, "p2").await, std::slice::from_ref(&taken.id));
    let late = served
        .fixture
        .relay
        .store
        .write(move |tx| Box::pin(async move { store::discard(tx, &taken, "p1").await }));
    let late: Result<bool, StoreError> = late.await;
    assert!(!late.unwrap(), "p1 has it no more");
}
