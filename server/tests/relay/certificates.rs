use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jmap::AccountId;
use sealpost::delivery::{self, DeliverError};
use sealpost::directory::{self, CertifyError};
use sealpost::store::sql;
use sealpost::store::{self, AccountKind, NewAccount, StoreError};
use sealpost::{clock, people, random};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use smime::issue::Usage;
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, DecryptionKey, Hash, KeyId, Trust, block_on_ready, message, path, request, timestamp,
};
use tokio_util::sync::CancellationToken;

use crate::strangers::public;
use crate::support::{Client, Fixture, Person, Served, clear_letter, eventually, json_of, on_postgres, skip};

/// A request for an RSA key of 1024 bits, as `openssl req -newkey rsa:1024` makes it.
const SMALL_KEY: &str = "\
    MIIBTzCBuQIBADAQMQ4wDAYDVQQDDAVzbWFsbDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEA0tFLALJ+z43T\
    wuipdUKmi6PQtt0vU5kfr/cQjaCeDVJ/rJS9T21ytLupGv6LN+iUyE8sDUamlp42lPpKB1AT/x8/rLu1j1sF6W8w\
    O0NtPvyjRKh0vk6dD8YQZfWJLhNwQiuHX6QhEPQ/eNR1YPd2a+/n9/NAty3wyu7yjF+HO+8CAwEAAaAAMA0GCSqG\
    SIb3DQEBCwUAA4GBADu7Pd9hy5e3M5gypnsVb4EBd1rrKGgjN3MUb2v5gOr0sqAVllcfv6pMo9XCdl1lSxO9/6zD\
    Hwhj7q6O1jFpxh2TS/hMVFNU9YnsETOPWo3aXJpWc6+hIgPZxLtDCXBCqzmnuVjyZNccHab7SnVFsNv8nOOvJjOz\
    FrCtWHHP2pkF";

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";
const CAROL: &str = "carol@sealpost.example";
const NEWS: &str = "news@sealpost.example";

fn key() -> (MemoryKeyring, KeyId, Vec<u8>) {
    let (mut keyring, id) = (MemoryKeyring::new(), KeyId::new("k"));
    let spki = keyring.generate_p256(id.clone(), &mut random::rng()).unwrap();
    (keyring, id, spki)
}

fn request_for(address: &str) -> (MemoryKeyring, KeyId, String) {
    let (keyring, id, spki) = key();
    let made = request::create(&keyring, &id, &spki, address, "Whoever", Usage::Encryption);
    let der = block_on_ready(made).unwrap();
    (keyring, id, STANDARD.encode(der))
}

fn certificates(chain: &Value) -> Vec<Certificate> {
    let texts = chain.as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    texts.map(|text| Certificate::from_der(&STANDARD.decode(text).unwrap()).unwrap()).collect()
}

async fn anchors(person: &Person) -> Trust {
    let session: jmap::Session = serde_json::from_value(person.get("/.well-known/jmap").await.1).unwrap();
    let sealed = session.sealed().unwrap();
    let read = |texts: Vec<String>| {
        texts.iter().map(|text| Certificate::from_der(&STANDARD.decode(text).unwrap()).unwrap()).collect()
    };
    Trust {
        anchors: read(sealed.trust_anchors),
        timestamp_anchors: read(sealed.timestamp_anchors),
        ..Trust::default()
    }
}

#[tokio::test]
async fn a_certificate_is_for_the_signed_in_address_whatever_the_request_says() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (_, _, request) = request_for("bob@sealpost.example");
    let answer = alice.call("Certificate/issue", json!({"request": request, "usage": "encryption"})).await;
    let chain = certificates(&answer["chain"]);
    assert_eq!(answer["chain"][0], answer["certificate"]);
    assert_eq!(chain[0].emails(), [ALICE]);
    assert_eq!(chain[0].common_name().as_deref(), Some("ALICE"));
    assert!(chain[0].can_encrypt() && !chain[0].can_sign());
    let answer = alice.call("Certificate/issue", json!({"request": request, "usage": "signing"})).await;
    let chain = certificates(&answer["chain"]);
    assert!(chain[0].can_sign() && !chain[0].can_encrypt());
    assert_eq!(chain.len(), 3);
}

