use serde_json::{Value, json};

use crate::support::{Fixture, Person, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

async fn state(alice: &Person, kind: &str) -> Value {
    alice.call(&format!("{kind}/get"), json!({"ids": []})).await["state"].clone()
}

async fn import(alice: &Person) -> String {
    alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await
}

#[tokio::test]
async fn changes_tell_created_updated_and_destroyed() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (one, two) = (import(&alice).await, import(&alice).await);
    let since = state(&alice, "Email").await;
    let three = import(&alice).await;
    let four = import(&alice).await;
    alice
        .call(
            "Email/set",
            json!({"update": {one.as_str(): {"keywords/$seen": true}}, "destroy": [two, four]}),
        )
        .await;
    let answer = alice.call("Email/changes", json!({"sinceState": since})).await;
    assert_eq!(answer["created"], json!([three]));
    assert_eq!(answer["updated"], json!([one]));
    assert_eq!(answer["destroyed"], json!([two]));
    assert_eq!(answer["hasMoreChanges"], false);
    assert_eq!(answer["newState"], state(&alice, "Email").await);
    let again = alice.call("Email/changes", json!({"sinceState": answer["newState"]})).await;
    assert_eq!(
        (again["created"].clone(), again["newState"].clone()),
        (json!([]), answer["newState"].clone())
    );
}

#[tokio::test]
async fn changes_can_be_had_one_by_one() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut since = state(&alice, "Email").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(import(&alice).await);
    }
    let mut seen = Vec::new();
    loop {
        let answer = alice.call("Email/changes", json!({"sinceState": since, "maxChanges": 2})).await;
        seen.extend(answer["created"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
        assert_ne!(answer["newState"], since);
        since = answer["newState"].clone();
        if answer["hasMoreChanges"] == false {
            break;
        }
    }
    assert_eq!(seen, made);
    assert_eq!(since, state(&alice, "Email").await);
}

#[tokio::test]
async fn only_counts_are_told_when_only_counts_changed() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let since = state(&alice, "Mailbox").await;
    import(&alice).await;
    let answer = alice.call("Mailbox/changes", json!({"sinceState": since})).await;
    assert_eq!(answer["updated"], json!([alice.mailbox("inbox").await]));
    assert_eq!(answer["updatedProperties"].as_array().unwrap().len(), 4);
    let junk = alice.mailbox("junk").await;
    alice.call("Mailbox/set", json!({"update": {junk: {"name": "Spam"}}})).await;
    let answer = alice.call("Mailbox/changes", json!({"sinceState": since})).await;
    assert!(answer.get("updatedProperties").is_none_or(Value::is_null), "{answer}");
}

#[tokio::test]
async fn a_thread_changes_with_its_emails_and_not_with_their_keywords() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let email = import(&alice).await;
    let since = state(&alice, "Thread").await;
    alice.call("Email/set", json!({"update": {email.as_str(): {"keywords/$seen": true}}})).await;
    assert_eq!(state(&alice, "Thread").await, since);
    alice.call("Email/set", json!({"destroy": [email]})).await;
    let answer = alice.call("Thread/changes", json!({"sinceState": since})).await;
    assert_eq!(answer["destroyed"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_state_that_never_was_cannot_be_continued() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    for since in ["999999", "-1", "x", ""] {
        for method in [
            "Email/changes",
            "Mailbox/changes",
            "Thread/changes",
            "EmailSubmission/changes",
            "Identity/changes",
        ] {
            let kind = alice.refused(method, json!({"sinceState": since})).await;
            assert_eq!(kind, "cannotCalculateChanges", "{method} since {since:?}");
        }
    }
    assert_eq!(
        alice.refused("Email/changes", json!({"sinceState": "0", "maxChanges": 0})).await,
        "invalidArguments"
    );
}
