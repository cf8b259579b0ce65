//! Large letters, and the collecting of bytes that nobody holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sealpost::blobs::BlobError;
use sealpost::delivery::{self, DeliverError};
use sealpost::relay::Relay;
use sealpost::store::{self, Account, Hold, StoreError, account_by_address, sql};
use serde_json::json;

use crate::strangers::public;
use crate::support::{Fixture, Folder, Served, clear_letter, eventually, sealed_letter};

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
            Box::pin(async move { store::put_blob(tx, &alice, prepared.blob(), Hold::Email).await })
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
    assert_eq!(relay.blobs.read_any(&relay.store, &id).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_small_blob_does_not_believe_a_file_that_nobody_holds() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let alice = account(relay, ALICE).await.id;
    let bytes = b"small".to_vec();
    let prepared = relay.blobs.prepare(&relay.store, bytes.clone()).await.unwrap();
    let (holder, id) = (alice.clone(), prepared.blob().id.clone());
    let keep = relay.store.write(move |tx| {
        Box::pin(async move {
            store::adopt_blob(tx, &prepared.blob().id).await?;
            store::put_blob(tx, &holder, prepared.blob(), Hold::Email).await
        })
    });
    let kept: Result<(), StoreError> = keep.await;
    kept.unwrap();
    assert_eq!(relay.blobs.size(&relay.store, (&alice, &alice), &id).await.unwrap(), bytes.len());
    assert_eq!(relay.blobs.read_any(&relay.store, &id).await.unwrap(), bytes);
}

#[tokio::test]
async fn bytes_whose_file_is_being_removed_cannot_be_held() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let alice = account(relay, ALICE).await.id;
    let bytes = vec![1; 100_000];
    let prepared = relay.blobs.prepare(&relay.store, bytes.clone()).await.unwrap();
    let id = prepared.blob().id.clone();
    let begin =
        relay.store.write(move |tx| Box::pin(async move { store::collect_blob(tx, &id, i64::MAX).await }));
    let going: Result<Option<i64>, StoreError> = begin.await;
    assert!(going.unwrap().is_some());
    let hold = relay.store.write(move |tx| {
        Box::pin(async move { store::put_blob(tx, &alice, prepared.blob(), Hold::Email).await })
    });
    assert!(matches!(hold.await, Err(StoreError::BlobGone)));
    let again = relay.blobs.prepare(&relay.store, bytes.clone()).await;
    assert!(matches!(again, Err(BlobError::Store(StoreError::BlobGone))), "{again:?}");
    // Whoever began it died; the next sweep ends it.
    collect(relay).await;
    relay.blobs.prepare(&relay.store, bytes).await.unwrap();
}

#[tokio::test]
async fn who_removes_a_file_so_slowly_that_it_was_written_anew_leaves_it() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let bytes = vec![1; 100_000];
    let id = relay.blobs.prepare(&relay.store, bytes.clone()).await.unwrap().blob().id.clone();
    let still_going = async |mark: i64| {
        let id = id.clone();
        let going =
            relay.store.write(move |tx| Box::pin(async move { store::still_going(tx, &id, mark).await }));
        going.await.map_err(|error: StoreError| error).unwrap()
    };
    let blob = id.clone();
    let began =
        relay.store.write(move |tx| Box::pin(async move { store::collect_blob(tx, &blob, i64::MAX).await }));
    let mark = began.await.map_err(|error: StoreError| error).unwrap().unwrap();
    // The machine stands still for ten minutes.
    let long_ago = mark - 10 * 60 * 1000;
    let since = async |mark: i64| {
        let id = id.clone();
        let earlier = relay.store.write(move |tx| {
            Box::pin(async move {
                let text = sql::query("UPDATE blobs SET idle_since = $1 WHERE id = $2");
                text.bind(mark).bind(id.as_str()).execute(tx.connection()).await?;
                Ok::<_, StoreError>(())
            })
        });
        earlier.await.unwrap();
    };
    since(long_ago).await;
    assert!(still_going(long_ago).await, "nobody came");
    assert!(!still_going(long_ago).await, "the mark is a new one");
    since(long_ago).await;
    relay.blobs.prepare(&relay.store, bytes).await.unwrap();
    assert!(!still_going(long_ago).await, "somebody wrote it anew");
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_holds_up_no_other() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let mut paths = Vec::new();
    for bytes in [vec![1; 100_000], vec![2; 100_000]] {
        let id = relay.blobs.prepare(&relay.store, bytes).await.unwrap().blob().id.to_string();
        paths.push(fixture.folder.path().join(format!("data/blobs/{}/{}/{id}", &id[1..3], &id[3..5])));
        // Or it would not be known which of them comes first.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::remove_file(&paths[0]).unwrap();
    std::fs::create_dir(&paths[0]).unwrap();
    std::fs::write(paths[0].join("x"), "x").unwrap();
    collect(relay).await;
    assert!(paths[0].exists() && !paths[1].exists());
}

#[tokio::test]
async fn a_stray_file_that_somebody_began_to_keep_stays() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let alice = account(relay, ALICE).await.id;
    let files = fixture.folder.path().join("data/blobs");
    let mut strays = Vec::new();
    for bytes in [vec![1; 100_000], vec![2; 100_000]] {
        let id = sealpost::blobs::id(&bytes).to_string();
        let path = format!("{}/{}/{id}", &id[1..3], &id[3..5]);
        std::fs::create_dir_all(files.join(&path).parent().unwrap()).unwrap();
        std::fs::write(files.join(&path), &bytes).unwrap();
        strays.push((path, bytes));
    }
    let kept = strays[0].1.clone();
    let prepared = relay.blobs.prepare(&relay.store, kept.clone()).await.unwrap();
    for (path, _) in &strays {
        relay.blobs.remove_stray(&relay.store, path).await.unwrap();
    }
    let (holder, id) = (alice.clone(), prepared.blob().id.clone());
    let hold = relay.store.write(move |tx| {
        Box::pin(async move { store::put_blob(tx, &holder, prepared.blob(), Hold::Email).await })
    });
    let held: Result<(), StoreError> = hold.await;
    held.unwrap();
    assert_eq!(relay.blobs.read_any(&relay.store, &id).await.unwrap(), kept);
    assert!(!files.join(&strays[1].0).exists());
}