#[tokio::test]
async fn a_request_that_proves_nothing_is_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (_, _, request) = request_for(ALICE);
    let mut forged = STANDARD.decode(&request).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    for request in
        [STANDARD.encode(forged), STANDARD.encode("junk"), "not base64!".into(), "A".repeat(100_000)]
    {
        let issue = json!({"request": request, "usage": "signing"});
        assert_eq!(alice.refused("Certificate/issue", issue).await, "invalidArguments");
    }
    let issue = json!({"request": request, "usage": "smelling"});
    assert_eq!(alice.refused("Certificate/issue", issue).await, "invalidArguments");
    let answer = alice.call("Certificate/lookup", json!({"addresses": [ALICE]})).await;
    assert_eq!(answer["list"][0]["encryption"], json!([]));
}

#[tokio::test]
async fn the_directory_shows_the_newest_certificate_first() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let mut issued = Vec::new();
    for _ in 0..2 {
        let (_, _, request) = request_for(ALICE);
        let answer =
            alice.call("Certificate/issue", json!({"request": request, "usage": "encryption"})).await;
        issued.push(answer["certificate"].clone());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let addresses = json!(["Alice@Sealpost.example", "nobody@sealpost.example"]);
    let answer = bob.call("Certificate/lookup", json!({"addresses": addresses})).await;
    assert_eq!(answer["notFound"], json!(["nobody@sealpost.example"]));
    let entry = &answer["list"][0];
    assert_eq!((entry["address"].as_str(), entry["kind"].as_str()), (Some(ALICE), Some("personal")));
    assert_eq!(entry["encryption"][0][0], issued[1]);
    assert_eq!(entry["encryption"][1][0], issued[0]);
}

#[tokio::test]
async fn the_directory_is_searched_by_name_and_address() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let found = async |text: &str| {
        let answer = alice.call("Directory/query", json!({"text": text, "limit": 5})).await;
        let list = answer["list"].as_array().unwrap().iter();
        list.map(|person| person["address"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("ali").await, [ALICE]);
    assert_eq!(found("BO").await, ["bob@sealpost.example"]);
    assert_eq!(found("sealpost").await.len(), 2);
    // Databases know the case of ASCII alone.
    for (address, name) in [("ivan", "Иван Öz"), ("oya", "ÖYA-ЛЕНА K")] {
        let new = NewAccount {
            address: format!("{address}@sealpost.example"),
            name: name.into(),
            kind: AccountKind::Personal,
            organisation: None,
            password: String::new(),
        };
        people::add(&fixture.relay, new).await.unwrap();
    }
    for text in ["Иван", "иван", "ИВАН", "ив", "ван", "Öz", "öz", "иван ö", "Иван Öz"]
    {
        assert_eq!(found(text).await, ["ivan@sealpost.example"], "{text}");
    }
    for text in ["öya", "Öya-лена", "лена k", "oya"] {
        assert_eq!(found(text).await, ["oya@sealpost.example"], "{text}");
    }
    assert_eq!(
        found("ö").await,
        ["oya@sealpost.example", "ivan@sealpost.example"],
        "what begins with it first"
    );
    assert!(found("%").await.is_empty() && found("_").await.is_empty() && found(" ").await.is_empty());
}

#[tokio::test]
async fn the_vault_is_replaced_only_by_who_read_it() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let empty = alice.call("Vault/get", json!({})).await;
    assert_eq!((empty["state"].as_str(), empty["blob"].clone()), (Some("0"), Value::Null));
    let first = alice.call("Vault/set", json!({"ifInState": "0", "blob": "b25l"})).await;
    for stale in ["0", "7", "x"] {
        let kind = alice.refused("Vault/set", json!({"ifInState": stale, "blob": "dHdv"})).await;
        assert_eq!(kind, "stateMismatch");
    }
    alice.call("Vault/set", json!({"ifInState": first["newState"], "blob": "dHdv"})).await;
    let vault = alice.call("Vault/get", json!({})).await;
    assert_eq!((vault["state"].as_str(), vault["blob"].as_str()), (Some("2"), Some("dHdv")));
}

