//! Two relays that send mail to each other.

use sealpost::store::sql;
use sealpost::store::{self, Busy, Lease, Outgoing, StoreError};
use serde_json::{Value, json};

use crate::support::{Client, Person, ReceivingServer, Served, eventually, holds, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const CAROL: &str = "carol@elsewhere.example";

async fn elsewhere() -> Served {
    Served::start(&["carol"], |config| config.domain = "elsewhere.example".into()).await
}

async fn send(alice: &Person, to: &[&str]) -> String {
    let email = alice.import(sealed_letter(ALICE, to[0], ""), "sent", json!({})).await;
    let to: Vec<Value> = to.iter().map(|address| json!({"email": address})).collect();
    let envelope = json!({"mailFrom": {"email": ALICE}, "rcptTo": to});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let answer = alice.call("EmailSubmission/set", json!({"create": create})).await;
    answer["created"]["k"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn status(alice: &Person, submission: &str, address: &str, wanted: &str) -> Option<Value> {
    let answer = alice.call("EmailSubmission/get", json!({"ids": [submission]})).await;
    let status = answer["list"][0]["deliveryStatus"][address].clone();
    (status["delivered"] == wanted).then_some(status)
}

/// Has what waits for another attempt tried again now.
async fn make_due(served: &Served) {
    let due = served.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("UPDATE queue SET next_at = 0").execute(tx.connection()).await?;
            sql::query("DELETE FROM destinations").execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    due.await.unwrap();
    served.fixture.relay.queue_bell.notify_one();
}

#[tokio::test]
async fn a_letter_to_elsewhere_arrives_there() {
    let there = elsewhere().await;
    let smarthost = there.running.smtp.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = send(&alice, &[CAROL]).await;
    let carol = there.fixture.sign_in("carol").await;
    eventually(|| async { (carol.counts("inbox").await[0] == 1).then_some(()) }).await;
    let status = eventually(|| status(&alice, &submission, CAROL, "unknown")).await;
    assert!(status["smtpReply"].as_str().unwrap().starts_with("250"), "{status}");
}

#[tokio::test]
async fn a_destination_that_nothing_is_sent_to_any_more_is_forgotten() {
    let served = Served::start(&[], |_| ()).await;
    let note = served.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            let now = sealpost::clock::now();
            for (domain, days) in [("old.example", 8), ("new.example", 6)] {
                let at = now - days * 24 * 60 * 60 * 1000;
                store::note_failure(tx, domain, "unreachable", at, |_| 0).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    note.await.unwrap();
    let served = Served::open(served.stop().await, |_| ()).await;
    let known = async |domain| {
        let mut connection = served.fixture.relay.store.read().await.unwrap();
        store::has_failures(&mut connection, domain).await.unwrap()
    };
    eventually(|| async { (!known("old.example").await).then_some(()) }).await;
    assert!(known("new.example").await);
}

#[tokio::test]
async fn what_one_conversation_comes_to_is_written_once() {
    let there = ReceivingServer::start("250 fine").await;
    let smarthost = there.address.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let to: Vec<String> = (0..30).map(|number| format!("c{number}@elsewhere.example")).collect();
    let mut changes = here.fixture.relay.hub.own_changes();
    let submission = send(&alice, &to.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for address in &to {
        eventually(|| status(&alice, &submission, address, "unknown")).await;
    }
    let changes = std::iter::from_fn(|| changes.try_recv().ok());
    let of_submissions = changes.filter(|(_, changed)| changed.states.contains_key("EmailSubmission"));
    assert_eq!(of_submissions.count(), 2, "it was made, and all recipients told at once");
}

#[tokio::test]
async fn a_refused_letter_comes_back_sealed() {
    let there = elsewhere().await;
    let smarthost = there.running.smtp.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = send(&alice, &[CAROL, "nobody@elsewhere.example"]).await;
    let status = eventually(|| status(&alice, &submission, "nobody@elsewhere.example", "no")).await;
    assert!(status["smtpReply"].as_str().unwrap().starts_with("550 5.1.1"), "{status}");
    assert_eq!(alice.counts("inbox").await[0], 1);
    let bounce = alice.message(&alice.emails_in("inbox").await[0]).await;
    assert!(holds(&bounce, "mailer-daemon@sealpost.example"));
    assert!(!holds(&bounce, "nobody@elsewhere.example"), "what the bounce says is sealed");
    let carol = there.fixture.sign_in("carol").await;
    assert_eq!(carol.counts("inbox").await[0], 1, "the other recipient got it");
}

#[tokio::test]
async fn a_letter_waits_for_a_server_that_is_down_also_over_a_restart() {
    let there = elsewhere().await;
    let address = there.running.smtp;
    let there_folder = there.stop().await;
    let smarthost =
        |config: &mut sealpost::config::Config| config.smarthost = Some(address.to_string().parse().unwrap());
    let here = Served::start(&["alice"], smarthost).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = send(&alice, &[CAROL]).await;
    assert!(status(&alice, &submission, CAROL, "queued").await.is_some());
    // The first attempt fails at once; stopping waits for it.
    let here_folder = here.stop().await;
    let there = Served::open(there_folder, |config| {
        config.domain = "elsewhere.example".into();
        config.smtp_listen = address;
    })
    .await;
    let here = Served::open(here_folder, smarthost).await;
    let alice = here.fixture.sign_in("alice").await;
    eventually(|| async {
        make_due(&here).await;
        status(&alice, &submission, CAROL, "unknown").await
    })
    .await;
    let carol = there.fixture.sign_in("carol").await;
    assert_eq!(carol.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn a_relay_takes_no_mail_for_elsewhere() {
    let here =
        Served::start(&["alice"], |config| config.smarthost = Some("127.0.0.1:1".parse().unwrap())).await;
    let mut client = Client::greeted(here.running.smtp).await;
    client
        .transcript(&[("MAIL FROM:<a@b.example>", "250"), (&format!("RCPT TO:<{CAROL}>"), "550 5.7.1")])
        .await;
}

/// Accepts every message and then says nothing more, not even to QUIT.
async fn silent_server() -> std::net::SocketAddr {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                writer.write_all(b"220 hello\r\n").await.unwrap();
                let mut within = false;
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer: &[u8] = match line.as_str() {
                        "QUIT" => std::future::pending().await,
                        "." => b"250 2.0.0 taken\r\n",
                        _ if within => continue,
                        "DATA" => b"354 go on\r\n",
                        _ => b"250 fine\r\n",
                    };
                    within = line == "DATA";
                    writer.write_all(answer).await.unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_does_not_part_has_the_letter_all_the_same() {
    let smarthost = silent_server().await.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = send(&alice, &[CAROL]).await;
    let status = eventually(|| status(&alice, &submission, CAROL, "unknown")).await;
    assert_eq!(status["smtpReply"], "250 2.0.0 taken");
}

#[tokio::test]
async fn a_letter_whose_bytes_are_gone_is_returned() {
    let here =
        Served::start(&["alice"], |config| config.smarthost = Some("127.0.0.1:1".parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = send(&alice, &[CAROL]).await;
    let lose = here.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("DELETE FROM blobs").execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    lose.await.unwrap();
    let status = eventually(|| async {
        make_due(&here).await;
        status(&alice, &submission, CAROL, "no").await
    })
    .await;
    assert!(status["smtpReply"].as_str().unwrap().contains("lost"), "{status}");
    assert_eq!(alice.counts("inbox").await[0], 1, "the sender was told");
}

#[tokio::test]
async fn a_domain_that_no_name_service_has_is_tried_like_every_other() {
    let fixture = crate::support::Fixture::start().await;
    let steps = fixture.relay.store.write(|tx| {
        Box::pin(async move {
            for recipient in ["x@%", "x@a_b.example", "x@\\"] {
                let outgoing = Outgoing::new("a1".into(), ALICE.into(), recipient.into(), "b1".into());
                store::claim_blob(tx, &outgoing.blob, 0).await?;
                store::enqueue(tx, &outgoing, 1).await?;
            }
            let lease = Lease { owner: "p1".into(), from: 100, until: 1000 };
            let busy = Busy { domains: vec!["aXb.example".into()], ..Busy::default() };
            let mut taken = Vec::new();
            for _ in 0..3 {
                taken.extend(store::lease(tx, &lease, 100, true, &busy).await?);
            }
            Ok::<_, StoreError>(taken.len())
        })
    });
    assert_eq!(steps.await.unwrap(), 3);
}

#[tokio::test]
async fn what_is_taken_is_one_message_for_one_domain_and_the_busy_wait() {
    let fixture = crate::support::Fixture::start().await;
    let steps = fixture.relay.store.write(|tx| {
        Box::pin(async move {
            for (at, account, blob, recipient) in [
                (1, "a1", "b1", "x@one.example"),
                (2, "a1", "b1", "y@one.example"),
                (3, "a1", "b1", "z@two.example"),
                (4, "a1", "b2", "x@one.example"),
                (5, "a2", "b3", "x@two.example"),
                (900, "a2", "b3", "later@two.example"),
            ] {
                let outgoing = Outgoing::new(account.into(), ALICE.into(), recipient.into(), blob.into());
                store::claim_blob(tx, &outgoing.blob, 0).await?;
                store::enqueue(tx, &outgoing, at).await?;
            }
            let lease = Lease { owner: "p1".into(), from: 100, until: 1000 };
            let busy = Busy { accounts: vec!["a1".into()], ..Busy::default() };
            let full = Busy { domains: vec!["one.example".into()], ..Busy::default() };
            let mut steps = Vec::new();
            for busy in [&busy, &full, &Busy::default(), &Busy::default(), &Busy::default()] {
                let taken = store::lease(tx, &lease, 100, true, busy).await?;
                let mut taken: Vec<String> = taken
                    .into_iter()
                    .map(|queued| format!("{} {}", queued.outgoing.blob, queued.outgoing.recipient))
                    .collect();
                taken.sort();
                steps.push(taken);
            }
            Ok::<_, StoreError>(steps)
        })
    });
    let expected: [&[&str]; 5] = [
        &["b3 x@two.example"],
        &["b1 z@two.example"],
        &["b1 x@one.example", "b1 y@one.example"],
        &["b2 x@one.example"],
        &[],
    ];
    assert_eq!(steps.await.unwrap(), expected);
}

#[tokio::test]
async fn what_a_server_may_have_is_not_sent_again_at_once() {
    let there = ReceivingServer::answering("250 fine", 1).await;
    let smarthost = there.address.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let first = send(&alice, &[CAROL]).await;
    eventually(|| status(&alice, &first, CAROL, "unknown")).await;
    // The second goes over the same conversation, which breaks after its end.
    send(&alice, &[CAROL]).await;
    eventually(|| async {
        let mut connection = here.fixture.relay.store.read().await.unwrap();
        let text = "SELECT COUNT(*) FROM queue WHERE attempts = 1";
        let waiting = sql::query(text).fetch_one(&mut connection).await.unwrap();
        (waiting.try_get::<i64>(0).unwrap() == 1).then_some(())
    })
    .await;
    assert_eq!(there.taken().len(), 2);
}

#[tokio::test]
async fn a_message_that_is_refused_at_its_data_returns_no_other() {
    let there = ReceivingServer::refusing_data().await;
    let smarthost = there.address.to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let put_off = send(&alice, &[CAROL]).await;
    eventually(|| async {
        let mut connection = here.fixture.relay.store.read().await.unwrap();
        let text = "SELECT COUNT(*) FROM queue WHERE attempts = 1 AND leased_until = 0";
        let waiting = sql::query(text).fetch_one(&mut connection).await.unwrap();
        (waiting.try_get::<i64>(0).unwrap() == 1).then_some(())
    })
    .await;
    let next = send(&alice, &["dan@another.example"]).await;
    eventually(|| status(&alice, &next, "dan@another.example", "unknown")).await;
    make_due(&here).await;
    eventually(|| status(&alice, &put_off, CAROL, "unknown")).await;
    let commands = |message: &String| message.matches("MAIL FROM").count();
    assert_eq!(there.taken().iter().map(commands).collect::<Vec<_>>(), [2, 1], "over one conversation");
}
