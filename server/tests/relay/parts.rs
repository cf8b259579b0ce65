//! Methods that take messages apart: what they hold is bounded, however many ask at once.

use axum::http::StatusCode;
use futures::future::join_all;
use jmap::AccountId;
use serde_json::{Value, json};

use crate::hostile::{MEGABYTE, costs_at_most};
use crate::strangers::public;
use crate::support::{Binary, Client, Fixture, Served, clear_letter, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

#[tokio::test]
async fn parts_that_methods_ask_for_at_once_hold_little() {
    const LETTER: usize = 24 * MEGABYTE;
    let binary = Binary::start_with(&format!("log = 'error'\nmax_message_size = {LETTER}\n")).await;
    let mut letter = sealed_letter(ALICE, ALICE, "");
    letter.extend_from_slice(format!("{}\r\n", "QUJD".repeat(18)).repeat(320_000).as_bytes());
    let answer = binary.http(&format!("POST /jmap/upload/{}", binary.account), &letter).await;
    let blob = answer.split("\"blobId\":\"").nth(1).unwrap().split('"').next().unwrap();
    let ask = |id: String| {
        let get = json!({"accountId": binary.account, "ids": [id], "properties": ["digest:sha-256"]});
        json!({"using": [jmap::CORE, jmap::BLOB], "methodCalls": [["Blob/get", get, "a"]]}).to_string()
    };
    let whole_or_busy = |answers: Vec<(String, Value)>| {
        let mut digests = Vec::new();
        for (status, answer) in answers {
            assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
            let [name, answer, _] = answer["methodResponses"][0].as_array().unwrap().as_slice() else {
                panic!()
            };
            match name.as_str().unwrap() {
                "error" => assert_eq!(answer["type"], "serverUnavailable"),
                _ => digests.push(answer["list"][0]["digest:sha-256"].as_str().unwrap().to_owned()),
            }
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "some are served, and alike");
    };
    // Eight at once are what one account may ask.
    for id in [format!("p0-{blob}"), blob.to_owned()] {
        let request = ask(id);
        let harm = join_all((0..8).map(|_| binary.jmap(&request)));
        whole_or_busy(costs_at_most(&binary, 8 * LETTER, harm).await);
    }
}

#[tokio::test]
async fn what_methods_hold_ends_the_reading_of_a_request_and_no_download() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut letter = sealed_letter(ALICE, ALICE, "");
    let short = alice.upload(letter.clone()).await;
    letter.extend_from_slice(format!("{}\r\n", "QUJD".repeat(18)).repeat(2_000).as_bytes());
    let long = alice.upload(letter).await;
    let relay = &fixture.relay;
    let mut held = relay.reading.hold(&AccountId::from(alice.account.as_str()));
    held.grow(2 * relay.limits.largest()).unwrap();
    let get = |id: &str| ("Blob/get", json!({"ids": [id], "properties": ["size"]}));
    let calls = [get(&short), get(&long), get(&short), ("Mailbox/get", json!({"ids": []}))];
    let answers = alice.calls(&calls).await;
    let names: Vec<&str> = answers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Blob/get", "error", "error", "Mailbox/get"], "{answers:?}");
    assert_eq!(answers[2].1["type"], "serverUnavailable");
    let path = format!("/jmap/download/{}/p0-{long}/x", alice.account);
    assert_eq!(alice.get(&path).await.0, StatusCode::OK);
    drop(held);
    assert_eq!(alice.call("Blob/get", get(&long).1).await["list"][0]["id"], long);
}

#[tokio::test]
async fn short_blobs_count_together_where_a_letter_is_made_of_them() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    let inbox = news.mailbox("inbox").await;
    let mut attachments = Vec::new();
    for number in 0..3_u8 {
        attachments.push(json!({"blobId": news.upload(vec![number; 20_000]).await, "type": "image/png"}));
    }
    let relay = &fixture.relay;
    let mut held = relay.reading.hold(&AccountId::from(news.account.as_str()));
    held.grow(2 * relay.limits.largest()).unwrap();
    let create = |attachments: &[Value]| {
        let email = json!({"mailboxIds": {&inbox: true}, "attachments": attachments});
        ("Email/set", json!({"create": {"e": email}}))
    };
    let few = news.calls(&[create(&attachments[..1])]).await;
    assert!(few[0].1["created"]["e"]["id"].is_string(), "{few:?}");
    assert_eq!(news.refused("Email/set", create(&attachments).1).await, "serverUnavailable");
    drop(held);
    assert!(news.call("Email/set", create(&attachments).1).await["created"]["e"]["id"].is_string());
}

#[tokio::test]
async fn what_is_too_far_behind_to_be_found_is_not_shown_either() {
    let fixture = Fixture::start().await;
    let office = public(&fixture, "office").await;
    let letter = |lines: usize| {
        let mut letter = clear_letter(ALICE, "office@sealpost.example", "", "");
        letter.extend_from_slice(("many words\r\n".repeat(lines) + "A Needle\r\n").as_bytes());
        letter
    };
    let near = office.import(letter(10), "inbox", json!({})).await;
    let far = office.import(letter(100_000), "inbox", json!({})).await;
    let filter = json!({"body": "needle"});
    let found = office.call("Email/query", json!({"filter": filter})).await["ids"].clone();
    assert_eq!(found, json!([near]));
    let wanted = json!({"filter": filter, "emailIds": [near, far]});
    let told = office.call("SearchSnippet/get", wanted).await["list"].clone();
    let preview = |id: &str| {
        let of = told.as_array().unwrap().iter().find(|one| one["emailId"] == id).unwrap();
        of["preview"].clone()
    };
    assert!(preview(&near).as_str().unwrap().contains("A <mark>Needle</mark>"), "{told}");
    assert_eq!(preview(&far), Value::Null);
}

