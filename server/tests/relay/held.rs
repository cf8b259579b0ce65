//! Submissions that wait for their time.

use std::time::{Duration, Instant};

use sealpost::clock::now;
use sealpost::store::{self, Due, StoreError, sql};
use serde_json::{Value, json};

use crate::support::{Person, ReceivingServer, Served, eventually, on_postgres, sealed_letter, skip};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";
const CAROL: &str = "carol@elsewhere.example";

async fn relay(there: &ReceivingServer) -> Served {
    let smarthost = there.address.to_string();
    Served::start(&["alice", "bob"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await
}

/// Submits a letter of that Message-ID to carol and bob, to be held for so many seconds.
async fn submit(alice: &Person, id: &str, seconds: u32) -> Value {
    let fields = format!("Message-ID: <{id}>\r\n");
    let email = alice.import(sealed_letter(ALICE, CAROL, &fields), "drafts", json!({})).await;
    let from = json!({"email": ALICE, "parameters": {"HOLDFOR": seconds.to_string()}});
    let envelope = json!({"mailFrom": from, "rcptTo": [{"email": CAROL}, {"email": BOB}]});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let answer = alice.call("EmailSubmission/set", json!({"create": create})).await;
    assert!(answer["created"]["k"].is_object(), "{answer}");
    answer["created"]["k"].clone()
}

async fn got(alice: &Person, submission: &Value) -> Value {
    alice.call("EmailSubmission/get", json!({"ids": [submission["id"]]})).await["list"][0].clone()
}

/// Changes the row of a held submission, if there is one, and has the relay look; gives how many there were.
async fn change(here: &Served, submission: &Value, text: &'static str) -> u64 {
    let id = submission["id"].as_str().unwrap().to_owned();
    let change = here.fixture.relay.store.write(move |tx| {
        Box::pin(
            async move { Ok::<_, StoreError>(sql::query(text).bind(id).execute(tx.connection()).await?) },
        )
    });
    let changed = change.await.unwrap();
    here.fixture.relay.held_bell.notify_one();
    changed
}

/// How often a held submission was tried, and when it is tried next.
async fn tried(here: &Served, submission: &Value) -> (i64, i64) {
    let mut connection = here.fixture.relay.store.read().await.unwrap();
    let row = sql::query("SELECT attempts, send_at FROM held WHERE submission_id = $1")
        .bind(submission["id"].as_str().unwrap())
        .fetch_one(&mut connection)
        .await
        .unwrap();
    (row.try_get(0).unwrap(), row.try_get(1).unwrap())
}

fn arrived(there: &ReceivingServer, id: &str) -> usize {
    there.taken().iter().filter(|message| message.contains(id)).count()
}

#[tokio::test]
async fn a_held_letter_goes_out_at_its_time_and_not_before() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let (alice, bob) = (here.fixture.sign_in("alice").await, here.fixture.sign_in("bob").await);
    let before = Instant::now();
    let submission = submit(&alice, "later@a", 3).await;
    assert_eq!(submission["undoStatus"], "pending");
    let waiting = got(&alice, &submission).await;
    // A busy machine may have taken longer to tell.
    if before.elapsed() < Duration::from_secs(3) {
        assert_eq!(waiting["deliveryStatus"][CAROL]["delivered"], "queued");
    }
    eventually(|| async { (arrived(&there, "later@a") == 1).then_some(()) }).await;
    assert!(before.elapsed() >= Duration::from_secs(3), "{:?}", before.elapsed());
    assert_eq!(bob.counts("inbox").await[0], 1);
    let after = eventually(|| async {
        let now = got(&alice, &submission).await;
        (now["deliveryStatus"][CAROL]["delivered"] == "unknown").then_some(now)
    })
    .await;
    assert_eq!(after["undoStatus"], "final");
    assert_eq!(after["deliveryStatus"][BOB]["delivered"], "yes");
    let late = json!({"update": {submission["id"].as_str().unwrap(): {"undoStatus": "canceled"}}});
    let answer = alice.call("EmailSubmission/set", late).await;
    assert_eq!(answer["notUpdated"][submission["id"].as_str().unwrap()]["type"], "cannotUnsend");
}

#[tokio::test]
async fn a_held_letter_that_is_taken_back_reaches_nobody_and_may_be_sent_anew() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let (alice, bob) = (here.fixture.sign_in("alice").await, here.fixture.sign_in("bob").await);
    let submission = submit(&alice, "regretted@a", 600).await;
    let id = submission["id"].as_str().unwrap();
    let cancel = json!({"update": {id: {"undoStatus": "canceled"}}});
    let answer = alice.call("EmailSubmission/set", cancel).await;
    assert!(answer["updated"].as_object().unwrap().contains_key(id), "{answer}");
    assert_eq!(change(&here, &submission, "UPDATE held SET send_at = 0 WHERE submission_id = $1").await, 0);
    submit(&alice, "after@a", 1).await;
    eventually(|| async { (arrived(&there, "after@a") == 1).then_some(()) }).await;
    assert_eq!(arrived(&there, "regretted@a"), 0);
    assert_eq!(bob.counts("inbox").await[0], 1, "bob has the second alone");
    assert_eq!(got(&alice, &submission).await["undoStatus"], "canceled");
    submit(&alice, "regretted@a", 1).await;
    eventually(|| async { (arrived(&there, "regretted@a") == 1).then_some(()) }).await;
}

