//! A PostgreSQL that says nothing any more while its connections stay: nobody waits for it for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sealpost::store::sql::{self, SqlError, Text};
use sealpost::store::{self, StoreError};
use serde_json::json;

use crate::push::Events;
use crate::support::{
    Client, Fixture, Folder, Forwarder, Person, Postgres, Served, clear_letter, eventually, on_postgres, skip,
};

const ALICE: &str = "alice@sealpost.example";
/// Longer than anybody is to wait, also on a machine that has much to do.
const LONG: Duration = Duration::from_secs(90);

/// A relay with alice whose PostgreSQL can fall silent, and another one that reaches it otherwise.
async fn begin(test: &str) -> Option<(Forwarder, Postgres, Served, Served)> {
    let Some(server) = on_postgres() else {
        skip(test, "SQLite has no server");
        return None;
    };
    let own = Postgres::start(server.programs_folder().to_owned(), "-c fsync=off");
    let forwarder = Forwarder::to(own.port()).await;
    let folder = Arc::new(Folder::through(&forwarder, &own));
    let one = Served::start_in(Arc::clone(&folder), &["alice"]).await;
    let direct = own.url("own");
    let two = Served::open(folder, |config| config.database = Some(direct.try_into().unwrap())).await;
    Some((forwarder, own, one, two))
}

