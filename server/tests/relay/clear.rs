use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use smime::message::needs_door;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::support::{Binary, Person, ReceivingServer, Served, clear_letter, holds, json_of};

const ALICE: &str = "alice@sealpost.example";

async fn send(person: &Person, query: &str, message: Vec<u8>) -> (StatusCode, Value) {
    let request = Request::post(format!("/jmap/clear/{}?{query}", person.account));
    json_of(person.send(request, message).await).await
}

#[tokio::test]
async fn clear_mail_goes_out_now_and_is_kept_nowhere_readable() {
    let there = Served::start(&["carol"], |config| config.domain = "elsewhere.example".into()).await;
    let smarthost = there.running.smtp.to_string();
    let here =
        Served::start(&["alice", "bob"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let letter =
        clear_letter(ALICE, "carol@elsewhere.example", "Bcc: <secret@elsewhere.example>\r\n", "canary-77aa");
    let query = "mailFrom=alice%40sealpost.example&rcptTo=carol%40elsewhere.example\
                 &rcptTo=nobody%40elsewhere.example&rcptTo=bob%40sealpost.example&rcptTo=nobody%40sealpost.example";
    let (status, answer) = send(&alice, query, letter).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["accepted"], json!(["bob@sealpost.example", "carol@elsewhere.example"]));
    let refused: Vec<&str> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["address"].as_str().unwrap())
        .collect();
    assert_eq!(refused, ["nobody@sealpost.example", "nobody@elsewhere.example"]);
    assert!(answer["refused"][1]["reason"].as_str().unwrap().contains("5.1.1"));
    let bob = here.fixture.sign_in("bob").await;
    let message = bob.message(&bob.emails_in("inbox").await[0]).await;
    assert!(!needs_door(&message));
    assert!(!holds(&here.disk(), "canary-77aa"));
    assert!(!holds(&here.disk(), "secret@elsewhere.example"));
    assert_eq!(alice.counts("inbox").await[0], 0);
    let carol = there.fixture.sign_in("carol").await;
    assert_eq!(carol.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn a_server_that_is_down_is_told_at_once() {
    let here =
        Served::start(&["alice"], |config| config.smarthost = Some("127.0.0.1:1".parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let letter = clear_letter(ALICE, "carol@elsewhere.example", "", "hello");
    let query = "mailFrom=alice@sealpost.example&rcptTo=carol@elsewhere.example";
    let (status, answer) = send(&alice, query, letter).await;
    assert_eq!((status, answer["accepted"].clone()), (StatusCode::OK, json!([])));
    assert_eq!(answer["refused"][0]["address"], "carol@elsewhere.example");
}

#[tokio::test]
async fn nobody_sends_as_somebody_else() {
    let here = Served::start(&["alice", "bob"], |_| ()).await;
    let (alice, bob) = (here.fixture.sign_in("alice").await, here.fixture.sign_in("bob").await);
    let own = || clear_letter(ALICE, "bob@sealpost.example", "", "hello");
    let forged = clear_letter("bob@sealpost.example", "bob@sealpost.example", "", "hello");
    for (query, letter, status) in [
        ("mailFrom=alice@sealpost.example&rcptTo=bob@sealpost.example", forged, StatusCode::FORBIDDEN),
        ("mailFrom=bob@sealpost.example&rcptTo=bob@sealpost.example", own(), StatusCode::FORBIDDEN),
        ("mailFrom=alice@sealpost.example", own(), StatusCode::BAD_REQUEST),
        ("rcptTo=bob@sealpost.example", own(), StatusCode::BAD_REQUEST),
        ("mailFrom=alice@sealpost.example&rcptTo=a%0d%0ab@c", own(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(&alice, query, letter).await.0, status, "{query}");
    }
    let query = "mailFrom=alice@sealpost.example&rcptTo=bob@sealpost.example";
    let intruder = Person { account: alice.account.clone(), ..bob.clone() };
    assert_eq!(send(&intruder, query, own()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(bob.counts("inbox").await[0], 0);
}

#[tokio::test]
async fn a_message_goes_once_to_each_recipient() {
    let here = Served::start(&["alice", "bob", "carol"], |_| ()).await;
    let alice = here.fixture.sign_in("alice").await;
    let letter = || clear_letter(ALICE, "bob@sealpost.example", "Message-ID: <once@a>\r\n", "hello");
    let query = "mailFrom=alice@sealpost.example&rcptTo=bob@sealpost.example";
    let nobody = format!("{query}&rcptTo=nobody@sealpost.example");
    assert_eq!(send(&alice, &nobody, letter()).await.0, StatusCode::OK);
    assert_eq!(send(&alice, query, letter()).await.0, StatusCode::CONFLICT);
    let (status, answer) = send(&alice, &format!("{query}&rcptTo=carol@sealpost.example"), letter()).await;
    assert_eq!((status, answer["accepted"].as_array().unwrap().len()), (StatusCode::OK, 2), "{answer}");
    // Whom it did not reach may be tried again.
    let answer =
        send(&alice, "mailFrom=alice@sealpost.example&rcptTo=nobody@sealpost.example", letter()).await;
    assert_eq!((answer.0, answer.1["refused"].as_array().unwrap().len()), (StatusCode::OK, 1));
    for name in ["bob", "carol"] {
        assert_eq!(here.fixture.sign_in(name).await.counts("inbox").await[0], 1);
    }
}

#[tokio::test]
async fn a_message_with_two_authors_is_nobodys() {
    let here = Served::start(&["alice", "bob"], |_| ()).await;
    let alice = here.fixture.sign_in("alice").await;
    let query = "mailFrom=alice@sealpost.example&rcptTo=bob@sealpost.example";
    for authors in [
        "From: <b@b.example>\r\nFrom: <alice@sealpost.example>",
        "From: <alice@sealpost.example>\r\nFrom: <b@b.example>",
    ] {
        let message = format!("{authors}\r\nTo: <bob@sealpost.example>\r\n\r\nhi\r\n").into_bytes();
        assert_eq!(send(&alice, query, message).await.0, StatusCode::FORBIDDEN, "{authors}");
    }
}

#[tokio::test]
async fn what_is_still_being_sent_is_not_said_to_be_sent() {
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smarthost = slow.local_addr().unwrap().to_string();
    let here = Served::start(&["alice"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let letter = || clear_letter(ALICE, "carol@elsewhere.example", "Message-ID: <slow@a>\r\n", "hello");
    let query = "mailFrom=alice@sealpost.example&rcptTo=carol@elsewhere.example";
    let (person, message) = (alice.clone(), letter());
    let first = tokio::spawn(async move { send(&person, query, message).await });
    let (conversation, _) = slow.accept().await.unwrap();
    let path = format!("/jmap/clear/{}?{query}", alice.account);
    let second = alice.send(Request::post(&path), letter()).await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(second.headers().contains_key(header::RETRY_AFTER));
    drop(conversation);
    let (status, answer) = first.await.unwrap();
    assert_eq!((status, answer["accepted"].clone()), (StatusCode::OK, json!([])));
    drop(slow);
    let (status, answer) = send(&alice, query, letter()).await;
    assert_eq!((status, answer["refused"].as_array().unwrap().len()), (StatusCode::OK, 1), "{answer}");
}

#[tokio::test]
async fn what_a_crash_kept_from_being_sent_goes_out_when_it_is_sent_again() {
    let (slow, there) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), ReceivingServer::start("250 fine").await);
    let (silent, working) = (slow.local_addr().unwrap().to_string(), there.address.to_string());
    let mut binary = Binary::start_with(&format!("log = 'error'\nsmarthost = '{silent}'\n")).await;
    let letter = clear_letter(ALICE, "carol@elsewhere.example", "Message-ID: <cut@a>\r\n", "hello");
    let request =
        format!("POST /jmap/clear/{}?mailFrom={ALICE}&rcptTo=carol@elsewhere.example", binary.account);
    tokio::select! {
        answer = binary.http(&request, &letter) => panic!("{answer}"),
        conversation = slow.accept() => { conversation.unwrap(); }
    }
    binary.configure(|config| config.replace(&silent, &working));
    binary.restart();
    // Of a process of many it is known only after a while that it is gone.
    let mut answer = binary.http(&request, &letter).await;
    while answer.starts_with("HTTP/1.1 503") {
        sleep(Duration::from_secs(1)).await;
        answer = binary.http(&request, &letter).await;
    }
    assert!(answer.contains(r#""accepted":["carol@elsewhere.example"]"#), "{answer}");
    assert!(binary.http(&request, &letter).await.starts_with("HTTP/1.1 409"));
    assert_eq!(there.taken().len(), 1);
}

#[tokio::test]
async fn the_case_of_an_address_counts_elsewhere_and_not_here() {
    let there = ReceivingServer::start("250 fine").await;
    let smarthost = there.address.to_string();
    let here =
        Served::start(&["alice", "bob"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let letter = || clear_letter(ALICE, "bob@sealpost.example", "Message-ID: <case@a>\r\n", "hello");
    let query = |to: &[&str]| format!("mailFrom={ALICE}&rcptTo={}", to.join("&rcptTo="));
    let first = query(&["Bob@sealpost.example", "bob@Sealpost.example", "carol@elsewhere.example"]);
    let (_, answer) = send(&alice, &first, letter()).await;
    assert_eq!(answer["accepted"], json!(["bob@sealpost.example", "carol@elsewhere.example"]));
    let again = query(&["BOB@sealpost.example", "carol@Elsewhere.example"]);
    assert_eq!(send(&alice, &again, letter()).await.0, StatusCode::CONFLICT);
    // RFC 5321 2.4: there they may be two.
    let (_, answer) = send(&alice, &query(&["Carol@elsewhere.example"]), letter()).await;
    assert_eq!(answer["accepted"], json!(["Carol@elsewhere.example"]));
    assert_eq!(there.taken().len(), 2, "it went there, and is not only said to have gone before");
    assert_eq!(here.fixture.sign_in("bob").await.counts("inbox").await[0], 1);
}