#[tokio::test]
async fn what_is_asked_of_a_blob_many_times_is_done_once_and_much_is_refused() {
    let fixture = Fixture::start().await;
    let office = public(&fixture, "office").await;
    // Done as often as it is asked, this would take an hour.
    let blob = office.upload(vec![b'x'; 4_000_000]).await;
    let digests = vec!["digest:sha-256"; 190_000];
    let asked = office.call("Blob/get", json!({"ids": [blob], "properties": digests}));
    let got = tokio::time::timeout(std::time::Duration::from_secs(180), asked).await.unwrap();
    assert!(got["list"][0]["digest:sha-256"].is_string(), "{got}");
    let piece = json!({"blobId": blob, "offset": 0, "length": 1});
    let uploads: serde_json::Map<_, _> =
        (0..1000).map(|n| (format!("k{n}"), json!({"data": vec![piece.clone(); 10]}))).collect();
    let made = office.call("Blob/upload", json!({"create": uploads})).await;
    assert_eq!(made["notCreated"]["k999"]["type"], "tooLarge", "{}", made["notCreated"]["k999"]);
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

#[tokio::test]
async fn a_letter_that_could_not_be_created_leaves_no_bytes_behind() {
    let fixture = Fixture::start().await;
    let (relay, office) = (&fixture.relay, public(&fixture, "office").await);
    let create = |mailbox: &str| {
        json!({"create": {"e": {
            "mailboxIds": {mailbox: true},
            "from": [{"email": "office@sealpost.example"}],
            "textBody": [{"partId": "1", "type": "text/plain"}],
            "bodyValues": {"1": {"value": "word ".repeat(40_000)}},
        }}})
    };
    let refused = office.call("Email/set", create("m0")).await;
    assert_eq!(refused["notCreated"]["e"]["type"], "invalidProperties", "{refused}");
    let (kept, place) = (office.mailbox("drafts").await, fixture.folder.path().join("data/blobs"));
    assert_eq!(files(&place).len(), 1, "the bytes were written before the creation failed");
    relay.blobs.sweep(&relay.store).await.unwrap();
    assert_eq!(files(&place).len(), 1, "within the hour somebody may be about to hold them");
    collect(relay).await;
    assert_eq!(files(&place).len(), 0);
    let made = office.call("Email/set", create(&kept)).await;
    collect(relay).await;
    assert!(office.message(made["created"]["e"]["id"].as_str().unwrap()).await.len() > 200_000);
}

#[tokio::test]
async fn what_an_upload_left_that_broke_off_is_swept_after_an_hour() {
    let folder = Arc::new(Folder::new());
    let incoming = folder.path().join("data/blobs/incoming");
    std::fs::create_dir_all(&incoming).unwrap();
    for (name, minutes) in [("i1#1", 61), ("i2", 61), ("i3#1", 50)] {
        let file = std::fs::File::create(incoming.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(minutes * 60)).unwrap();
    }
    let served = Served::start_in(folder, &["alice"]).await;
    eventually(async || (files(&incoming).len() == 1).then_some(())).await;
    assert!(incoming.join("i3#1").exists(), "it may be going on");
    served.stop().await;
}

#[tokio::test]
async fn a_whole_upload_goes_with_whoever_waited_for_it() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let place = fixture.folder.path().join("data/blobs/incoming");
    let mut incoming = relay.blobs.incoming();
    incoming.write(&vec![7; 3_000_000]).await.unwrap();
    assert_eq!(files(&place).len(), 1);
    let mut finishing = Box::pin(incoming.finish(&relay.store));
    assert!(futures::poll!(&mut finishing).is_pending());
    // As when somebody hangs up.
    drop(finishing);
    eventually(async || files(&place).is_empty().then_some(())).await;
}

/// All files in a folder and those within it.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn files_that_went_while_a_copy_is_made_stay_for_it() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let hour = 60 * 60 * 1000;
    let at = sealpost::clock::now();
    let mut ids = Vec::new();
    // Nobody's since before the copy began, and since it did; for longer than orphans stay.
    for (byte, since) in [(1, at - 5 * hour), (2, at - 3 * hour)] {
        let prepared = relay.blobs.prepare(&relay.store, vec![byte; 100_000]).await.unwrap();
        let id = prepared.blob().id.clone();
        let name = id.to_string();
        let age = relay.store.write(move |tx| {
            Box::pin(async move {
                let text = "UPDATE blobs SET idle_since = $2 WHERE id = $1";
                sql::query(text).bind(name).bind(since).execute(tx.connection()).await?;
                Ok::<_, StoreError>(())
            })
        });
        age.await.unwrap();
        ids.push(id);
    }
    relay.blobs.put_off(&relay.store, at - 4 * hour).await.unwrap();
    relay.blobs.sweep(&relay.store).await.unwrap();
    assert!(matches!(relay.blobs.read_any(&relay.store, &ids[0]).await, Err(BlobError::NotFound)));
    assert_eq!(relay.blobs.read_any(&relay.store, &ids[1]).await.unwrap(), vec![2; 100_000]);
}
