//! The real binary, killed without warning.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::support::{Folder, PASSWORD, Served, clear_letter, database, free_addresses};

const ALICE: &str = "alice@sealpost.example";

fn start(folder: &Folder, http: u16, smtp: u16) -> Child {
    let config = folder.path().join("sealpost.toml");
    let data = folder.path().join("data");
    let text = format!(
        "listen = '127.0.0.1:{http}'\nsmtp_listen = '127.0.0.1:{smtp}'\ndata = '{}'\nlog = 'error'\n{}",
        data.display(),
        database_line(folder)
    );
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .args(["serve", "--config"])
        .arg(&config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, format!("Sealpost is ready: http://localhost:{http}\n"));
    child
}

fn database_line(folder: &Folder) -> String {
    database(folder).map_or_else(String::new, |database| format!("database = '{}'\n", database.url()))
}

/// Delivers letters until the server dies; remembers those it was told are safe.
async fn deliver(server: SocketAddr, sender: usize, safe: Arc<Mutex<Vec<String>>>, count: Arc<AtomicUsize>) {
    let Ok(stream) = tokio::net::TcpStream::connect(server).await else { return };
    let (reader, mut writer) = stream.into_split();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(reader));
    for number in 0.. {
        let id = format!("{sender}-{number}@crash.example");
        let letter = clear_letter("a@b.example", ALICE, &format!("Message-ID: <{id}>\r\n"), "survive");
        let hello = if number == 0 { "HELO x\r\n" } else { "" };
        let mut talk =
            format!("{hello}MAIL FROM:<a@b.example>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n").into_bytes();
        talk.extend(letter);
        talk.extend(b".\r\n");
        if writer.write_all(&talk).await.is_err() {
            return;
        }
        loop {
            match lines.next_line().await {
                Ok(Some(line)) if line == "250 2.0.0 taken" => break,
                Ok(Some(_)) => {}
                _ => return,
            }
        }
        safe.lock().unwrap().push(id);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_letter_answered_with_250_is_there_after_a_kill() {
    let folder = Arc::new(Folder::new());
    let [http, smtp] = free_addresses().map(|address| address.port());
    let password = folder.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let data = folder.path().join("account.toml");
    let text = format!("data = '{}'\n{}", folder.path().join("data").display(), database_line(&folder));
    std::fs::write(&data, text).unwrap();
    let added = Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .args(["account", "add", ALICE, "--name", "Alice", "--password-file"])
        .arg(&password)
        .arg("--config")
        .arg(&data)
        .status()
        .unwrap();
    assert!(added.success());

    let safe = Arc::new(Mutex::new(Vec::new()));
    for round in 0..3 {
        let mut child = start(&folder, http, smtp);
        let count = Arc::new(AtomicUsize::new(0));
        let server = SocketAddr::from(([127, 0, 0, 1], smtp));
        let senders: Vec<_> = (0..8)
            .map(|n| tokio::spawn(deliver(server, round * 8 + n, Arc::clone(&safe), Arc::clone(&count))))
            .collect();
        while count.load(Ordering::Relaxed) < 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // On Unix this is SIGKILL: nothing is finished, nothing is flushed.
        child.kill().unwrap();
        child.wait().unwrap();
        for sender in senders {
            sender.await.unwrap();
        }
    }

    let served = Served::open(Arc::clone(&folder), |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let mut found = std::collections::HashMap::<String, usize>::new();
    for email in alice.emails_in("inbox").await {
        let get = serde_json::json!({"ids": [email], "properties": ["messageId", "blobId"]});
        let answer = alice.call("Email/get", get).await;
        *found.entry(answer["list"][0]["messageId"][0].as_str().unwrap().to_owned()).or_default() += 1;
        assert!(alice.message(&email).await.len() > 500, "its bytes are there too");
    }
    let safe = safe.lock().unwrap().clone();
    assert!(safe.len() >= 60);
    for id in safe.iter() {
        assert_eq!(found.get(id), Some(&1), "{id} was acknowledged");
    }
    let counted = usize::try_from(alice.counts("inbox").await[0]).unwrap();
    assert_eq!(counted, found.values().sum::<usize>(), "the counts are right");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_the_relay_cleanly() {
    let folder = Folder::new();
    let [http, smtp] = free_addresses().map(|address| address.port());
    let mut child = start(&folder, http, smtp);
    let done = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(done.success());
    assert!(child.wait().unwrap().success());
}
