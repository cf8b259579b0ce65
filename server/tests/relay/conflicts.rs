//! Writers of one PostgreSQL that stand in each other's way: nobody sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sealpost::store::{self, StoreError, sql};
use serde_json::{Map, Value, json};
use tokio::sync::Barrier;

use crate::support::{Folder, Person, Postgres, Served, on_postgres, sealed_letter, skip};

/// A relay with alice and bob on a server of its own.
async fn begin(test: &str) -> Option<(Postgres, Served)> {
    let Some(server) = on_postgres() else {
        skip(test, "SQLite has one writer");
        return None;
    };
    let own = Postgres::start(server.programs_folder().to_owned(), "-c fsync=off");
    let served = Served::start_in(Arc::new(Folder::on(&own)), &["alice", "bob"]).await;
    Some((own, served))
}

/// Marks two people, one after the other, and meets another who does before that of a number.
async fn mark(
    served: &Served,
    isolation: &'static str,
    people: [&'static str; 2],
    (meets, meeting): (usize, &Arc<Barrier>),
) -> Result<(), StoreError> {
    let (met, meeting) = (Arc::new(AtomicBool::new(false)), Arc::clone(meeting));
    let write = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            sql::query(isolation).execute(tx.connection()).await?;
            // From here on it reads what was there now.
            sql::query("SELECT COUNT(*) FROM accounts").fetch_one(tx.connection()).await?;
            for (place, name) in people.into_iter().enumerate() {
                // Whoever does it again is alone.
                if place == meets && !met.swap(true, Ordering::Relaxed) {
                    meeting.wait().await;
                }
                let mark = sql::query("UPDATE accounts SET name = name || 'x' WHERE address = $1");
                mark.bind(format!("{name}@sealpost.example")).execute(tx.connection()).await?;
            }
            Ok(())
        })
    });
    write.await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_stand_in_the_way_of_is_done_again_and_once() {
    let Some((server, served)) = begin("what_others_stand_in_the_way_of_is_done_again_and_once").await else {
        return;
    };
    for (round, (isolation, people, meets, told)) in [
        ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", ["bob", "alice"], 1, "deadlock detected"),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            ["alice", "bob"],
            0,
            "could not serialize access",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let meeting = (meets, &Arc::new(Barrier::new(2)));
        let (one, two) = tokio::join!(
            mark(&served, isolation, ["alice", "bob"], meeting),
            mark(&served, isolation, people, meeting)
        );
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        assert!(server.log().contains(told), "they met");
        let mut connection = served.fixture.relay.store.read().await.unwrap();
        for name in ["alice", "bob"] {
            let address = format!("{name}@sealpost.example");
            let account = store::account_by_address(&mut connection, &address).await.unwrap().unwrap();
            assert_eq!(account.name.matches('x').count(), 2 * (round + 1), "{}", account.name);
        }
    }
}

#[tokio::test]
async fn what_others_always_stand_in_the_way_of_is_put_off() {
    let Some((_server, served)) = begin("what_others_always_stand_in_the_way_of_is_put_off").await else {
        return;
    };
    for heeds_it in [true, false] {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let write = served.fixture.relay.store.write(move |tx| {
            Box::pin(async move {
                counted.fetch_add(1, Ordering::Relaxed);
                let stopped =
                    sql::script(tx.connection(), "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$").await;
                if heeds_it { Ok::<_, StoreError>(stopped?) } else { Ok(()) }
            })
        });
        let error = write.await.unwrap_err();
        assert!(store::is_passing(&error), "{error}");
        assert!((2..100).contains(&tries.load(Ordering::Relaxed)), "{tries:?}");
    }
    let other = served.fixture.relay.store.write(|tx| Box::pin(async move { tx.now().await }));
    other.await.unwrap();
}

/// Two mailboxes with the same letters in both accounts.
async fn filled(person: &Person, letters: &[Vec<u8>]) -> [String; 2] {
    let create = json!({"0": {"name": "A"}, "1": {"name": "B"}});
    let made = person.call("Mailbox/set", json!({"create": create})).await;
    let mailboxes = ["0", "1"].map(|key| made["created"][key]["id"].as_str().unwrap().to_owned());
    let mut emails = Map::new();
    for (number, letter) in letters.iter().enumerate() {
        let blob = person.upload(letter.clone()).await;
        let mailbox = &mailboxes[number % 2];
        emails.insert(format!("k{number}"), json!({"blobId": blob, "mailboxIds": {mailbox: true}}));
    }
    let answer = person.call("Email/import", json!({"emails": emails})).await;
    assert!(answer["notCreated"].is_null(), "{answer}");
    mailboxes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_empty_mailboxes_of_the_same_letters_do_not_wait_for_each_other_in_a_circle() {
    let test = "people_who_empty_mailboxes_of_the_same_letters_do_not_wait_for_each_other_in_a_circle";
    let Some((server, served)) = begin(test).await else { return };
    let letter = |number| {
        sealed_letter("a@b.example", "x@y.example", &format!("Message-ID: <{number}@conflicts.example>\r\n"))
    };
    let letters: Vec<Vec<u8>> = (0..80).map(letter).collect();
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let (of_alice, of_bob) = (filled(&alice, &letters).await, filled(&bob, &letters).await);
    // Bob has in his first mailbox what alice has in her second.
    let swap = |number: usize| 1 - number % 2;
    let moves = emails(&bob).await.into_iter().map(|(id, number)| {
        let mailbox = &of_bob[swap(number)];
        (id, json!({"mailboxIds": {mailbox: true}}))
    });
    let moved = bob.call("Email/set", json!({"update": moves.collect::<Map<_, _>>()})).await;
    assert!(moved["notUpdated"].is_null(), "{moved}");
    let empty = async |person: &Person, ids: &[String; 2]| {
        let destroy = json!({"destroy": ids, "onDestroyRemoveEmails": true});
        let answer = person.call("Mailbox/set", destroy).await;
        assert_eq!(answer["destroyed"].as_array().map(Vec::len), Some(2), "{answer}");
    };
    tokio::join!(empty(&alice, &of_alice), empty(&bob, &of_bob));
    assert!(!server.log().contains("deadlock detected"), "{}", server.log());
}

/// The emails of a person and their numbers.
async fn emails(person: &Person) -> Vec<(String, usize)> {
    let ids = person.call("Email/query", json!({"limit": 100})).await["ids"].clone();
    let get = json!({"ids": ids, "properties": ["messageId"]});
    let list = person.call("Email/get", get).await["list"].clone();
    let number = |email: &Value| email["messageId"][0].as_str()?.split('@').next()?.parse().ok();
    let list = list.as_array().unwrap().iter();
    list.map(|email| (email["id"].as_str().unwrap().to_owned(), number(email).unwrap())).collect()
}