#[tokio::test]
async fn mail_before_the_first_sign_in_opens_with_the_enrolment_key() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let letter = clear_letter("carol@elsewhere.example", ALICE, "", "early bird");
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    let alice = served.fixture.sign_in("alice").await;
    let enrolment = alice.call("Enrolment/get", json!({})).await;
    let pkcs8 = STANDARD.decode(enrolment["pkcs8"].as_str().unwrap()).unwrap();
    let (mut keyring, key) = (MemoryKeyring::new(), KeyId::new("enrolment"));
    keyring.insert_pkcs8(key.clone(), &pkcs8).unwrap();
    let certificate = certificates(&json!([enrolment["certificate"]])).remove(0);
    let keys = [DecryptionKey { key, certificate }];
    let sealed = alice.message(&alice.emails_in("inbox").await[0]).await;
    let trust = anchors(&alice).await;
    let opened = message::open(&RustCrypto, &keyring, &keys, &trust, &sealed, clock::unix_time());
    let opened = block_on_ready(opened).unwrap();
    assert!(opened.sealed_at_door);
    assert!(opened.parts.iter().any(|part| String::from_utf8_lossy(&part.data).contains("early bird")));

    // Once a certificate is there, new mail goes to it and the old key can go.
    let (_, _, request) = request_for(ALICE);
    alice.call("Certificate/issue", json!({"request": request, "usage": "encryption"})).await;
    alice.call("Enrolment/destroy", json!({})).await;
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    assert!(alice.call("Enrolment/get", json!({})).await["pkcs8"].is_null());
}

#[tokio::test]
async fn a_timestamp_stands_against_the_announced_anchors() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let digest = Sha256::digest(b"a signature");
    let query = timestamp::request(Hash::Sha256, &digest, 4711);
    let request = Request::post("/tsa").header(header::CONTENT_TYPE, "application/timestamp-query");
    let response = alice.send(request, query).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/timestamp-reply");
    let reply = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let (trust, now) = (anchors(&alice).await, clock::unix_time());
    let checked = timestamp::check_response(&RustCrypto, &reply, &digest, 4711, &trust, now);
    let token = block_on_ready(checked).unwrap();
    assert!(now.0.abs_diff(token.time().0) < 60);
    let request = Request::post("/tsa").header(header::CONTENT_TYPE, "text/plain");
    assert_eq!(alice.send(request, "x").await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_issued_chain_validates_against_the_announced_anchor() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (_, _, request) = request_for(ALICE);
    let answer = alice.call("Certificate/issue", json!({"request": request, "usage": "signing"})).await;
    let chain = certificates(&answer["chain"]);
    let anchors = anchors(&alice).await.anchors;
    let query = path::Query::new(path::Purpose::Signing, clock::unix_time());
    let found = path::validate(&RustCrypto, &chain[0], &anchors, &chain[1..], &[], &query);
    assert_eq!(block_on_ready(found).unwrap().certificates().first(), chain.first());
}

#[tokio::test]
async fn a_key_that_others_cannot_seal_to_is_not_certified() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    for usage in ["encryption", "signing"] {
        let issue = json!({"request": SMALL_KEY, "usage": usage});
        assert_eq!(alice.refused("Certificate/issue", issue).await, "invalidArguments");
    }
}

#[tokio::test]
async fn certificates_are_not_issued_without_end() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let issue = || json!({"request": request_for(ALICE).2, "usage": "encryption"});
    for _ in 0..20 {
        alice.call("Certificate/issue", issue()).await;
    }
    assert_eq!(alice.refused("Certificate/issue", issue()).await, "forbidden");
}

#[tokio::test]
async fn a_key_that_is_certified_gets_the_same_certificate_again_until_that_is_taken_back() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (_, _, request) = request_for(ALICE);
    let issue = async |usage: &str| {
        let given = json!({"request": request, "usage": usage});
        alice.call("Certificate/issue", given).await["certificate"].clone()
    };
    let first = issue("encryption").await;
    // The answer was lost, and the browser asks again.
    assert_eq!(issue("encryption").await, first);
    assert_ne!(issue("signing").await, first);
    let other = json!({"request": request_for(ALICE).2, "usage": "encryption"});
    assert_ne!(alice.call("Certificate/issue", other).await["certificate"], first);
    let relay = &fixture.relay;
    directory::revoke(&relay.store, &relay.authority, ALICE).await.unwrap();
    assert_ne!(issue("encryption").await, first);
}

