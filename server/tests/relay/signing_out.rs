//! What an operator ends from the command line, while the relay serves and people listen.

use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use sealpost::session::{SignInError, sign_in};
use sealpost::store::{self, StoreError, sql};
use tower::ServiceExt;

use crate::operator::{ill, well};
use crate::push::Events;
use crate::support::{Fixture, PASSWORD, Person, Served, eventually, on_postgres, skip};
use crate::websocket::app_password_of;

const ALICE: &str = "alice@sealpost.example";
const ALL: &str = "types=*&closeafter=no&ping=0";

async fn is_signed_in(person: &Person) -> bool {
    person.get("/.well-known/jmap").await.0 == StatusCode::OK
}

async fn signs_in(fixture: &Fixture, password: &str) -> bool {
    match sign_in(&fixture.relay, ALICE, password.to_owned(), None).await {
        Ok(_) => true,
        Err(SignInError::Wrong) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Reads to the end, which comes only when the stream is ended.
async fn ends(mut events: Events) {
    while events.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_for_the_page_ends_what_the_one_before_began() {
    let served = Served::start(&["alice", "bob"], |_| ()).await;
    let (fixture, folder) = (&served.fixture, &served.fixture.folder);
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let events = Events::open(&alice, ALL, None).await;
    let said = well(folder, &["account", "page-password", ALICE]);
    let drawn = said.trim();
    assert_eq!(drawn.len(), 24, "{said}");
    ends(events).await;
    assert!(!is_signed_in(&alice).await && is_signed_in(&bob).await);
    assert!(!signs_in(fixture, PASSWORD).await && signs_in(fixture, drawn).await);

    let path = folder.path().join("password");
    std::fs::write(&path, "of a file\nand more\n").unwrap();
    let file = path.display().to_string();
    assert_eq!(well(folder, &["account", "page-password", ALICE, "--password-file", &file]), "");
    assert!(!signs_in(fixture, drawn).await && signs_in(fixture, "of a file").await);

    let config = folder.path().join("operator.toml").display().to_string();
    let arguments = ["account", "page-password", ALICE, "--password-file", "-", "--config", &config];
    let mut program = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    let mut child = program.args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"said to it\n").unwrap();
    assert!(child.wait().unwrap().success(), "a line is enough");
    drop(stdin);
    assert!(!signs_in(fixture, "of a file").await && signs_in(fixture, "said to it").await);

    let change = ["account", "page-password", ALICE, "--password-file", &file];
    for (text, why) in [("\nmore".to_owned(), "is empty"), ("x".repeat(1025), "longer than 1024 octets")] {
        std::fs::write(&path, text).unwrap();
        assert!(ill(folder, &change).contains(why), "{why}");
    }
    assert!(signs_in(fixture, "said to it").await);
    let longest = "\u{e9}".repeat(512);
    std::fs::write(&path, format!("\u{feff}{longest}\r\nmore")).unwrap();
    well(folder, &change);
    assert!(signs_in(fixture, &longest).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_signs_somebody_out_everywhere() {
    let served = Served::start(&["alice", "bob"], |_| ()).await;
    let (fixture, folder) = (&served.fixture, &served.fixture.folder);
    let (one, two) = (fixture.sign_in("alice").await, fixture.sign_in("alice").await);
    let bob = fixture.sign_in("bob").await;
    let streams = [Events::open(&one, ALL, None).await, Events::open(&two, ALL, None).await];
    assert_eq!(well(folder, &["account", "sign-out", ALICE]), "2\n");
    for events in streams {
        ends(events).await;
    }
    assert!(!is_signed_in(&one).await && !is_signed_in(&two).await && is_signed_in(&bob).await);
    assert_eq!(well(folder, &["account", "sign-out", ALICE]), "0\n");
    assert!(signs_in(fixture, PASSWORD).await, "the password is the same");
    assert!(ill(folder, &["account", "sign-out", "nobody@sealpost.example"]).contains("no such account"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_of_a_revoked_app_password_end() {
    let served = Served::start(&["alice"], |_| ()).await;
    let (fixture, folder) = (&served.fixture, &served.fixture.folder);
    let alice = fixture.sign_in("alice").await;
    let password = app_password_of(&fixture.relay, &alice.account).await;
    let request = Request::get(format!("/jmap/eventsource?{ALL}"))
        .header(header::AUTHORIZATION, format!("Bearer {password}"))
        .body(Body::empty())
        .unwrap();
    let events = Events::of(fixture.router.clone().oneshot(request).await.unwrap());
    let listed = well(folder, &["account", "passwords", ALICE]);
    well(folder, &["account", "revoke", ALICE, &listed[..8]]);
    ends(events).await;
    assert!(is_signed_in(&alice).await);
}

#[tokio::test]
async fn who_signs_in_while_the_password_is_changed_gets_no_session_by_the_old_one() {
    let fixture = Fixture::start().await;
    let mut connection = fixture.relay.store.read().await.unwrap();
    let before = store::account_by_address(&mut connection, ALICE).await.unwrap().unwrap();
    drop(connection);
    sealpost::session::change_password(&fixture.relay, before.id.clone(), "another".into()).await.unwrap();
    let now = store::Account { password: "another".into(), ..before.clone() };
    for (account, is_taken) in [(before, false), (now, true)] {
        let add = fixture.relay.store.write(move |tx| {
            Box::pin(async move { store::add_session(tx, "hash", &account, i64::MAX).await })
        });
        assert_eq!(add.await.map_err(|error: StoreError| error).unwrap(), is_taken);
    }
}

/// Has alice's account sessions of these hashes, which have expired.
async fn expired(fixture: &Fixture, hashes: &'static [&str]) {
    let add = fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            let account = store::account_by_address(tx.connection(), ALICE).await?.unwrap();
            for hash in hashes {
                assert!(store::add_session(tx, hash, &account, 1).await?);
            }
            Ok::<_, StoreError>(())
        })
    });
    add.await.unwrap();
}

#[tokio::test]
async fn expired_sessions_are_forgotten() {
    let served = Served::start(&["alice"], |_| ()).await;
    expired(&served.fixture, &["one", "two"]).await;
    let served = Served::open(served.stop().await, |_| ()).await;
    eventually(|| async {
        let mut connection = served.fixture.relay.store.read().await.unwrap();
        let row = sql::query("SELECT COUNT(*) FROM sessions").fetch_one(&mut connection).await.unwrap();
        (row.try_get::<i64>(0).unwrap() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_who_signs_in_waits_for_expired_sessions() {
    if on_postgres().is_none() {
        return skip("nobody_who_signs_in_waits_for_expired_sessions", "SQLite has one writer");
    }
    let fixture = Fixture::start().await;
    expired(&fixture, &["one"]).await;
    let mut other = fixture.relay.store.writing().await.unwrap();
    sql::query("DELETE FROM sessions").execute(&mut other).await.unwrap();
    assert!(signs_in(&fixture, PASSWORD).await);
    store::end_writing(&mut other, true).await.unwrap();
}
