use sealpost::store::sql;
use serde_json::{Value, json};

use crate::support::{Fixture, Person, Served, eventually, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

fn envelope(from: &str, to: &[&str]) -> Value {
    let to: Vec<Value> = to.iter().map(|address| json!({"email": address})).collect();
    json!({"mailFrom": {"email": from}, "rcptTo": to})
}

async fn submit(alice: &Person, email: &str, envelope: Value) -> Value {
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    alice.call("EmailSubmission/set", json!({"create": create})).await
}

#[tokio::test]
async fn one_request_imports_sends_and_clears_up() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let (blob, drafts) = (alice.upload(sealed_letter(ALICE, BOB, "")).await, alice.mailbox("drafts").await);
    let email = json!({"blobId": blob, "mailboxIds": {drafts: true}, "keywords": {"$draft": true}});
    let create = json!({"s": {"identityId": "self", "emailId": "#e", "envelope": envelope(ALICE, &[BOB])}});
    let answers = alice
        .calls(&[
            ("Email/import", json!({"emails": {"e": email}})),
            ("EmailSubmission/set", json!({"create": create, "onSuccessDestroyEmail": ["#s"]})),
        ])
        .await;
    let names: Vec<&str> = answers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Email/import", "EmailSubmission/set", "Email/set"]);
    let imported = answers[0].1["created"]["e"]["id"].clone();
    assert_eq!(answers[1].1["created"]["s"]["undoStatus"], "final");
    assert_eq!(answers[1].1["created"]["s"]["deliveryStatus"][BOB]["delivered"], "yes");
    assert_eq!(answers[2].1["destroyed"], json!([imported]));
    assert_eq!(alice.counts("drafts").await, [0; 4]);
    assert_eq!(bob.counts("inbox").await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn the_recipient_gets_the_very_bytes() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let letter = sealed_letter(ALICE, BOB, "");
    let email = alice.import(letter.clone(), "sent", json!({"$seen": true})).await;
    let create = json!({"k": {"identityId": "self", "emailId": email}});
    let update = json!({"#k": {"keywords/$draft": null, "keywords/$forwarded": true}});
    let answers = alice
        .calls(&[("EmailSubmission/set", json!({"create": create, "onSuccessUpdateEmail": update}))])
        .await;
    assert_eq!(answers[1].0, "Email/set");
    assert!(answers[1].1["updated"].as_object().unwrap().contains_key(&email));
    let received = bob.emails_in("inbox").await.remove(0);
    assert_eq!(bob.message(&received).await, letter);
    assert_ne!(received, email);
}

#[tokio::test]
async fn a_submission_can_be_read_and_forgotten_but_not_undone() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(ALICE, ALICE, ""), "sent", json!({})).await;
    let id = submit(&alice, &email, envelope(ALICE, &[ALICE])).await["created"]["k"]["id"].clone();
    let id = id.as_str().unwrap();
    let got = alice.call("EmailSubmission/get", json!({"ids": [id, "s-nothing"]})).await;
    assert_eq!(got["list"][0]["emailId"], json!(email));
    assert_eq!(got["list"][0]["envelope"]["rcptTo"][0]["email"], ALICE);
    assert_eq!(got["notFound"], json!(["s-nothing"]));
    let answer = alice.call("EmailSubmission/set", json!({"update": {id: {"undoStatus": "canceled"}}})).await;
    assert_eq!(answer["notUpdated"][id]["type"], "cannotUnsend");
    let answer = alice.call("EmailSubmission/set", json!({"destroy": [id]})).await;
    assert_eq!(answer["destroyed"], json!([id]));
}

#[tokio::test]
async fn what_must_not_be_sent_is_refused_by_name() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let own = alice.import(sealed_letter(ALICE, BOB, ""), "drafts", json!({})).await;
    let forged = alice.import(sealed_letter(BOB, BOB, ""), "drafts", json!({})).await;
    let many: Vec<String> = (0..1001).map(|n| format!("p{n}@elsewhere.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (email, envelope, kind) in [
        ("e-nothing", envelope(ALICE, &[BOB]), "invalidProperties"),
        ("#nothing", envelope(ALICE, &[BOB]), "invalidProperties"),
        (&*own, envelope(BOB, &[BOB]), "forbiddenMailFrom"),
        (&*forged, envelope(ALICE, &[BOB]), "forbiddenFrom"),
        (&*own, envelope(ALICE, &[]), "noRecipients"),
        (&*own, envelope(ALICE, &["nobody@sealpost.example"]), "invalidRecipients"),
        (&*own, envelope(ALICE, &["x@y>\r\nRCPT TO:<z@y"]), "invalidRecipients"),
        (&*own, envelope(ALICE, &many), "tooManyRecipients"),
    ] {
        let answer = submit(&alice, email, envelope).await;
        assert_eq!(answer["notCreated"]["k"]["type"], kind, "{answer}");
    }
    let other = json!({"k": {"identityId": "other", "emailId": own}});
    let answer = alice.call("EmailSubmission/set", json!({"create": other})).await;
    assert_eq!(answer["notCreated"]["k"]["properties"], json!(["identityId"]));
}