#[tokio::test]
async fn two_browsers_that_ask_at_the_same_moment_get_one_certificate() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (_, _, request) = request_for(ALICE);
    let issue = || alice.call("Certificate/issue", json!({"request": request, "usage": "encryption"}));
    // Neither is written before both have looked.
    let release = CancellationToken::new();
    let released = release.clone();
    let account = AccountId::from(alice.account.as_str());
    let hold = fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            store::lock_accounts(tx, [&account]).await?;
            released.cancelled().await;
            Ok::<_, StoreError>(())
        })
    });
    let wait = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        release.cancel();
    };
    let (held, one, other, ()) = tokio::join!(hold, issue(), issue(), wait);
    held.unwrap();
    assert_eq!(one["certificate"], other["certificate"]);
    let lookup = alice.call("Certificate/lookup", json!({"addresses": [ALICE]})).await;
    assert_eq!(lookup["list"][0]["encryption"], json!([one["chain"]]));
}

#[tokio::test]
async fn mail_after_the_last_certificate_expired_opens_with_its_owners_key() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (keyring, key, request) = request_for(ALICE);
    let answer = alice.call("Certificate/issue", json!({"request": request, "usage": "encryption"})).await;
    let certificate = certificates(&answer["chain"]).remove(0);
    let expire = fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("UPDATE certificates SET expires_at = 1").execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    expire.await.unwrap();
    let mut connection = fixture.relay.store.read().await.unwrap();
    let account = store::account_by_address(&mut connection, ALICE).await.unwrap().unwrap();
    drop(connection);
    let letter = clear_letter("carol@elsewhere.example", ALICE, "", "late bird");
    delivery::deliver(&fixture.relay, &[account], letter).await.unwrap();
    assert!(alice.call("Enrolment/get", json!({})).await["pkcs8"].is_null());
    let sealed = alice.message(&alice.emails_in("inbox").await[0]).await;
    let (keys, trust) = ([DecryptionKey { key, certificate }], anchors(&alice).await);
    let opened = message::open(&RustCrypto, &keyring, &keys, &trust, &sealed, clock::unix_time());
    let opened = block_on_ready(opened).unwrap();
    assert!(opened.parts.iter().any(|part| String::from_utf8_lossy(&part.data).contains("late bird")));
}

#[tokio::test]
async fn a_destroyed_enrolment_key_leaves_no_trace_on_the_disk() {
    if on_postgres().is_some() {
        // SECURITY.md says so.
        return skip(
            "a_destroyed_enrolment_key_leaves_no_trace_on_the_disk",
            "PostgreSQL erases in its own time",
        );
    }
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::greeted(served.running.smtp).await;
    let letter = clear_letter("carol@elsewhere.example", ALICE, "", "early bird");
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
    let alice = served.fixture.sign_in("alice").await;
    let enrolment = alice.call("Enrolment/get", json!({})).await;
    let pkcs8 = STANDARD.decode(enrolment["pkcs8"].as_str().unwrap()).unwrap();
    let is_there = || served.disk().windows(pkcs8.len()).any(|window| window == pkcs8);
    assert!(is_there(), "the search finds what is there");
    // Somebody reads for long.
    let mut reading = served.fixture.relay.store.read().await.unwrap();
    sql::script(&mut reading, "BEGIN; SELECT * FROM accounts").await.unwrap();
    let started = Instant::now();
    alice.call("Enrolment/destroy", json!({})).await;
    assert!(started.elapsed() < Duration::from_secs(8), "nobody can write while that is waited for");
    assert!(is_there(), "the log cannot be emptied");
    sql::script(&mut reading, "ROLLBACK").await.unwrap();
    // The relay reads, too.
    eventually(async || served.fixture.relay.store.checkpoint().await.unwrap().then_some(())).await;
    assert!(!is_there());
}

#[tokio::test]
async fn nothing_is_sealed_to_keys_that_were_taken_back_however_many_there_are() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let relay = &fixture.relay;
    let mut connection = relay.store.read().await.unwrap();
    let account = store::account_by_address(&mut connection, ALICE).await.unwrap().unwrap();
    let arrive = || {
        delivery::deliver(
            relay,
            std::slice::from_ref(&account),
            clear_letter("carol@elsewhere.example", ALICE, "", "x"),
        )
    };
    let issue = async || {
        let request = request_for(ALICE).2;
        alice.call("Certificate/issue", json!({"request": request, "usage": "encryption"})).await
    };
    for _ in 0..10 {
        issue().await;
    }
    arrive().await.unwrap();
    let revoked = directory::revoke(&relay.store, &relay.authority, ALICE).await.unwrap();
    assert_eq!(revoked.len(), 10);
    let refused = arrive().await.unwrap_err();
    assert!(matches!(refused, DeliverError::Key(CertifyError::Revoked)), "{refused}");
    let entry = directory::entry(&mut connection, &relay.authority, ALICE).await.unwrap().unwrap();
    assert!(entry.encryption.is_empty());
    assert!(directory::revoke(&relay.store, &relay.authority, ALICE).await.unwrap().is_empty());
    issue().await;
    arrive().await.unwrap();
}

