//! A PostgreSQL that refuses something for a while: what was sent is not sent again, and what nobody sends is not kept.

use sealpost::clock::now;
use sealpost::store::{self, Outgoing, StoreError, sql};
use serde_json::json;

use crate::processes::fill_queue;
use crate::support::{ReceivingServer, Served, eventually, on_postgres, sealed_letter, skip};

const ALICE: &str = "alice@sealpost.example";
const CAROL: &str = "carol@elsewhere.example";

/// A relay with alice that sends everything to a server which answers so to RCPT.
async fn begin(test: &str, rcpt: &'static str) -> Option<(Served, ReceivingServer)> {
    if on_postgres().is_none() {
        skip(test, "the triggers are PostgreSQL's");
        return None;
    }
    let there = ReceivingServer::start(rcpt).await;
    let smarthost = there.address.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    Some((here, there))
}

/// Has the database refuse something of the queue, so many times, as where others have it locked for too long.
async fn refuse(here: &Served, what: &str, times: usize) {
    let text = format!(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF nextval('refusals') <= {times} THEN RAISE EXCEPTION 'not now' USING ERRCODE = '55P03'; END IF;
           RETURN COALESCE(NEW, OLD);
         END $$;
         CREATE TRIGGER refuse BEFORE {what} ON queue FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    write(here, text).await;
}

async fn write(here: &Served, text: String) {
    let text = sql::Text::of_constants(text);
    let write = here.fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            sql::script(tx.connection(), text).await?;
            Ok::<_, StoreError>(())
        })
    });
    write.await.unwrap();
}

/// Waits until nothing is in the queue.
async fn is_empty(here: &Served) {
    eventually(async || {
        let mut connection = here.fixture.relay.store.read().await.unwrap();
        let depth = store::queue_depth(&mut connection, now()).await.unwrap();
        (depth.due + depth.waiting == 0).then_some(())
    })
    .await;
}

/// Has alice write to carol while the queue cannot be written for a while; how many mails alice has then.
async fn send(here: &Served) -> i64 {
    let alice = here.fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(ALICE, CAROL, ""), "sent", json!({})).await;
    refuse(here, "DELETE", 6).await;
    let envelope = json!({"mailFrom": {"email": ALICE}, "rcptTo": [{"email": CAROL}]});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let answer = alice.call("EmailSubmission/set", json!({"create": create})).await;
    assert!(answer["created"]["k"].is_object(), "{answer}");
    is_empty(here).await;
    alice.counts("inbox").await[0]
}

#[tokio::test]
async fn a_letter_that_was_taken_is_noted_so_once_the_database_can() {
    let test = "a_letter_that_was_taken_is_noted_so_once_the_database_can";
    let Some((here, there)) = begin(test, "250 fine").await else { return };
    assert_eq!(send(&here).await, 0);
    assert_eq!(there.taken().len(), 1);
}

#[tokio::test]
async fn a_letter_that_was_refused_comes_back_once_the_database_can() {
    let test = "a_letter_that_was_refused_comes_back_once_the_database_can";
    let Some((here, there)) = begin(test, "550 5.1.1 nobody").await else { return };
    assert_eq!(send(&here).await, 1, "the sender is told");
    assert!(there.taken().is_empty());
}

#[tokio::test]
async fn what_was_taken_from_the_queue_unheard_is_sent() {
    let Some((here, _there)) = begin("what_was_taken_from_the_queue_unheard_is_sent", "250 fine").await
    else {
        return;
    };
    fill_queue(&here, 1).await;
    let process = &here.fixture.relay.process;
    write(&here, format!("UPDATE queue SET leased_by = '{process}', leased_until = next_at, next_at = 0"))
        .await;
    refuse(&here, "UPDATE", 1).await;
    let enqueue = here.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            let other = Outgoing::new("a1".into(), ALICE.into(), CAROL.into(), "b1".into());
            store::enqueue(tx, &other, 0).await
        })
    });
    enqueue.await.unwrap();
    eventually(async || {
        let mut connection = here.fixture.relay.store.read().await.unwrap();
        let text = "SELECT COUNT(*) FROM queue WHERE leased_by IS NOT NULL OR attempts = 0";
        let untried = sql::query(text).fetch_one(&mut connection).await.unwrap();
        (untried.try_get::<i64>(0).unwrap() == 0).then_some(())
    })
    .await;
}