#[tokio::test]
async fn the_identity_is_the_own_address() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let answer = alice.call("Identity/get", json!({"ids": null})).await;
    assert_eq!(answer["list"][0]["email"], ALICE);
    assert_eq!(answer["list"][0]["name"], "ALICE");
    let answer = alice.call("Identity/get", json!({"ids": ["other"]})).await;
    assert_eq!((answer["list"].clone(), answer["notFound"].clone()), (json!([]), json!(["other"])));
}

#[tokio::test]
async fn a_message_is_submitted_once_to_each_recipient() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let fields = "Message-ID: <once@a>\r\n";
    for (to, created) in [(&[BOB][..], true), (&[BOB], false), (&[BOB, ALICE], true), (&[ALICE], false)] {
        // As a browser does that never saw the answer: sealed and imported anew.
        let email = alice.import(sealed_letter(ALICE, BOB, fields), "drafts", json!({})).await;
        let answer = submit(&alice, &email, envelope(ALICE, to)).await;
        assert_eq!(answer["created"]["k"].is_object(), created, "{answer}");
        if !created {
            assert_eq!(answer["notCreated"]["k"]["type"], "alreadyExists");
        }
    }
    assert_eq!((bob.counts("inbox").await[0], alice.counts("inbox").await[0]), (1, 1));
}

#[tokio::test]
async fn a_message_with_two_authors_is_not_submitted() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let letter = String::from_utf8(sealed_letter(ALICE, BOB, "")).unwrap();
    for (first, second) in [(ALICE, BOB), (BOB, ALICE)] {
        let two = letter.replacen(
            &format!("From: {ALICE}\r\n"),
            &format!("From: {first}\r\nFrom: {second}\r\n"),
            1,
        );
        assert_ne!(two, letter);
        let email = alice.import(two.into_bytes(), "drafts", json!({})).await;
        let answer = submit(&alice, &email, envelope(ALICE, &[BOB])).await;
        assert_eq!(answer["notCreated"]["k"]["type"], "forbiddenFrom", "{answer}");
    }
}

#[tokio::test]
async fn a_held_message_that_cannot_be_delivered_does_not_keep_the_others() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    for to in [BOB, ALICE] {
        let email = alice.import(sealed_letter(ALICE, to, ""), "sent", json!({"$seen": true})).await;
        let mut envelope = envelope(ALICE, &[to]);
        envelope["mailFrom"]["parameters"] = json!({"HOLDFOR": "1"});
        let held = submit(&alice, &email, envelope).await;
        assert_eq!(held["created"]["k"]["undoStatus"], "pending", "{held}");
    }
    let break_inbox = fixture.relay.store.write(|tx| {
        Box::pin(async move {
            let text = "UPDATE mailboxes SET role = NULL WHERE role = 'inbox' AND account_id IN
                        (SELECT id FROM accounts WHERE address LIKE 'bob@%')";
            sql::query(text).execute(tx.connection()).await?;
            Ok::<_, sealpost::store::StoreError>(())
        })
    });
    break_inbox.await.unwrap();
    let running = tokio::spawn(sealpost::outbound::run_held(std::sync::Arc::clone(&fixture.relay)));
    eventually(async || (alice.counts("inbox").await[0] == 1).then_some(())).await;
    running.abort();
}

#[tokio::test]
async fn whoever_is_here_is_one_recipient_however_the_address_is_spelled() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let email = alice.import(sealed_letter(ALICE, BOB, ""), "sent", json!({})).await;
    let spelled = ["Bob@sealpost.example", BOB, "bob@Sealpost.example"];
    let answer = submit(&alice, &email, envelope(ALICE, &spelled)).await;
    let states = answer["created"]["k"]["deliveryStatus"].as_object().unwrap();
    assert_eq!(states.keys().collect::<Vec<_>>(), [BOB]);
    assert_eq!(bob.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn an_address_here_has_one_form_however_its_domain_is_written() {
    let served = Served::start(&[], |config| config.domain = "kent.example".into()).await;
    for written in ["Bob@kent.example", "bob@KENT.example", "Bob@\u{212a}ent.example"] {
        assert_eq!(served.fixture.relay.canonical(written), "bob@kent.example");
    }
    assert_eq!(served.fixture.relay.canonical("Bob@\u{212a}ent.org"), "Bob@kent.org");
}
