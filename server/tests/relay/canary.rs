//! Words of letters that came in clear, and of people's secrets: they are searched for wherever a relay writes, while
//! it runs with every log it has, and when it dies.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::s3::S3Server;
use crate::support::{Binary, Client, clear_letter, disk, eventually, free_addresses, gather, holds, skip};

const ALICE: &str = "alice@sealpost.example";
/// Of a subject and a text, of an attachment, of a search, and of a password that was mistyped.
const WORDS: [&str; 4] = ["kabitelunosavire", "gorumipetalidowa", "zenopavulitarike", "wubadosenirotapi"];

/// The word as it stands, and within base64 wherever it begins there.
fn disguises(word: &str) -> Vec<String> {
    let within = (0..3).map(|shift| {
        let encoded = STANDARD_NO_PAD.encode(format!("{}{word}", "x".repeat(shift)));
        // The letters at the edges depend on what stands beside.
        encoded[(shift * 8).div_ceil(6)..encoded.len() - 2].to_owned()
    });
    within.chain([word.to_owned(), word.to_uppercase()]).collect()
}

fn found(place: &[u8]) -> Vec<String> {
    let all = WORDS.iter().flat_map(|word| disguises(word));
    all.filter(|word| holds(place, word)).collect()
}

/// A letter with an attachment; the large one does not fit into the database.
fn letter(octets: usize) -> Vec<u8> {
    let [text, attached, ..] = WORDS;
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: text/csv; name={attached}.csv\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        STANDARD_NO_PAD
            .encode(attached.repeat(octets / attached.len()))
            .as_bytes()
            .chunks(76)
            .map(|line| { String::from_utf8_lossy(line).into_owned() + "\r\n" })
            .collect::<String>()
    );
    let fields =
        format!("Comments: {text}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n");
    let head = clear_letter("carol@outside.example", ALICE, &fields, text);
    [head.as_slice(), body.as_bytes()].concat()
}

/// What people do with their mail.
async fn use_it(binary: &Binary) {
    let mut client = Client::greeted(binary.smtp).await;
    for octets in [100, 300_000] {
        assert!(client.deliver(&[ALICE], &letter(octets)).await.starts_with("250"));
    }
    // What is refused and what breaks off is not kept either.
    client.transcript(&[("MAIL FROM:<a@b.example>", "250"), (&format!("RCPT TO:<{ALICE}>"), "250")]).await;
    client.write("DATA\r\n").await;
    client.write(letter(100)).await;
    drop(client);
    let [text, attached, sought, mistyped] = WORDS;
    let mistyped = format!(r#"{{"username":"{ALICE}","password":"{mistyped}"}}"#);
    assert!(binary.http("POST /auth/sign-in", mistyped.as_bytes()).await.starts_with("HTTP/1.1 401"));
    let upload = format!("POST /jmap/upload/{}", binary.account);
    assert!(binary.http(&upload, &letter(300_000)).await.starts_with("HTTP/1.1 422"));
    let search = format!(
        r#"{{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[
        ["Email/query",{{"accountId":"@","filter":{{"text":"{sought}"}}}},"a"],
        ["Core/echo",{{"{text}":"{attached}"}},"b"],["Email/query",{{"accountId":"@"}},"c"]]}}"#
    );
    let (status, answer) = binary.jmap(&search).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(answer["methodResponses"][2][1]["ids"].as_array().unwrap().len(), 2, "{answer}");
    binary.http(&format!("GET /jmap/{sought}?q={sought}"), b"").await;
}

async fn get(address: std::net::SocketAddr, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[test]
fn the_search_finds_a_word_that_is_there() {
    for word in disguises(WORDS[0]) {
        assert_eq!(found(format!("before {word} behind").as_bytes()), [word]);
    }
    assert!(found(b"nothing").is_empty());
    assert!(found(&letter(300_000)).len() >= 3);
}

#[tokio::test]
async fn no_word_is_in_any_store_log_or_figure_even_where_everything_is_logged() {
    let (logs, [figures]) = (std::env::temp_dir().join(sealpost::random::id('t')), free_addresses());
    let mut server = S3Server::chosen();
    let bucket = match &mut server {
        Some(server) => {
            server.start().await;
            server.toml(&std::env::temp_dir().join(sealpost::random::id('c')))
        }
        None => String::new(),
    };
    let more =
        format!("log = 'trace'\nlog_folder = '{}'\nmetrics_listen = '{figures}'\n{bucket}", logs.display());
    let binary = Binary::start_with(&more).await;
    use_it(&binary).await;
    let log = || {
        let mut all = Vec::new();
        gather(&logs, &mut all);
        all
    };
    eventually(|| async { holds(&log(), "mail taken").then_some(()) }).await;
    let told = String::from_utf8_lossy(&log()).into_owned();
    assert!(told.contains("\"level\":\"TRACE\""), "everything is logged");
    assert_eq!(found(told.as_bytes()), [""; 0]);
    for person in ["carol@", "alice@", "outside.example"] {
        let line = told.lines().find(|line| line.contains(person));
        assert_eq!(line, None, "{person}");
    }
    assert_eq!(found(&get(figures, "/metrics").await), [""; 0]);
    assert_eq!(found(&disk(&binary.folder)), [""; 0]);
    if let Some(server) = &server {
        let kept = server.contents().await;
        assert!(kept.len() > 300_000, "the large letter is there: {}", String::from_utf8_lossy(&kept));
        assert_eq!(found(&kept), [""; 0]);
    }
    std::fs::remove_dir_all(logs).unwrap();
}

/// Whether a process that dies leaves a core here.
fn leaves_core(folder: &Path) -> bool {
    let script = "ulimit -c unlimited; sh -c 'kill -ABRT $$'";
    Command::new("sh").args(["-c", script]).current_dir(folder).status().unwrap();
    cores(folder) > 0
}

fn cores(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with("core")).count()
}

#[tokio::test]
async fn a_relay_that_dies_leaves_no_core() {
    let test = "a_relay_that_dies_leaves_no_core";
    let folder = std::env::temp_dir().join(sealpost::random::id('t'));
    std::fs::create_dir(&folder).unwrap();
    if !leaves_core(&folder) {
        return skip(test, "this machine keeps cores elsewhere, or none");
    }
    let before = cores(&folder);
    let mut binary = Binary::start_in(&folder, "log = 'error'\n").await;
    use_it(&binary).await;
    binary.signal("-ABRT");
    assert!(!eventually(|| std::future::ready(binary.ended())).await);
    assert_eq!(cores(&folder), before);
    std::fs::remove_dir_all(folder).unwrap();
}
