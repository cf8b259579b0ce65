//! Uploads and downloads, as large as messages may be.

use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Binary, Fixture, Person, disk, gather, holds, json_of, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const MEGABYTE: usize = 1024 * 1024;

/// A sealed letter that goes on for long.
fn long_letter(octets: usize) -> Vec<u8> {
    let mut letter = sealed_letter(ALICE, ALICE, "");
    let line = format!("{}\r\n", "QUJD".repeat(18));
    while letter.len() < octets {
        letter.extend_from_slice(line.as_bytes());
    }
    letter
}

#[tokio::test]
async fn a_message_of_sixty_megabytes_goes_in_and_out_without_being_held_in_memory() {
    let binary = Binary::start().await;
    let letter = long_letter(60 * MEGABYTE);
    let before = binary.memory("VmRSS");
    let answer = binary.http(&format!("POST /jmap/upload/{}", binary.account), &letter).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let blob = answer.split("\"blobId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(blob, sealpost::blobs::id(&letter).to_string());
    let path = format!("GET /jmap/download/{}/{blob}/letter.eml", binary.account);
    let answer = binary.http(&path, b"").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", letter.len())), "{head}");
    assert!(body.as_bytes() == letter, "what went in comes out");
    let held = binary.memory("VmHWM").saturating_sub(before);
    assert!(held < 12 * MEGABYTE, "{} MB more were held", held / MEGABYTE);
}

async fn upload(person: &Person, body: Vec<u8>) -> (StatusCode, serde_json::Value) {
    let chunks =
        body.chunks(100_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>();
    let body = axum::body::Body::from_stream(futures::stream::iter(chunks));
    json_of(person.send(Request::post(format!("/jmap/upload/{}", person.account)), body).await).await
}

#[tokio::test]
async fn what_is_in_clear_anywhere_in_a_long_upload_is_refused_and_leaves_nothing() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let clear = format!("From: {ALICE}\r\nSubject: canary-one\r\n\r\n{}", "canary-one ".repeat(200_000));
    let mut behind = long_letter(2 * MEGABYTE);
    behind.extend_from_slice(b"\r\n--canary-two--\r\n");
    let mut early = sealed_letter(ALICE, ALICE, "");
    early.extend_from_slice("\r\ncanary three\r\n".repeat(100_000).as_bytes());
    for body in [clear.into_bytes(), behind, early] {
        let (status, answer) = upload(&alice, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    }
    // That the file is removed is not waited for.
    let files = fixture.folder.path().join("data/blobs");
    let left = async || {
        let mut all = Vec::new();
        gather(&files, &mut all);
        all.is_empty().then_some(())
    };
    crate::support::eventually(left).await;
    for canary in ["canary-one", "canary-two", "canary three"] {
        assert!(!holds(&disk(&fixture.folder), canary));
    }
    let whole = long_letter(2 * MEGABYTE);
    let (status, answer) = upload(&alice, whole.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let id = sealpost::blobs::id(&whole);
    let kept = fixture.relay.blobs.read_any(&fixture.relay.store, &id).await;
    assert!(kept.unwrap() == whole);
    let (status, _) = upload(&alice, vec![b'A'; 64 * MEGABYTE + 1]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_it_was() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let letter = long_letter(300_000);
    // RFC 9404: the part that arrived is a blob, and the whole is made of it and of what is sent later.
    let first = alice.upload(letter.get(..200_000).unwrap().to_vec()).await;
    let rest = std::str::from_utf8(letter.get(200_000..).unwrap()).unwrap();
    let create = json!({"k": {"data": [{"blobId": first}, {"data:asText": rest}], "type": "message/rfc822"}});
    let made = alice.call("Blob/upload", json!({"create": create})).await;
    assert_eq!(made["created"]["k"]["id"], sealpost::blobs::id(&letter).to_string(), "{made}");
}
