//! Answers that nobody reads.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{ALICE, MEGABYTE, connect_from, costs_at_most, first_line, flood};
use crate::support::{Binary, eventually, sealed_letter};

#[tokio::test]
async fn answers_that_nobody_reads_hold_little() {
    let binary = Binary::start().await;
    let echo = "x".repeat(9 * MEGABYTE);
    let request =
        format!(r#"{{"using":["{0}"],"methodCalls":[["Core/echo",{{"x":"{echo}"}},"a"]]}}"#, jmap::CORE);
    let head = format!(
        "POST /jmap/api HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        binary.http,
        binary.cookie(),
        request.len()
    );
    let request = [head.as_bytes(), request.as_bytes()].concat();
    let harm = async {
        let mut open = Vec::new();
        // One after the other: what is held is answers.
        for _ in 0..40 {
            let mut stream = flood(&binary, 1, &request).await.remove(0);
            first_line(&mut stream).await;
            open.push(stream);
        }
        open
    };
    let open = costs_at_most(&binary, 256 * MEGABYTE, harm).await;
    drop(open);
    let empty = r#"{"using":["urn:ietf:params:jmap:core"],"methodCalls":[]}"#;
    // The turns are free again.
    eventually(async || (binary.jmap(empty).await.0 == "HTTP/1.1 200 OK").then_some(())).await;
}

#[tokio::test]
async fn answers_are_counted_as_they_are_made() {
    // One account may hold two of the longest requests, of 10 MB.
    let binary = Binary::start_with(&format!("log = 'error'\nmax_message_size = {}\n", 2 * MEGABYTE)).await;
    let mut letter = sealed_letter(ALICE, ALICE, "");
    letter.extend_from_slice(format!("{}\r\n", "QUJD".repeat(18)).repeat(20_000).as_bytes());
    let answer = binary.http(&format!("POST /jmap/upload/{}", binary.account), &letter).await;
    let blob = answer.split("\"blobId\":\"").nth(1).unwrap().split('"').next().unwrap();
    let get = format!(
        r#"["Blob/get",{{"accountId":"{}","ids":["{blob}"],"properties":["data:asBase64"]}},"a"]"#,
        binary.account
    );
    let request = format!(
        r#"{{"using":["{}","{}"],"methodCalls":[{}]}}"#,
        jmap::CORE,
        jmap::BLOB,
        [get.as_str(); 8].join(",")
    );
    let head = format!(
        "POST /jmap/api HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        binary.http,
        binary.cookie(),
        request.len()
    );
    let mut open = Vec::new();
    for _ in 0..6 {
        let mut stream = flood(&binary, 1, format!("{head}{request}").as_bytes()).await.remove(0);
        assert!(first_line(&mut stream).await.starts_with("HTTP/1.1 200"));
        open.push(stream);
    }
    let mut refused = Vec::new();
    for stream in &mut open {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        refused.push(answer.matches("serverUnavailable").count());
    }
    // The first is held whole, for the system does not take it all.
    assert!(refused[0] == 0 && refused[1..].iter().all(|refused| *refused > 0), "{refused:?}");
}

#[tokio::test]
async fn parts_that_nobody_reads_hold_little() {
    let binary = Binary::start_with(&format!("log = 'error'\nmax_message_size = {}\n", 16 * MEGABYTE)).await;
    let mut letter = sealed_letter(ALICE, ALICE, "");
    letter.extend_from_slice(format!("{}\r\n", "QUJD".repeat(18)).repeat(200_000).as_bytes());
    let answer = binary.http(&format!("POST /jmap/upload/{}", binary.account), &letter).await;
    let blob = answer.split("\"blobId\":\"").nth(1).unwrap().split('"').next().unwrap();
    let request = format!(
        "GET /jmap/download/{}/p0-{blob}/x HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
        binary.account,
        binary.http,
        binary.cookie()
    );
    let harm = async {
        let mut open = flood(&binary, 60, request.as_bytes()).await;
        let mut refused = 0;
        for stream in &mut open {
            let line = first_line(stream).await;
            assert!(line.starts_with("HTTP/1.1 200") || line.starts_with("HTTP/1.1 503"), "{line}");
            refused += usize::from(line.starts_with("HTTP/1.1 503") && line.contains("retry-after: 5"));
        }
        assert!(refused > 40, "{refused}");
        open
    };
    let open = costs_at_most(&binary, 224 * MEGABYTE, harm).await;
    drop(open);
    let path = format!("GET /jmap/download/{}/p0-{blob}/x", binary.account);
    eventually(async || binary.http(&path, b"").await.starts_with("HTTP/1.1 200").then_some(())).await;
}

#[tokio::test]
async fn a_flood_of_commands_whose_answers_nobody_reads_is_held_back() {
    let binary = Binary::start().await;
    let harm = async {
        let mut open = Vec::new();
        for host in 0..20 {
            let mut stream = connect_from(host, binary.smtp).await;
            let flood = async {
                let lines = b"NOOP\r\n".repeat(10_000);
                // 30 MB of commands would be answered with 70 MB; sending stops where reading does.
                for _ in 0..500 {
                    if stream.write_all(&lines).await.is_err() {
                        break;
                    }
                }
            };
            timeout(Duration::from_millis(400), flood).await.ok();
            open.push(stream);
        }
        open
    };
    costs_at_most(&binary, 32 * MEGABYTE, harm).await;
}