#[tokio::test]
async fn a_held_letter_whose_parameters_are_damaged_is_lost_and_its_sender_told() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "lost@a", 600).await;
    let damage = "UPDATE held SET send_at = 0, parameters = 'damaged' WHERE submission_id = $1";
    assert_eq!(change(&here, &submission, damage).await, 1);
    let after = eventually(|| async {
        let now = got(&alice, &submission).await;
        (now["undoStatus"] == "final").then_some(now)
    })
    .await;
    assert_eq!(after["deliveryStatus"][CAROL]["delivered"], "no");
    assert_eq!(alice.counts("inbox").await[0], 2, "a report for each recipient");
    assert_eq!(arrived(&there, "lost@a"), 0);
}

#[tokio::test]
async fn a_held_letter_that_cannot_be_sent_holds_up_none_behind_it() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let first = submit(&alice, "first@a", 600).await;
    let damage = "UPDATE held SET send_at = 0, recipients = 'damaged' WHERE submission_id = $1";
    assert_eq!(change(&here, &first, damage).await, 1);
    submit(&alice, "second@a", 1).await;
    eventually(|| async { (arrived(&there, "second@a") == 1).then_some(()) }).await;
    assert_eq!(arrived(&there, "first@a"), 0);
    assert_eq!(got(&alice, &first).await["undoStatus"], "pending");
    // And it goes out as soon as it can.
    let mend =
        "UPDATE held SET send_at = 0, recipients = '[\"carol@elsewhere.example\"]' WHERE submission_id = $1";
    assert_eq!(change(&here, &first, mend).await, 1);
    eventually(|| async { (arrived(&there, "first@a") == 1).then_some(()) }).await;
}

#[tokio::test]
async fn a_held_letter_that_cannot_be_sent_is_tried_as_seldom_as_what_is_queued() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "stuck@a", 600).await;
    let again = "UPDATE held SET send_at = 0, recipients = 'damaged' WHERE submission_id = $1";
    for (attempts, minutes) in [(1, 1), (2, 5), (3, 15)] {
        let before = now();
        assert_eq!(change(&here, &submission, again).await, 1);
        let next = eventually(|| async {
            let (tried, next) = tried(&here, &submission).await;
            (tried == attempts).then_some(next)
        })
        .await;
        let wait = minutes * 60 * 1000;
        assert!((before + wait..=now() + wait).contains(&next), "attempt {attempts}: {}", next - before);
    }
    assert_eq!(got(&alice, &submission).await["undoStatus"], "pending");
}

#[tokio::test]
async fn a_held_letter_that_could_not_be_sent_for_days_is_returned() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "stuck@a", 600).await;
    let old = "UPDATE held SET send_at = 0, due_at = 0, attempts = 99, recipients = 'damaged'
               WHERE submission_id = $1";
    assert_eq!(change(&here, &submission, old).await, 1);
    let after = eventually(|| async {
        let now = got(&alice, &submission).await;
        (now["undoStatus"] == "final").then_some(now)
    })
    .await;
    for address in [CAROL, BOB] {
        assert_eq!(after["deliveryStatus"][address]["delivered"], "no");
    }
    assert_eq!(after["dsnBlobIds"].as_array().map(Vec::len), Some(2), "a report for each recipient");
    assert_eq!(alice.counts("inbox").await[0], 2);
    assert_eq!(change(&here, &submission, "UPDATE held SET send_at = 0 WHERE submission_id = $1").await, 0);
}

