//! Public accounts whose owner is away.

use jmap::AccountId;
use sealpost::allowance::{ANSWERS, RECIPIENTS};
use sealpost::clock::now;
use sealpost::store::sql;
use serde_json::{Value, json};

use crate::judge::{BAD, GOOD, World, send};
use crate::strangers::public;
use crate::support::{
    Client, Person, ReceivingServer, Served, clear_letter, eventually, holds, sealed_letter, skip,
};

const NEWS: &str = "news@sealpost.example";
const SENDER: &str = "sender@elsewhere.example";

async fn relay(there: &ReceivingServer) -> (Served, Person) {
    let smarthost = there.address.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let news = public(&here.fixture, "news").await;
    (here, news)
}

async fn set(news: &Person, properties: Value) {
    let answer = news.call("VacationResponse/set", json!({"update": {"singleton": properties}})).await;
    assert!(answer["updated"].is_object(), "{answer}");
}

/// Delivers a letter to the public account by SMTP.
async fn write(here: &Served, mail_from: &str, to: &str, fields: &str) {
    let mut client = Client::greeted(here.running.smtp).await;
    client
        .transcript(&[
            (&format!("MAIL FROM:<{mail_from}>"), "250"),
            (&format!("RCPT TO:<{NEWS}>"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(clear_letter(SENDER, to, fields, "when do you open")).await;
    assert!(client.say(".\r\n").await.starts_with("250"));
}

async fn queued(here: &Served) -> i64 {
    let mut connection = here.fixture.relay.store.read().await.unwrap();
    sql::query("SELECT COUNT(*) FROM queue").fetch_one(&mut connection).await.unwrap().try_get(0).unwrap()
}

#[tokio::test]
async fn who_writes_to_an_office_that_is_away_is_answered_once() {
    let there = ReceivingServer::start("250 fine").await;
    let (here, news) = relay(&there).await;
    let question = "Message-ID: <q2@x>\r\nReferences: <q1@x>\r\n";
    set(&news, json!({"textBody": "back on Monday"})).await;
    write(&here, SENDER, NEWS, question).await;
    set(&news, json!({"isEnabled": true, "toDate": "2020-01-01T00:00:00Z"})).await;
    write(&here, SENDER, NEWS, question).await;
    set(&news, json!({"toDate": null, "fromDate": "2020-01-01T00:00:00Z"})).await;
    // None of these is to be answered, though the office is away.
    write(&here, "", NEWS, question).await;
    write(&here, SENDER, "everybody@elsewhere.example", question).await;
    for field in ["List-Id: <l.elsewhere.example>", "Precedence: bulk", "Auto-Submitted: auto-replied"] {
        write(&here, SENDER, NEWS, &format!("{question}{field}\r\n")).await;
    }
    assert_eq!((there.taken(), queued(&here).await), (Vec::new(), 0));
    for _ in 0..3 {
        write(&here, SENDER, NEWS, question).await;
    }
    eventually(|| async { (!there.taken().is_empty() && queued(&here).await == 0).then_some(()) }).await;
    let taken = there.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    for line in [
        "MAIL FROM:<>",
        "RCPT TO:<sender@elsewhere.example>",
        "Auto-Submitted: auto-replied\n",
        "Subject: Auto: when do you open\n",
        "In-Reply-To: <q2@x>\n",
        "back on Monday",
    ] {
        assert!(taken[0].contains(line), "{line}: {}", taken[0]);
    }
    let unfolded = taken[0].split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unfolded.contains("References: <q1@x> <q2@x>"), "{unfolded}");
    assert!(unfolded.contains("<news@sealpost.example> To: <sender@elsewhere.example>"), "{unfolded}");
}

#[tokio::test]
async fn somebody_here_is_answered_sealed() {
    let there = ReceivingServer::start("250 fine").await;
    let (here, news) = relay(&there).await;
    set(&news, json!({"isEnabled": true, "textBody": "back on Monday"})).await;
    let alice = here.fixture.sign_in("alice").await;
    let from = "alice@sealpost.example";
    let email = alice.import(sealed_letter(from, NEWS, ""), "sent", json!({})).await;
    let create = json!({"k": {"identityId": "self", "emailId": email}});
    let answer = alice.call("EmailSubmission/set", json!({"create": create})).await;
    assert!(answer["created"]["k"].is_object(), "{answer}");
    assert_eq!(alice.counts("inbox").await[0], 1);
    let response = alice.message(&alice.emails_in("inbox").await[0]).await;
    assert!(holds(&response, NEWS));
    assert!(!holds(&response, "back on Monday"), "the response is sealed to her");
    assert_eq!(news.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn an_answer_that_is_refused_does_not_come_back() {
    let there = ReceivingServer::start("550 5.1.1 nobody").await;
    let (here, news) = relay(&there).await;
    set(&news, json!({"isEnabled": true})).await;
    write(&here, SENDER, NEWS, "").await;
    eventually(|| async { (queued(&here).await == 0).then_some(()) }).await;
    assert_eq!(news.counts("inbox").await[0], 1, "the question alone");
}

#[tokio::test]
async fn who_writes_to_an_office_takes_nothing_of_what_it_may_send() {
    let there = ReceivingServer::start("250 fine").await;
    let (here, news) = relay(&there).await;
    set(&news, json!({"isEnabled": true})).await;
    for _ in 0..3 {
        write(&here, SENDER, NEWS, "").await;
    }
    eventually(|| async { (!there.taken().is_empty() && queued(&here).await == 0).then_some(()) }).await;
    assert_eq!(there.taken().len(), 1);
    let (relay, news) = (&here.fixture.relay, AccountId::from(&*news.account));
    assert!(relay.sending.take(&news, RECIPIENTS, now()));
    // Who is not answered within this hour is no worse off in the next.
    assert!(relay.answering.take(&news, ANSWERS - 1, now()));
    write(&here, "later@elsewhere.example", NEWS, "").await;
    assert_eq!((there.taken().len(), queued(&here).await), (1, 0));
    relay.answering.give_back(&news, 1);
    write(&here, "later@elsewhere.example", NEWS, "").await;
    eventually(|| async { (there.taken().len() == 2).then_some(()) }).await;
}

#[tokio::test]
async fn a_return_path_that_its_domain_denies_gets_no_answer() {
    let Some(world) = World::make().await else {
        return skip("a_return_path_that_its_domain_denies_gets_no_answer", "Knot or dkimpy is missing");
    };
    let there = ReceivingServer::start("250 fine").await;
    let smarthost = there.address.to_string();
    let here = world.relay(|config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    set(&here.fixture.sign_in("news").await, json!({"isEnabled": true})).await;
    for (host, sender) in
        [(BAD, "forged@open.example"), (GOOD, "carol@open.example"), (BAD, "p@none.example")]
    {
        let letter = clear_letter(sender, NEWS, "", "when do you open");
        assert!(send(&here, host, sender, NEWS, &letter).await.starts_with("250"));
    }
    eventually(|| async { (there.taken().len() > 1 && queued(&here).await == 0).then_some(()) }).await;
    let mut answered: Vec<String> = there
        .taken()
        .iter()
        .filter_map(|one| one.lines().find(|line| line.starts_with("RCPT")))
        .map(str::to_owned)
        .collect();
    answered.sort();
    assert_eq!(answered, ["RCPT TO:<carol@open.example>", "RCPT TO:<p@none.example>"]);
}
