//! Uploads and downloads, as large as messages may be.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
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

#[tokio::test]
async fn who_has_the_bytes_or_asks_for_the_header_alone_gets_none() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let blob = alice.upload(sealed_letter("a@b.example", "x@y.example", "")).await;
    let path = format!("/jmap/download/{}/{blob}/letter.eml", alice.account);
    let whole = alice.send(Request::get(&path), Body::empty()).await;
    let (length, tag) =
        (whole.headers()[header::CONTENT_LENGTH].clone(), whole.headers()[header::ETAG].clone());
    let known = alice.send(Request::get(&path).header(header::IF_NONE_MATCH, &tag), Body::empty()).await;
    assert_eq!((known.status(), &known.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
    // RFC 9110 14.2: ranges are for GET.
    let head = alice.send(Request::head(&path).header(header::RANGE, "bytes=0-3"), Body::empty()).await;
    assert_eq!((head.status(), &head.headers()[header::CONTENT_LENGTH]), (StatusCode::OK, &length));
    assert!(!head.headers().contains_key(header::CONTENT_RANGE));
}

#[tokio::test]
async fn who_asks_in_a_wrong_way_is_told_the_right_one() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    for (method, path, allow) in [
        ("PUT", "/", "GET,HEAD"),
        ("POST", "/nothing", "GET,HEAD"),
        ("GET", "/jmap/api", "POST"),
        ("DELETE", "/.well-known/jmap", "GET,HEAD"),
    ] {
        let refused = alice.send(Request::builder().method(method).uri(path), Body::empty()).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(refused.headers()[header::ALLOW], allow, "{method} {path}");
    }
    let refused = alice.send(Request::get("/jmap/websocket"), Body::empty()).await;
    assert_eq!(refused.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(refused.headers()[header::UPGRADE], "websocket");
    assert_eq!(refused.headers()[header::SEC_WEBSOCKET_VERSION], "13");
}