#[tokio::test]
async fn a_held_letter_that_was_due_while_the_relay_was_down_is_not_given_up_at_the_first_failure() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "overdue@a", 600).await;
    let old = "UPDATE held SET send_at = 0, due_at = 0, recipients = 'damaged' WHERE submission_id = $1";
    assert_eq!(change(&here, &submission, old).await, 1);
    eventually(|| async { (tried(&here, &submission).await.0 == 1).then_some(()) }).await;
    assert_eq!(got(&alice, &submission).await["undoStatus"], "pending");
}

#[tokio::test]
async fn attempts_of_several_processes_that_fail_at_once_count_once() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "once@a", 600).await;
    let id = submission["id"].as_str().unwrap();
    let due = Due { submission: id.into(), since: 0, attempts: 0 };
    let until = now() + 600_000;
    for until in [until, until + 1] {
        let due = due.clone();
        let hold = here
            .fixture
            .relay
            .store
            .write(move |tx| Box::pin(async move { store::hold_on(tx, &due, until).await }));
        hold.await.map_err(|error: StoreError| error).unwrap();
    }
    assert_eq!(tried(&here, &submission).await, (1, until));
}

#[tokio::test]
async fn a_held_letter_that_cannot_be_read_can_be_taken_back_and_sent_anew() {
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "damaged@a", 600).await;
    let damage = "UPDATE held SET recipients = 'damaged' WHERE submission_id = $1";
    assert_eq!(change(&here, &submission, damage).await, 1);
    let id = submission["id"].as_str().unwrap();
    let cancel = json!({"update": {id: {"undoStatus": "canceled"}}});
    let answer = alice.call("EmailSubmission/set", cancel).await;
    assert!(answer["updated"].as_object().unwrap().contains_key(id), "{answer}");
    submit(&alice, "damaged@a", 1).await;
    eventually(|| async { (arrived(&there, "damaged@a") == 1).then_some(()) }).await;
}

#[tokio::test]
async fn the_reports_of_a_lost_letter_come_also_if_they_cannot_be_kept_at_first() {
    let test = "the_reports_of_a_lost_letter_come_also_if_they_cannot_be_kept_at_first";
    if on_postgres().is_some() {
        return skip(test, "its triggers have other words");
    }
    let there = ReceivingServer::start("250 fine").await;
    let here = relay(&there).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, "told@a", 600).await;
    let run = async |text: &'static str| {
        let run = here.fixture.relay.store.write(move |tx| {
            Box::pin(async move { Ok::<_, StoreError>(sql::script(tx.connection(), text).await?) })
        });
        run.await.unwrap();
    };
    run("CREATE TRIGGER away BEFORE INSERT ON emails BEGIN SELECT RAISE(FAIL, 'away'); END").await;
    let damage = "UPDATE held SET send_at = 0, parameters = 'damaged' WHERE submission_id = $1";
    assert_eq!(change(&here, &submission, damage).await, 1);
    let attempts = eventually(|| async {
        let mut connection = here.fixture.relay.store.read().await.unwrap();
        let text =
            "SELECT attempts FROM held UNION ALL SELECT -1 FROM submissions WHERE undo_status = 'final'";
        let row = sql::query(text).fetch_one(&mut connection).await.unwrap();
        Some(row.try_get::<i64>(0).unwrap()).filter(|attempts| *attempts != 0)
    })
    .await;
    assert_eq!(attempts, 1, "it is tried again");
    run("DROP TRIGGER away").await;
    assert_eq!(change(&here, &submission, "UPDATE held SET send_at = 0 WHERE submission_id = $1").await, 1);
    let after = eventually(|| async {
        let now = got(&alice, &submission).await;
        (now["undoStatus"] == "final").then_some(now)
    })
    .await;
    assert_eq!(after["dsnBlobIds"].as_array().map(Vec::len), Some(2), "a report for each recipient");
}
