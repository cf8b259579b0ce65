//! Files that change behind the relay.

use axum::http::Request;
use axum::http::StatusCode;
use axum::http::header::RANGE;
use sealpost::blobs::BlobError;
use sealpost::check::check;
use sealpost::progress::Progress;
use serde_json::json;

use super::ALICE;
use crate::blobs::files;
use crate::support::{Fixture, sealed_letter};

#[tokio::test]
async fn a_file_that_is_cut_off_or_altered_is_never_read_as_the_blob() {
    let fixture = Fixture::start().await;
    let (relay, alice) = (&fixture.relay, fixture.sign_in("alice").await);
    let letter = sealed_letter(ALICE, ALICE, &format!("References: {}\r\n", "<x@y>".repeat(30_000)));
    let email = alice.import(letter.clone(), "inbox", json!({})).await;
    let id = sealpost::blobs::id(&letter);
    let file = files(&fixture.folder.path().join("data/blobs")).remove(0);
    let download = format!("/jmap/download/{}/{id}/x?accept=application/octet-stream", alice.account);
    let half = letter[..letter.len() / 2].to_vec();
    let mut zeros = letter.clone();
    zeros[letter.len() / 2..].fill(0);
    for (damaged, is_shorter) in [(half, true), (Vec::new(), true), (zeros, false)] {
        std::fs::write(&file, &damaged).unwrap();
        let read = relay.blobs.read_any(&relay.store, &id).await;
        assert!(matches!(read, Err(BlobError::Damaged)), "{} octets", damaged.len());
        let report = check(relay, false, &Progress::silent()).await.unwrap();
        let told = report.findings.iter().map(|(finding, _)| finding.to_string()).collect::<String>();
        assert!(told.contains(id.as_str()) && told.contains("damaged"), "{told}");
        if is_shorter {
            assert!(relay.blobs.read_start(&relay.store, &id).await.is_err());
            for range in ["bytes=0-", "bytes=0-9", "bytes=100000-"] {
                let answer = alice.send(Request::get(&download).header(RANGE, range), "").await;
                assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{range}");
            }
        }
    }
    std::fs::write(&file, &letter).unwrap();
    assert_eq!(alice.message(&email).await, letter);
}
