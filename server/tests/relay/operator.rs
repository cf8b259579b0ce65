//! What an operator does from the command line, with the real program, while the relay serves.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealpost::store::sql::{self, Text};
use sealpost::store::{self, StoreError};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::processes::fill_queue;
use crate::support::{Folder, Served, config, database, eventually, holds, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";
const CAROL: &str = "carol@elsewhere.example";

/// Runs the program on what is in the folder; gives whether it ended well, and what it said.
pub fn sealpost(folder: &Folder, arguments: &[&str]) -> (bool, String) {
    let path = folder.path().join("operator.toml");
    let database = database(folder);
    let database = database.map_or_else(String::new, |database| format!("database = '{}'\n", database.url()));
    std::fs::write(&path, format!("data = '{}'\n{database}", folder.path().join("data").display())).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    let output = command.args(arguments).arg("--config").arg(&path).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

pub fn well(folder: &Folder, arguments: &[&str]) -> String {
    let (well, said) = sealpost(folder, arguments);
    assert!(well, "{arguments:?}: {said}");
    said
}

pub fn ill(folder: &Folder, arguments: &[&str]) -> String {
    let (well, said) = sealpost(folder, arguments);
    assert!(!well, "{arguments:?}: {said}");
    said
}

async fn change(served: &Served, text: &str) -> u64 {
    let text = Text::of_constants(text.to_owned());
    let done = served.fixture.relay.store.write(|tx| {
        Box::pin(async move { Ok::<_, StoreError>(sql::query(text).execute(tx.connection()).await?) })
    });
    done.await.unwrap()
}

async fn served(names: &[&str]) -> Served {
    Served::start(names, |config| config.smarthost = Some("127.0.0.1:1".parse().unwrap())).await
}

fn large() -> String {
    format!("References: {}\r\n", "<x@y>".repeat(14_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_restored_elsewhere_has_every_letter() {
    let served = served(&["alice", "bob"]).await;
    let alice = served.fixture.sign_in("alice").await;
    let letters = [sealed_letter(ALICE, BOB, ""), sealed_letter(ALICE, BOB, &large())];
    for letter in &letters {
        alice.import(letter.clone(), "inbox", json!({"$flagged": true})).await;
    }
    let here = &served.fixture.folder;
    let path = |name: &str| here.path().join(name).display().to_string();
    well(here, &["backup", "--to", &path("one")]);
    assert!(ill(here, &["backup", "--to", &path("one")]).contains("is there already"));
    let third = sealed_letter(BOB, ALICE, &large());
    alice.import(third.clone(), "inbox", json!({})).await;
    well(here, &["backup", "--to", &path("two"), "--since", &path("one")]);
    let elsewhere = &["backup", "--to", &path("three"), "--since", &path("data/one")];
    assert!(ill(here, elsewhere).contains("does not lie beside"), "a restore would not find it");
    let blobs = |name: &str| std::fs::read_dir(path(name) + "/blobs").unwrap().count();
    assert_eq!((blobs("one"), blobs("two")), (1, 1), "what the first has is not copied again");

    let there = Arc::new(Folder::new());
    well(&there, &["restore", "--from", &path("two")]);
    assert!(ill(&there, &["restore", "--from", &path("two")]).contains("an empty one"));
    well(&there, &["check"]);
    let root = |folder: &Folder| std::fs::read(folder.path().join("data/authority/root.key")).unwrap();
    assert_eq!(root(&there), root(here), "certificates go on");
    let again = Served::open(Arc::clone(&there), |_| ()).await;
    let restored = again.fixture.sign_in("alice").await;
    let mut found = Vec::new();
    for email in restored.emails_in("inbox").await {
        found.push(restored.message(&email).await);
    }
    found.sort();
    let mut expected = [letters.to_vec(), vec![third]].concat();
    expected.sort();
    assert!(found == expected, "the very bytes");
    let state = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
    let since = json!({"sinceState": state});
    assert_eq!(restored.refused("Email/changes", since).await, "cannotCalculateChanges");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_goes_back_to_its_copy_while_the_others_stay() {
    let served = served(&["alice", "bob"]).await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let letter = sealed_letter(ALICE, BOB, "");
    let kept = alice.import(letter.clone(), "inbox", json!({})).await;
    let here = &served.fixture.folder;
    let copy = here.path().join("copy").display().to_string();
    well(here, &["backup", "--to", &copy, "--account", ALICE]);
    alice.call("Email/set", json!({"destroy": [kept]})).await;
    alice.import(sealed_letter(ALICE, BOB, ""), "inbox", json!({})).await;
    bob.import(letter.clone(), "inbox", json!({})).await;
    assert!(ill(here, &["restore", "--from", &copy]).contains("--replace"));
    // Only a row that the restore writes is put right.
    let others = bob.upload(sealed_letter(BOB, ALICE, "")).await;
    change(&served, &format!("UPDATE blobs SET refs = 3 WHERE id = '{others}'")).await;
    well(here, &["restore", "--from", &copy, "--replace"]);
    let put_back = format!("UPDATE blobs SET refs = 1 WHERE id = '{others}' AND refs = 3");
    assert_eq!(change(&served, &put_back).await, 1, "the rows of what others hold are let alone");
    assert_eq!(alice.emails_in("inbox").await, std::slice::from_ref(&kept));
    assert!(alice.message(&kept).await == letter);
    assert_eq!(bob.counts("inbox").await, [1, 1, 1, 1]);
    well(here, &["check"]);
    let nobody = ["backup", "--to", "/nowhere/copy", "--account", "nobody@sealpost.example"];
    ill(here, &nobody);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_restore_wait_a_day_for_their_rows() {
    let served = served(&["alice"]).await;
    let alice = served.fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(ALICE, BOB, &large()), "inbox", json!({})).await;
    let here = &served.fixture.folder;
    let copy = here.path().join("copy").display().to_string();
    well(here, &["backup", "--to", &copy, "--account", ALICE]);
    alice.call("Email/set", json!({"destroy": [&email]})).await;
    ill(here, &["restore", "--from", &copy]);
    let mut reading = served.fixture.relay.store.read().await.unwrap();
    let row = sql::query("SELECT idle_since FROM blobs WHERE in_file = 1").fetch_one(&mut reading).await;
    let since: i64 = row.unwrap().try_get(0).unwrap();
    assert!(since > sealpost::clock::now() + 23 * 60 * 60 * 1000);
    drop(reading);
    well(here, &["restore", "--from", &copy, "--replace"]);
    assert_eq!(alice.emails_in("inbox").await, [email]);
    well(here, &["check"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_copy_is_refused_and_changes_nothing() {
    let served = served(&["alice"]).await;
    let alice = served.fixture.sign_in("alice").await;
    alice.import(sealed_letter(ALICE, BOB, &large()), "inbox", json!({})).await;
    let here = &served.fixture.folder;
    let copy = here.path().join("copy");
    well(here, &["backup", "--to", &copy.display().to_string()]);
    let blob = std::fs::read_dir(copy.join("blobs")).unwrap().next().unwrap().unwrap().path();
    for file in [copy.join("rows.jsonl"), copy.join("data.jsonl"), copy.join("manifest.json"), blob] {
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, [&whole[..whole.len() / 2], b"x"].concat()).unwrap();
        let there = Folder::new();
        let said = ill(&there, &["restore", "--from", &copy.display().to_string()]);
        assert!(said.contains("is no whole copy"), "{}: {said}", file.display());
        std::fs::write(&file, whole).unwrap();
    }
}

/// Changes the rows and the manifest of a copy, and its hash with them.
fn forge(copy: &Path, change: impl FnOnce(&mut String, &mut Value)) {
    let [rows, manifest] = ["rows.jsonl", "manifest.json"].map(|name| copy.join(name));
    let mut text = std::fs::read_to_string(&rows).unwrap();
    let mut told: Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    change(&mut text, &mut told);
    told["rows_hash"] = json!(URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes())));
    std::fs::write(rows, text).unwrap();
    std::fs::write(manifest, told.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_with_a_zero_in_a_text_is_restored_on_any_store() {
    let served = served(&["alice"]).await;
    let here = &served.fixture.folder;
    let copy = here.path().join("copy");
    let path = copy.display().to_string();
    well(here, &["backup", "--to", &path, "--account", ALICE]);
    forge(&copy, |rows, _| *rows = rows.replace("\"ALICE\"", "\"AL\\u0000ICE\""));
    well(here, &["restore", "--from", &path, "--replace"]);
    let mut reading = served.fixture.relay.store.read().await.unwrap();
    let account = store::account_by_address(&mut reading, ALICE).await.unwrap().unwrap();
    assert_eq!(account.name, "AL\u{fffd}ICE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_one_account_that_was_forged_reaches_no_other_and_no_file() {
    let served = served(&["alice", "bob"]).await;
    let bob = served.fixture.sign_in("bob").await;
    let here = &served.fixture.folder;
    let [missing, linked] = [b"never", b"there"].map(|bytes| sealpost::blobs::id(bytes).to_string());
    let told = json!({"table": "accounts", "row": {"id": bob.account, "address": "new@sealpost.example", "organisation": "new"}});
    let share =
        json!({"table": "shares", "row": {"account_id": bob.account, "member_id": "a", "may_write": 1}});
    let certificate = json!({"table": "certificates", "row": {"serial": "1", "address": BOB, "key_use": "signing",
        "issued_at": 1, "expires_at": 2, "der": {"octets": ""}}});
    // What is nobody's own, as where TLS must be, would be a row of an account without an id.
    let policy = json!({"table": "sts_policies", "row": {"domain": "strict.example", "id": "1",
        "policy": "{}", "expires_at": 1}});
    let join = "UPDATE accounts SET organisation = 'one' WHERE address = 'alice@sealpost.example'";
    let join = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move { Ok::<_, StoreError>(sql::query(join).execute(tx.connection()).await?) })
    });
    assert_eq!(join.await.unwrap(), 1);
    let bytes = json!({"table": "blobs", "row": {"id": missing, "size": 5, "in_file": 1, "refs": 1, "idle_since": 1}});
    for (name, row, blob) in [
        ("share", share, ""),
        ("certificate", certificate, ""),
        ("account", told, ""),
        ("policy", policy, "nobody"),
        ("row", bytes, ""),
        ("blob", json!(""), "../x"),
        ("missing", json!(""), &missing),
        ("link", json!(""), &linked),
    ] {
        let copy = here.path().join(name);
        let path = copy.display().to_string();
        well(here, &["backup", "--to", &path, "--organisation", "one"]);
        forge(&copy, |rows, manifest| match blob {
            "" => rows.push_str(&format!("{row}\n")),
            "nobody" => {
                let mut accounts =
                    rows.lines().filter(|line| line.contains(ALICE) && line.contains("\"accounts\""));
                let mut nobody: Value = serde_json::from_str(accounts.next().unwrap()).unwrap();
                (nobody["row"]["id"], nobody["row"]["address"]) = (json!(""), json!("new@sealpost.example"));
                rows.push_str(&format!("{nobody}\n{row}\n"));
            }
            blob => manifest["blobs"] = json!([blob]),
        });
        if name == "link" {
            std::fs::write(copy.join("there"), "there").unwrap();
            std::os::unix::fs::symlink(copy.join("there"), copy.join("blobs").join(&linked)).unwrap();
        }
        let said = ill(here, &["restore", "--from", &path, "--replace"]);
        let refused =
            if name == "account" { "bob@sealpost.example is not of what" } else { "is no whole copy" };
        assert!(said.contains(refused), "{name}: {said}");
    }
    well(here, &["check"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_seen_and_acted_on_without_content() {
    let served = served(&["alice"]).await;
    let alice = served.fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(ALICE, CAROL, ""), "sent", json!({})).await;
    let envelope = json!({"mailFrom": {"email": ALICE}, "rcptTo": [{"email": CAROL}]});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let sent = alice.call("EmailSubmission/set", json!({"create": create})).await;
    let submission = sent["created"]["k"]["id"].as_str().unwrap().to_owned();
    let here = &served.fixture.folder;
    let listed = || well(here, &["queue", "list"]);
    // Its first attempt fails soon.
    let line =
        eventually(|| async { Some(listed()).filter(|listed| listed.contains(" waiting   1 ")) }).await;
    assert!(line.contains("elsewhere.example") && !line.contains('@'), "{line}");
    let id = line.split(' ').next().unwrap();
    well(here, &["queue", "hold", id]);
    assert!(listed().contains(" held "));
    well(here, &["queue", "retry", id]);
    let shown = well(here, &["queue", "show", id]);
    assert!(shown.contains(CAROL) && shown.contains("state    held"), "{shown}");
    assert!(!holds(shown.as_bytes(), "MIME"), "nothing of the message");
    well(here, &["queue", "release", id]);
    let domains = well(here, &["queue", "domains"]);
    assert!(domains.contains(" elsewhere.example "), "{domains}");
    assert_eq!(well(here, &["queue", "hold", "--domain", "other.example"]).trim(), "0");
    assert_eq!(well(here, &["queue", "hold", "--domain", "elsewhere.example"]).trim(), "1");
    assert!(listed().contains(" held ") && listed().contains(" elsewhere.example unreachable"));
    well(here, &["queue", "remove", id]);
    assert_eq!(alice.counts("inbox").await[0], 1, "its sender is told");
    assert!(ill(here, &["queue", "show", id]).contains("there is no entry"));
    let got = alice.call("EmailSubmission/get", json!({"ids": [submission]})).await;
    assert_eq!(got["list"][0]["deliveryStatus"][CAROL]["delivered"], "no");
    well(here, &["check"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_waits_for_a_domain_is_acted_on() {
    let served = served(&[]).await;
    fill_queue(&served, 1_001).await;
    let here = &served.fixture.folder;
    assert_eq!(well(here, &["queue", "hold", "--domain", "x.example"]).trim(), "1001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_is_exported_sealed_as_it_is_and_imported_again() {
    let served = served(&["alice", "bob"]).await;
    let alice = served.fixture.sign_in("alice").await;
    let letter = sealed_letter(ALICE, BOB, "");
    alice.import(letter.clone(), "inbox", json!({"$seen": true})).await;
    let here = &served.fixture.folder;
    let path = |name: &str| here.path().join(name);
    let files = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    std::fs::create_dir(path("eml.partial")).unwrap();
    let again = ["export", ALICE, "--form", "eml", "--to", &path("eml").display().to_string()];
    assert!(ill(here, &again).contains("eml.partial is there"), "of one that broke off");
    std::fs::remove_dir(path("eml.partial")).unwrap();
    for form in ["eml", "maildir", "mbox"] {
        well(here, &["export", ALICE, "--form", form, "--to", &path(form).display().to_string()]);
    }
    assert!(std::fs::read(files(&path("eml")).next().unwrap()).unwrap() == letter);
    let mail = files(&path("maildir").join("cur")).next().unwrap();
    assert!(mail.display().to_string().ends_with(":2,S") && std::fs::read(mail).unwrap() == letter);
    let read = "import mailbox,sys; print([m['From'] for m in mailbox.mbox(sys.argv[1])])";
    if let Ok(output) = Command::new("python3").args(["-c", read]).arg(path("mbox")).output() {
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("['{ALICE}']"));
    }
    // What was written is read again octet by octet, whatever the form: only the first run brings anything.
    for (form, came) in [("mbox", 1), ("maildir", 0), ("eml", 0)] {
        let from = path(form).display().to_string();
        let said = well(here, &["import", BOB, "--form", form, "--from", &from]);
        assert!(said.contains(&format!("{came} messages came, {} were there already", 1 - came)), "{said}");
    }
    let bob = served.fixture.sign_in("bob").await;
    assert_eq!(bob.counts("inbox").await, [1, 1, 1, 1]);
    ill(here, &["export", "nobody@sealpost.example", "--form", "eml", "--to", "/nowhere/x"]);
    let data = config(here).data;
    assert!(!data.join("authority.partial").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_in_clear_is_imported_into_public_accounts_alone() {
    let served = served(&["alice"]).await;
    let here = &served.fixture.folder;
    let folder = here.path().join("theirs");
    // Written by another program, with lines that end in LF.
    let write = "import mailbox,sys
box = mailbox.Maildir(sys.argv[1], create=True)
letter = mailbox.MaildirMessage('From: a@b.example\\nMessage-ID: <1@b.example>\\nSubject: words\\n\\nbody\\n')
letter.set_flags('S'); letter.set_subdir('cur'); letter.set_date(1700000000); box.add(letter)";
    let written = Command::new("python3").args(["-c", write]).arg(&folder).status().unwrap();
    assert!(written.success());
    let from = folder.display().to_string();
    let arguments = |address| ["import", address, "--form", "maildir", "--from", from.as_str()];
    let said = ill(here, &arguments(ALICE));
    assert!(said.contains("it is not sealed") && said.contains("0 messages came"), "{said}");
    let said = well(here, &["account", "add", "office@sealpost.example", "--kind", "public"]);
    assert!(!said.is_empty());
    let said = well(here, &arguments("office@sealpost.example"));
    assert!(said.contains("1 messages came"), "{said}");
    assert!(well(here, &["check"]).contains("as they should be"));
}