#[tokio::test]
async fn a_header_that_costs_more_than_mail_is_worth_comes_in_at_no_door() {
    let served = Served::start(&[], |_| ()).await;
    let office = public(&served.fixture, "office").await;
    let [parameters, words] = ["a*1=b;\r\n ", "word\r\n "].map(|line| line.repeat(60_000));
    for field in
        [format!("Content-Type: text/plain; {}a=b\r\n", &parameters[..90_000]), format!("X: {words}x\r\n")]
    {
        let letter = clear_letter(ALICE, "office@sealpost.example", &field, "hello");
        let mut client = Client::greeted(served.running.smtp).await;
        let reply = client.deliver(&["office@sealpost.example"], &letter).await;
        assert!(reply.starts_with("554 5.6.0"), "{reply}");
        let (blob, inbox) = (office.upload(letter).await, office.mailbox("inbox").await);
        let email = json!({"blobId": blob, "mailboxIds": {inbox: true}});
        let answer = office.call("Email/import", json!({"emails": {"k": email}})).await;
        assert_eq!(answer["notCreated"]["k"]["type"], "invalidEmail", "{answer}");
        let answer = office.call("Email/parse", json!({"blobIds": [blob]})).await;
        assert_eq!(answer["notParsable"], json!([blob]), "{answer}");
    }
    assert_eq!(office.counts("inbox").await[0], 0);
}

#[tokio::test]
async fn a_header_that_would_be_too_long_with_its_way_in_it_is_refused_at_the_door() {
    let served = Served::start(&[], |_| ()).await;
    let office = public(&served.fixture, "office").await;
    // Three more are in each letter, and 2,000 are read.
    for (fields, expected) in [(1_997, "554 5.6.0"), (1_990, "250")] {
        let letter =
            clear_letter("a@b.example", "office@sealpost.example", &"X: y\r\n".repeat(fields), "hello");
        let mut client = Client::greeted(served.running.smtp).await;
        let reply = client.deliver(&["office@sealpost.example"], &letter).await;
        assert!(reply.starts_with(expected), "{fields}: {reply}");
    }
    let came = office.emails_in("inbox").await;
    let got = office.call("Email/get", json!({"ids": came, "properties": ["from"]})).await;
    assert_eq!(got["list"][0]["from"][0]["email"], "a@b.example");
}

/// For how many nanoseconds the thread that runs this has worked.
fn worked() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_thread_that_serves_takes_no_long_message_apart() {
    let fixture = Fixture::start().await;
    let office = public(&fixture, "office").await;
    let part = format!("--b\r\n\r\n{}\r\n", "word ".repeat(200));
    let letter = format!(
        "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        part.repeat(5_000)
    );
    let letter = letter.into_bytes();
    let begun = worked();
    assert!(sealpost::parts::parse(&letter).unwrap().parts.len() > 5_000);
    let parsing = worked() - begun;
    let blob = office.upload(letter.clone()).await;
    let email = office.import(letter, "inbox", json!({})).await;
    for (method, which) in
        [("Email/get", json!({"ids": [email]})), ("Email/parse", json!({"blobIds": [blob]}))]
    {
        let mut asked = which;
        asked["properties"] = json!(["hasAttachment"]);
        let begun = worked();
        let answer = office.call(method, asked).await;
        let served = worked() - begun;
        assert!(answer.to_string().contains("hasAttachment"), "{answer}");
        assert!(served < parsing / 2, "{method}: {served} of {parsing}");
    }
}

#[tokio::test]
async fn a_zero_in_a_text_keeps_nothing_out_of_any_store() {
    let served = Served::start(&["alice"], |_| ()).await;
    let office = public(&served.fixture, "office").await;
    let to = ["office@sealpost.example", "alice@sealpost.example"];
    for (fields, body) in [
        ("Subject: =?utf-8?Q?a=00b?=\r\n", "zero"),
        ("Reply-To: =?utf-8?Q?a=00b?= <r@x.example>\r\n", "zero"),
        ("Content-Transfer-Encoding: quoted-printable\r\n", "zero=00"),
        ("Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n", "YQAAAGIA"),
        (
            "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''a%00b\r\n",
            "zero",
        ),
    ] {
        let letter = format!("From: <a@b.example>\r\n{fields}\r\n{body}\r\n");
        let mut client = Client::greeted(served.running.smtp).await;
        let reply = client.deliver(&to, letter.as_bytes()).await;
        assert!(reply.starts_with("250"), "{fields}: {reply}");
    }
    assert_eq!(office.counts("inbox").await[0], 5);
    let strange = "a\0b";
    let none = office.call("Email/get", json!({"ids": [strange]})).await;
    assert_eq!(none["notFound"], json!([strange]));
    let query = |filter: Value| office.call("Email/query", json!({"filter": filter}));
    assert_eq!(query(json!({"text": "zero"})).await["ids"].as_array().unwrap().len(), 3);
    assert_eq!(query(json!({"inMailbox": strange})).await["ids"], json!([]));
    let update = json!({"update": {strange: {"keywords/$seen": true}}});
    assert_eq!(office.call("Email/set", update).await["notUpdated"][strange]["type"], "notFound");
    for (method, property) in [("Identity/set", "name"), ("VacationResponse/set", "textBody")] {
        let id = office.call(&method.replace("set", "get"), json!({})).await["list"][0]["id"].clone();
        let update = json!({"update": {id.as_str().unwrap(): {property: strange}}});
        let answer = office.call(method, update).await;
        assert_eq!(answer["notUpdated"][id.as_str().unwrap()]["properties"], json!([property]), "{answer}");
    }
}
