use sealpost::store::sql;
use sealpost::store::{self, StoreError};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

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

/// Puts objects of a type that were destroyed into an account, one in each state from `first` on.
async fn bury(fixture: &Fixture, alice: &Person, kind: &'static str, first: i64, count: i64) {
    let account = alice.account.clone();
    let bury = fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            let text = "WITH RECURSIVE numbers (n) AS (SELECT $3 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $3 + $4)
                        INSERT INTO tombstones (account_id, kind, id, created_state, updated_state)
                        SELECT $1, $2, 'gone' || n, 0, n FROM numbers";
            let rows = sql::query(text).bind(account.as_str()).bind(kind).bind(first).bind(count);
            rows.execute(tx.connection()).await?;
            let text = "UPDATE accounts SET modseq = $2, email_state = $2 WHERE id = $1";
            sql::query(text).bind(account.as_str()).bind(first + count).execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    bury.await.unwrap();
}

#[tokio::test]
async fn only_what_was_destroyed_longest_ago_is_forgotten() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    bury(&fixture, &alice, "Email", 1_000, 2_500).await;
    bury(&fixture, &bob, "Email", 1_000, 10).await;
    let identities = state(&alice, "Identity").await;
    let stopped = CancellationToken::new();
    stopped.cancel();
    store::forget_destroyed(&fixture.relay.store, 10, &stopped).await.unwrap();
    let all = alice.call("Email/changes", json!({"sinceState": "999"})).await;
    assert!(all["hasMoreChanges"] == true || all["destroyed"].as_array().unwrap().len() == 2_500, "{all}");
    store::forget_destroyed(&fixture.relay.store, 10, &CancellationToken::new()).await.unwrap();
    let since = async |person: &Person, state: i64| {
        let known = json!({"sinceState": state.to_string()});
        person.call("Email/changes", known).await["destroyed"].as_array().unwrap().len()
    };
    assert_eq!((since(&alice, 3_489).await, since(&alice, 3_495).await), (10, 4));
    assert_eq!(since(&bob, 999).await, 10, "nothing of theirs was too much");
    let before = json!({"sinceState": "3488"});
    assert_eq!(alice.refused("Email/changes", before).await, "cannotCalculateChanges");
    let before = json!({"sinceQueryState": "3488"});
    assert_eq!(alice.refused("Email/queryChanges", before).await, "cannotCalculateChanges");
    let nothing = alice.call("Identity/changes", json!({"sinceState": identities})).await;
    assert_eq!(nothing["newState"], identities, "of a type that did not change all is known");
    let mut snapshot = fixture.relay.store.snapshot().await.unwrap();
    let rows = sql::query("SELECT COUNT(*) FROM tombstones").fetch_one(&mut snapshot).await.unwrap();
    assert_eq!(rows.try_get::<i64>(0).unwrap(), 20);
}