/// Waits until `/readyz` answers with a status.
async fn until(person: &Person, status: StatusCode) {
    let began = Instant::now();
    while person.get("/readyz").await.0 != status {
        assert!(began.elapsed() < LONG, "it does not come to be {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn letter(number: usize) -> Vec<u8> {
    clear_letter("a@b.example", ALICE, &format!("Message-ID: <{number}@silence.example>\r\n"), "hello")
}

/// Delivers until a letter is taken.
async fn take(served: &Served, numbers: &mut impl Iterator<Item = usize>) -> usize {
    let began = Instant::now();
    loop {
        let number = numbers.next().unwrap();
        let mut client = Client::greeted(served.running.smtp).await;
        client.say("MAIL FROM:<sender@elsewhere.example>\r\n").await;
        if client.say(format!("RCPT TO:<{ALICE}>\r\n")).await.starts_with("250") {
            client.say("DATA\r\n").await;
            client.write(letter(number)).await;
            if client.say(".\r\n").await.starts_with("250") {
                return number;
            }
        }
        assert!(began.elapsed() < LONG, "no letter is taken");
    }
}

/// What is under way when the server falls silent is put off, and everything goes on afterwards.
async fn falls_silent(test: &str, recover: impl FnOnce(&Forwarder)) {
    let Some((forwarder, _own, one, two)) = begin(test).await else { return };
    let alice = one.fixture.sign_in("alice").await;
    let mut numbers = 0..;
    let mut taken = vec![take(&one, &mut numbers).await];
    let mut client = Client::greeted(one.running.smtp).await;
    let recipient = format!("RCPT TO:<{ALICE}>");
    let lines = [("MAIL FROM:<sender@elsewhere.example>", "250"), (&*recipient, "250"), ("DATA", "354")];
    client.transcript(&lines).await;
    forwarder.fall_silent();
    client.write(letter(numbers.next().unwrap())).await;
    client.write(".\r\n").await;
    let write = one.fixture.relay.store.write(|tx| Box::pin(async move { tx.now().await }));
    let asked = async {
        let unready = until(&alice, StatusCode::SERVICE_UNAVAILABLE);
        tokio::join!(client.reply_within(LONG), alice.get("/.well-known/jmap"), write, unready)
    };
    let answers = tokio::time::timeout(LONG, asked).await.expect("nobody waits for ever");
    let (reply, (status, _), written, ()): (_, _, Result<_, StoreError>, _) = answers;
    assert!(reply.starts_with("451"), "{reply}");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(written.is_err());
    recover(&forwarder);
    until(&alice, StatusCode::OK).await;
    taken.push(take(&one, &mut numbers).await);
    hears_others(&alice, &two, &mut numbers, &mut taken).await;
    let get = json!({"ids": alice.emails_in("inbox").await, "properties": ["messageId"]});
    let list = alice.call("Email/get", get).await["list"].clone();
    let found: Vec<&str> =
        list.as_array().unwrap().iter().map(|email| email["messageId"][0].as_str().unwrap()).collect();
    for number in taken {
        let name = format!("{number}@silence.example");
        assert_eq!(found.iter().filter(|id| **id == name).count(), 1, "{name} was taken: {found:?}");
    }
}

/// What another relay takes is heard, through the server.
async fn hears_others(
    alice: &Person,
    other: &Served,
    numbers: &mut impl Iterator<Item = usize>,
    taken: &mut Vec<usize>,
) {
    let began = Instant::now();
    let mut events = Events::open(alice, "types=Email&closeafter=no&ping=0", None).await;
    loop {
        taken.push(take(other, numbers).await);
        let state = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
        let heard = tokio::time::timeout(Duration::from_secs(5), events.state()).await;
        match heard {
            Ok(Some((change, _))) if change["changed"][&alice.account]["Email"] == state => return,
            Ok(None) => events = Events::open(alice, "types=Email&closeafter=no&ping=0", None).await,
            _ => {}
        }
        assert!(began.elapsed() < LONG, "what another relay told was not heard");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_silent_for_a_while_holds_nobody_up_for_ever() {
    falls_silent("a_database_that_is_silent_for_a_while_holds_nobody_up_for_ever", Forwarder::go_on).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_stay_silent_are_replaced() {
    falls_silent("connections_that_stay_silent_are_replaced", Forwarder::begin_anew).await;
}

/// Marks alice, does something else in the same transaction, and ends it.
async fn mark<F>(
    served: &Served,
    meanwhile: impl FnOnce() -> F + Clone + Send + 'static,
) -> Result<(), StoreError>
where
    F: Future<Output = &'static str> + Send,
{
    let write = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            let mark = sql::query("UPDATE accounts SET name = name || 'x' WHERE address = $1").bind(ALICE);
            mark.execute(tx.connection()).await?;
            let rest = meanwhile().await;
            sql::query(rest).fetch_one(tx.connection()).await?;
            Ok(())
        })
    });
    tokio::time::timeout(LONG, write).await.expect("nobody waits for ever")
}

/// How often alice is marked.
async fn marks(served: &Served) -> usize {
    let mut connection = served.fixture.relay.store.read().await.unwrap();
    let account = store::account_by_address(&mut connection, ALICE).await.unwrap().unwrap();
    account.name.matches('x').count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_waited_for() {
    let Some((_forwarder, _own, one, _two)) = begin("what_takes_long_is_waited_for").await else { return };
    mark(&one, || async { "SELECT CAST(pg_sleep(14) AS TEXT)" }).await.unwrap();
    assert_eq!(marks(&one).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_stops_halfway_is_given_up() {
    let test = "an_answer_that_stops_halfway_is_given_up";
    let Some((forwarder, _own, one, _two)) = begin(test).await else { return };
    let mut connection = one.fixture.relay.store.snapshot().await.unwrap();
    // More than the sockets on the way hold, and slowly.
    let large = "SELECT repeat('x', 1000000) FROM generate_series(1, 500) WHERE pg_sleep(0.01) IS NOT NULL";
    let asked = async { sql::query(large).fetch_all(&mut connection).await.map(|rows| rows.len()) };
    let stops = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        forwarder.fall_silent();
        forwarder.begin_anew();
    };
    let (answer, ()) = tokio::join!(tokio::time::timeout(LONG, asked), stops);
    assert!(matches!(answer, Ok(Err(SqlError::Lost))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_neither_acknowledged_nor_made_again() {
    let test = "a_commit_whose_answer_is_lost_is_neither_acknowledged_nor_made_again";
    let Some((forwarder, _own, one, two)) = begin(test).await else { return };
    let forwarder = Arc::new(forwarder);
    let way = Arc::clone(&forwarder);
    let write = one.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            let mark = sql::query("UPDATE accounts SET name = name || 'x' WHERE address = $1").bind(ALICE);
            mark.execute(tx.connection()).await?;
            way.lose_answers();
            way.begin_anew();
            Ok::<_, StoreError>(())
        })
    });
    let error = tokio::time::timeout(LONG, write).await.expect("nobody waits for ever").unwrap_err();
    assert!(store::is_passing(&error), "{error}");
    assert_eq!(marks(&two).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_connection_had_locked_is_free_soon() {
    let test = "what_a_lost_connection_had_locked_is_free_soon";
    let Some((forwarder, _own, one, two)) = begin(test).await else { return };
    let forwarder = Arc::new(forwarder);
    let way = Arc::clone(&forwarder);
    let falls_silent = move || async move {
        way.fall_silent();
        way.begin_anew();
        "SELECT 1"
    };
    assert!(mark(&one, falls_silent).await.is_err());
    // Nobody waits for a lock for more than half a minute.
    mark(&two, || async { "SELECT 1" }).await.unwrap();
    assert_eq!(marks(&two).await, 1);
}

#[tokio::test]
async fn a_connection_whose_asker_went_away_is_used_again() {
    if on_postgres().is_none() {
        return skip("a_connection_whose_asker_went_away_is_used_again", "SQLite is asked on a thread");
    }
    let fixture = Fixture::start().await;
    let mut reading = fixture.relay.store.read().await.unwrap();
    let long = sql::query(Text::from("SELECT CAST(pg_sleep(60) AS TEXT)")).fetch_one(&mut reading);
    assert!(tokio::time::timeout(Duration::from_millis(500), long).await.is_err());
    drop(reading);
    assert_eq!(fixture.relay.store.readers(), (1, 0));
    // The server gives the statement up.
    eventually(async || (fixture.relay.store.readers() == (1, 1)).then_some(())).await;
    let mut reading = fixture.relay.store.read().await.unwrap();
    sql::query("SELECT 1").fetch_one(&mut reading).await.unwrap();
}
