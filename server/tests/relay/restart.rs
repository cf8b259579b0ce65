use std::sync::Arc;

use sealpost::check;
use sealpost::progress::Progress;
use sealpost::store::sql;
use sealpost::store::{self, MigrateError};
use serde_json::json;

use crate::support::{Client, Folder, Served, clear_letter, config, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

#[tokio::test]
async fn a_second_start_finds_everything_again() {
    let served = Served::start(&["alice"], |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let mut client = Client::greeted(served.running.smtp).await;
    client.deliver(&[ALICE], &clear_letter("a@b.example", ALICE, "", "hello")).await;
    alice.call("Vault/set", json!({"ifInState": "0", "blob": "c2VhbGVk"})).await;
    let before = alice.get("/.well-known/jmap").await.1;
    let emails = alice.call("Email/get", json!({"ids": alice.emails_in("inbox").await})).await;
    let cookie = alice.cookie.clone();

    let served = Served::open(served.stop().await, |_| ()).await;
    let mut alice = served.fixture.sign_in("alice").await;
    alice.cookie = cookie;
    let mut after = alice.get("/.well-known/jmap").await.1;
    // It is told with the port, which is another.
    after["capabilities"][jmap::WEBSOCKET] = before["capabilities"][jmap::WEBSOCKET].clone();
    for kept in ["accounts", "capabilities", "state"] {
        assert_eq!(after[kept], before[kept], "the session, the account and the anchors hold");
    }
    let again = alice.call("Email/get", json!({"ids": alice.emails_in("inbox").await})).await;
    assert_eq!(again, emails);
    assert_eq!(alice.call("Vault/get", json!({})).await["blob"], "c2VhbGVk");
}

#[tokio::test]
async fn the_demo_people_are_made_once() {
    let demo = |config: &mut sealpost::config::Config| config.demo = true;
    let served = Served::open(Arc::new(Folder::new()), demo).await;
    let served = Served::open(served.stop().await, demo).await;
    let mut connection = served.fixture.relay.store.read().await.unwrap();
    assert_eq!(sealpost::store::accounts(&mut connection).await.unwrap(), 3);
    let office =
        sealpost::store::account_by_address(&mut connection, "registry@sealpost.example").await.unwrap();
    assert_eq!(office.unwrap().name, "Civil Registry 民政登记处");
}

#[tokio::test]
async fn a_newer_database_is_refused_by_name() {
    let folder = Arc::new(Folder::new());
    let served = Served::open(Arc::clone(&folder), |_| ()).await;
    let newer = served.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("UPDATE schema_version SET version = 99").execute(tx.connection()).await?;
            Ok::<_, store::StoreError>(())
        })
    });
    newer.await.unwrap();
    served.stop().await;
    let error = sealpost::serve::start(config(&folder)).await.unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("newer release"), "{error}");
}

#[tokio::test]
async fn the_way_forward_and_the_way_back_give_the_tables_of_their_version() {
    let folder = Arc::new(Folder::new());
    let served = Served::start_in(Arc::clone(&folder), &["alice"]).await;
    let alice = served.fixture.sign_in("alice").await;
    let letter = sealed_letter("alice@sealpost.example", "alice@sealpost.example", "");
    let email = alice.import(letter, "inbox", json!({})).await;
    let wanted = json!({"ids": [email], "properties": ["subject", "blobId"]});
    let before = alice.call("Email/get", wanted.clone()).await["list"].clone();
    served.stop().await;
    let config = config(&folder);
    let go = |to, dry| store::migrate(&config.data, config.database.as_ref(), to, dry);
    let newest = store::newest();
    for version in (1..=newest).rev().chain(1..=newest) {
        let tried = go(1, true).await.unwrap();
        let moved = go(version, false).await.unwrap();
        assert_eq!((tried.to, moved.from), (1, tried.from), "a dry run changes nothing");
    }
    assert!(matches!(go(newest + 1, false).await, Err(MigrateError::Unknown { .. })));
    let served = Served::open(folder, |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let after = alice.call("Email/get", wanted).await["list"].clone();
    assert!(before[0]["subject"].is_string() && after == before, "{before} {after}");
    assert!(check::check(&served.fixture.relay, false, &Progress::silent()).await.unwrap().is_clean());
}

#[cfg(unix)]
#[tokio::test]
async fn keys_on_disk_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let served = Served::start(&[], |_| ()).await;
    let data = served.fixture.folder.path().join("data");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for name in ["root", "issuer", "timestamp"] {
        assert_eq!(mode(&data.join(format!("authority/{name}.key"))), 0o600, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_folder_is_closed_to_others_also_when_it_was_there() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Arc::new(Folder::new());
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let served = Served::open(Arc::clone(&folder), |_| ()).await;
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    served.stop().await;
}
