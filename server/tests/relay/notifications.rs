//! What a sender hears of the fate of a letter (RFC 3461, RFC 3464).

use sealpost::store::StoreError;
use sealpost::store::sql;
use serde_json::{Value, json};

use crate::support::{Person, ReceivingServer, Served, eventually, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const CAROL: &str = "carol@elsewhere.example";

async fn submit(alice: &Person, parameters: Value) -> String {
    let email = alice.import(sealed_letter(ALICE, CAROL, ""), "sent", json!({})).await;
    let to = json!([{"email": CAROL, "parameters": parameters}]);
    let envelope = json!({"mailFrom": {"email": ALICE, "parameters": {"ENVID": "e1"}}, "rcptTo": to});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let answer = alice.call("EmailSubmission/set", json!({"create": create})).await;
    answer["created"]["k"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn sent(alice: &Person, submission: &str) -> Value {
    eventually(|| async {
        let answer = alice.call("EmailSubmission/get", json!({"ids": [submission]})).await;
        let one = answer["list"][0].clone();
        (one["deliveryStatus"][CAROL]["delivered"] != "queued").then_some(one)
    })
    .await
}

async fn relay(smarthost: String) -> Served {
    Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await
}

async fn change(served: &Served, text: &'static str) {
    let change = served.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            sql::query("DELETE FROM destinations").execute(tx.connection()).await?;
            sql::query(text).execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    change.await.unwrap();
    served.fixture.relay.queue_bell.notify_one();
}

async fn attempts(served: &Served, count: i64) {
    eventually(|| async {
        let mut connection = served.fixture.relay.store.read().await.unwrap();
        let text = "SELECT COUNT(*) FROM queue WHERE attempts = $1 AND leased_by IS NULL";
        let row = sql::query(text).bind(count).fetch_one(&mut connection).await.unwrap();
        (row.try_get::<i64>(0).unwrap() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_asks_hears_that_a_letter_was_passed_on_to_a_server_that_tells_no_more() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(there.address.to_string()).await;
    let alice = here.fixture.sign_in("alice").await;
    let quiet = submit(&alice, json!(null)).await;
    assert_eq!(sent(&alice, &quiet).await["dsnBlobIds"], json!([]));
    let asked = submit(&alice, json!({"NOTIFY": "SUCCESS"})).await;
    let done = sent(&alice, &asked).await;
    assert_eq!(done["dsnBlobIds"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(alice.counts("inbox").await[0], 1);
    assert!(there.taken().iter().all(|said| !said.contains("NOTIFY")), "the server does not know it");
}

#[tokio::test]
async fn who_asks_for_silence_is_not_told_of_a_failure() {
    let there = ReceivingServer::start("550 5.1.1 nobody").await;
    let here = relay(there.address.to_string()).await;
    let alice = here.fixture.sign_in("alice").await;
    let silent = submit(&alice, json!({"NOTIFY": "NEVER"})).await;
    assert_eq!(sent(&alice, &silent).await["deliveryStatus"][CAROL]["smtpReply"], "550 5.1.1 nobody");
    let usual = submit(&alice, json!(null)).await;
    assert_eq!(sent(&alice, &usual).await["dsnBlobIds"].as_array().unwrap().len(), 1);
    assert_eq!(alice.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn a_sender_hears_once_that_a_letter_waits_and_at_last_that_it_failed() {
    let here = relay("127.0.0.1:1".into()).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, json!(null)).await;
    attempts(&here, 1).await;
    assert_eq!(alice.counts("inbox").await[0], 0);
    for count in 2..=3 {
        change(&here, "UPDATE queue SET next_at = 0, queued_at = queued_at - 18000000").await;
        attempts(&here, count).await;
        assert_eq!(alice.counts("inbox").await[0], 1);
    }
    change(&here, "UPDATE queue SET next_at = 0, queued_at = 0").await;
    let failed = sent(&alice, &submission).await;
    assert_eq!(failed["deliveryStatus"][CAROL]["delivered"], "no");
    assert_eq!(failed["dsnBlobIds"].as_array().unwrap().len(), 2, "{failed}");
    assert_eq!(alice.counts("inbox").await[0], 2);
}
