//! `sealpost check` finds each kind of damage, and mends what can be mended.

use sealpost::check::{Report, check};
use sealpost::progress::Progress;
use sealpost::relay::Relay;
use sealpost::store::StoreError;
use sealpost::store::sql;
use serde_json::json;

use crate::support::{Fixture, Person, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

async fn look(relay: &Relay, repair: bool) -> Report {
    check(relay, repair, &Progress::silent()).await.unwrap()
}

fn told(report: &Report) -> String {
    report.findings.iter().map(|(finding, mended)| format!("{finding} {mended}\n")).collect()
}

async fn damage(relay: &Relay, statement: &str) {
    let statement = statement.to_owned();
    let damage = relay.store.write(move |tx| {
        Box::pin(async move {
            sql::script(tx.connection(), sql::Text::of_constants(statement)).await?;
            Ok::<_, StoreError>(())
        })
    });
    damage.await.unwrap();
}

/// Two people with mail read, unread, moved, destroyed, large, sent here and elsewhere.
async fn lived_in() -> (Fixture, Person) {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let thread = "Message-ID: <one@a>\r\n";
    let one = alice.import(sealed_letter(ALICE, BOB, thread), "inbox", json!({})).await;
    alice.import(sealed_letter(BOB, ALICE, "References: <one@a>\r\n"), "sent", json!({"$seen": true})).await;
    let large = format!("References: {}\r\n", "<x@y>".repeat(14_000));
    let letter = alice.import(sealed_letter(ALICE, BOB, &large), "drafts", json!({"$draft": true})).await;
    let gone = alice.import(sealed_letter(ALICE, BOB, ""), "inbox", json!({})).await;
    alice.upload(sealed_letter(ALICE, ALICE, "")).await;
    let archive = alice.mailbox("archive").await;
    alice
        .call("Email/set", json!({"update": {one: {"mailboxIds": {archive: true}}}, "destroy": [gone]}))
        .await;
    let to = [json!({"email": BOB}), json!({"email": "carol@elsewhere.example"})];
    let envelope = json!({"mailFrom": {"email": ALICE}, "rcptTo": to});
    let create = json!({"k": {"identityId": "self", "emailId": letter, "envelope": envelope}});
    let sent = alice.call("EmailSubmission/set", json!({"create": create})).await;
    assert!(sent["created"]["k"].is_object(), "{sent}");
    let later = alice.import(sealed_letter(ALICE, BOB, "References: <l@a>\r\n"), "drafts", json!({})).await;
    let envelope =
        json!({"mailFrom": {"email": ALICE, "parameters": {"HOLDFOR": "3600"}}, "rcptTo": [{"email": BOB}]});
    let create = json!({"h": {"identityId": "self", "emailId": later, "envelope": envelope}});
    let held = alice.call("EmailSubmission/set", json!({"create": create})).await;
    assert_eq!(held["created"]["h"]["undoStatus"], "pending", "{held}");
    (fixture, alice)
}

#[tokio::test]
async fn a_store_that_was_lived_in_is_clean() {
    let (fixture, _) = lived_in().await;
    let report = look(&fixture.relay, false).await;
    assert_eq!(told(&report), "");
    assert_eq!(report.accounts, 2);
    assert!(report.blobs >= 4, "{}", report.blobs);
}

#[tokio::test]
async fn each_fault_that_can_be_mended_is_found_and_mended() {
    let (fixture, alice) = lived_in().await;
    let relay = &fixture.relay;
    let stray = fixture.folder.path().join("data/blobs/half-written#1");
    for (statement, words) in [
        ("UPDATE mailboxes SET total_emails = 7 WHERE role = 'sent'", "counts 7/0 emails"),
        (
            "UPDATE mailboxes SET unread_threads = unread_threads + 1 WHERE role = 'inbox'",
            "threads, and there are",
        ),
        ("UPDATE mailboxes SET parent_id = 'm-none' WHERE role = 'trash'", "lies in one that is not there"),
        (
            "INSERT INTO mailbox_subscriptions (account_id, member_id, mailbox_id, is_subscribed, updated_state)
             SELECT id, id, 'm-none', 1, 0 FROM accounts",
            "somebody is subscribed to mailbox m-none",
        ),
        ("DELETE FROM threads", "thread"),
        ("UPDATE threads SET unread = 5", "counts 1/5 emails"),
        ("UPDATE thread_mailboxes SET emails = 9", "counts 9 emails in mailbox"),
        ("DELETE FROM thread_mailboxes", "counts 0 emails in mailbox"),
        ("DELETE FROM email_mailboxes", "lacks email"),
        ("UPDATE email_mailboxes SET received_at = 1", "which does not lie there"),
        ("UPDATE message_ids SET thread_id = 't-none'", "which does not have it"),
        ("UPDATE message_ids SET email_id = 'e-none' || email_id", "which does not have it"),
        ("UPDATE accounts SET used = used + 1", "octets are counted"),
        ("UPDATE accounts SET email_state = 1", "the state of Email is 1"),
        ("DELETE FROM account_blobs WHERE in_use = 1", "is not held"),
        ("UPDATE account_blobs SET in_use = 0", "is not held"),
        ("UPDATE account_blobs SET in_use = 1", "for an email that is not there"),
        ("UPDATE blobs SET refs = refs + 3", "holders are counted"),
        (
            "INSERT INTO blob_data (blob_id, data) SELECT 'b-none', data FROM blob_data LIMIT 1",
            "belong to nothing",
        ),
        ("UPDATE queue SET leased_by = 'p-none', leased_until = 1", "its process is gone"),
        ("UPDATE mailboxes SET role = NULL WHERE role = 'inbox'", "there is no inbox"),
        ("UPDATE emails SET size = size + 1", "has the size"),
        ("", "half-written#1: it belongs to nothing"),
    ] {
        damage(relay, statement).await;
        if statement.is_empty() {
            let file = std::fs::File::create(&stray).unwrap();
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(7200)).unwrap();
        }
        let found = look(relay, false).await;
        assert!(told(&found).contains(words) && !found.is_clean(), "{statement}: {}", told(&found));
        let mended = look(relay, true).await;
        assert!(mended.is_clean(), "{statement}: {}", told(&mended));
        assert_eq!(told(&look(relay, false).await), "", "{statement}");
    }
    assert!(!stray.exists());
    assert_eq!(alice.counts("archive").await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn what_is_lost_is_told_and_not_hidden_by_a_repair() {
    let (fixture, _) = lived_in().await;
    let relay = &fixture.relay;
    let files = fixture.folder.path().join("data/blobs");
    let file = first_file(&files).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let half = &whole[..whole.len() / 2];
    std::fs::write(&file, half).unwrap();
    for repair in [true, false] {
        let report = look(relay, repair).await;
        assert!(told(&report).contains("its bytes are damaged false"), "{}", told(&report));
    }
    std::fs::remove_file(&file).unwrap();
    assert!(told(&look(relay, true).await).contains("its bytes are missing false"));
    std::fs::write(&file, whole).unwrap();
    assert!(look(relay, false).await.is_clean());
    damage(relay, "UPDATE blob_data SET data = (SELECT data FROM blob_data ORDER BY blob_id LIMIT 1)").await;
    assert!(told(&look(relay, true).await).contains("its bytes are damaged false"));
    damage(relay, "DELETE FROM blob_data").await;
    assert!(told(&look(relay, true).await).contains("its bytes are missing false"));
    damage(relay, "DELETE FROM blobs").await;
    assert!(told(&look(relay, true).await).contains("it is held, and it is not there false"));
}

/// Folders can be empty.
fn first_file(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    let mut entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.find_map(|path| if path.is_dir() { first_file(&path) } else { Some(path) })
}
