//! Writers of one PostgreSQL that stand in each other's way: nobody sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sealpost::store::{self, StoreError, sql};

use crate::support::{Folder, Postgres, Served, on_postgres, skip};

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

/// Marks two people, one after the other.
async fn mark(served: &Served, isolation: &'static str, people: [&'static str; 2]) -> Result<(), StoreError> {
    let write = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            sql::query(isolation).execute(tx.connection()).await?;
            // From here on it reads what was there now.
            sql::query("SELECT COUNT(*) FROM accounts").fetch_one(tx.connection()).await?;
            for name in people {
                tokio::time::sleep(Duration::from_millis(500)).await;
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
    for (round, (isolation, people, told)) in [
        ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", ["bob", "alice"], "deadlock detected"),
        ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", ["alice", "bob"], "could not serialize access"),
    ]
    .into_iter()
    .enumerate()
    {
        let (one, two) =
            tokio::join!(mark(&served, isolation, ["alice", "bob"]), mark(&served, isolation, people));
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
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let write = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            counted.fetch_add(1, Ordering::Relaxed);
            sql::script(tx.connection(), "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$").await?;
            Ok::<_, StoreError>(())
        })
    });
    let error = write.await.unwrap_err();
    assert!(store::is_passing(&error), "{error}");
    assert!((2..100).contains(&tries.load(Ordering::Relaxed)), "{tries:?}");
    let other = served.fixture.relay.store.write(|tx| Box::pin(async move { tx.now().await }));
    other.await.unwrap();
}