/// Has it that alice's certificates are taken back, and that bob has some.
async fn one_without_key(served: &Served) -> Person {
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    for person in [&alice, &bob] {
        let request = request_for(ALICE).2;
        person.call("Certificate/issue", json!({"request": request, "usage": "encryption"})).await;
    }
    let relay = &served.fixture.relay;
    directory::revoke(&relay.store, &relay.authority, ALICE).await.unwrap();
    bob
}

#[tokio::test]
async fn who_has_no_key_at_the_moment_keeps_a_letter_from_nobody_else() {
    let served = Served::start(&["alice", "bob", "carol"], |_| ()).await;
    let bob = one_without_key(&served).await;
    let letter = |from: &str, id: &str| {
        clear_letter(from, "list@x.example", &format!("Message-ID: <{id}@x.example>\r\n"), "x")
    };
    let arrived = async |count| {
        eventually(async || (bob.counts("inbox").await[0] == count).then_some(())).await;
    };

    let mut client = Client::greeted(served.running.smtp).await;
    client
        .transcript(&[("MAIL FROM:<a@b.example>", "250"), (&format!("RCPT TO:<{ALICE}>"), "451 4.2.1")])
        .await;
    client.transcript(&[(&format!("RCPT TO:<{BOB}>"), "250"), ("DATA", "354")]).await;
    client.write(letter("a@b.example", "1")).await;
    assert!(client.say(".\r\n").await.starts_with("250"));
    arrived(1).await;

    let carol = served.fixture.sign_in("carol").await;
    let place = format!("/jmap/clear/{}?mailFrom={CAROL}&rcptTo={ALICE}&rcptTo={BOB}", carol.account);
    let (status, answer) = json_of(carol.send(Request::post(place), letter(CAROL, "2")).await).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!([BOB])), "{answer}");
    assert_eq!(answer["refused"][0]["address"], ALICE);
    arrived(2).await;

    let news = public(&served.fixture, "news").await;
    let submit = async |id: &str, to: &[&str], parameters: Value| {
        let email = news.import(letter(NEWS, id), "drafts", json!({})).await;
        let to: Vec<Value> = to.iter().map(|address| json!({"email": address})).collect();
        let envelope = json!({"mailFrom": {"email": NEWS, "parameters": parameters}, "rcptTo": to});
        let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
        news.call("EmailSubmission/set", json!({"create": create})).await
    };
    let status = async |answer: &Value| {
        let ids = json!({"ids": [answer["created"]["k"]["id"]]});
        let told = news.call("EmailSubmission/get", ids).await["list"][0]["deliveryStatus"].clone();
        [ALICE, BOB].map(|address| told[address]["delivered"].clone())
    };
    let now = submit("3", &[ALICE, BOB], json!(null)).await;
    assert_eq!(status(&now).await, ["no", "yes"], "{now}");
    arrived(3).await;
    let held = submit("4", &[ALICE, BOB], json!({"HOLDFOR": "1"})).await;
    arrived(4).await;
    assert_eq!(status(&held).await, ["no", "yes"], "{held}");
    let alone = submit("5", &[ALICE], json!(null)).await;
    assert_eq!(alone["notCreated"]["k"]["invalidRecipients"], json!([ALICE]), "{alone}");
}

#[tokio::test]
async fn revocation_lists_are_signed_once_a_minute_and_when_something_is_revoked() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let list = async || {
        let response = alice.send(Request::get("/crl/people"), "").await;
        assert_eq!(response.status(), StatusCode::OK);
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
    };
    let first = list().await;
    // Signed now, it would tell a later time.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(list().await == first);
    alice.call("Certificate/issue", json!({"request": request_for(ALICE).2, "usage": "encryption"})).await;
    let relay = &fixture.relay;
    assert_eq!(directory::revoke(&relay.store, &relay.authority, ALICE).await.unwrap().len(), 1);
    assert!(list().await != first);
    assert_eq!(alice.get("/crl/nobody").await.0, StatusCode::NOT_FOUND);
}
