//! More is asked than can be done: what goes beyond is refused with a time to come again, and whoever asks little
//! does not wait behind whoever asks much. The real program, while its database lets nobody write.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealpost::people;
use sealpost::relay::Relay;
use sealpost::session::{self, app_password};
use sealpost::store::sql::{self, Connection};
use sealpost::store::{self, AccountKind, NewAccount, StoreError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::faults::process::{self, Process};
use crate::support::{Folder, PASSWORD, config, eventually, on_postgres, run, text};

/// With eight requests of each, more than are worked on and may wait.
const MANY: usize = 150;
const AT_ONCE: usize = 8;
/// Of those are sent away at least.
const BEYOND: usize = 50;
/// How long it is waited for somebody to be sent away: a writer that is held up gives up at some time.
const LONGEST: Duration = Duration::from_secs(5);
/// How often is looked.
const PAUSE: Duration = Duration::from_millis(20);

/// Somebody with an app password.
#[derive(Clone)]
struct Program {
    account: String,
    password: String,
}

async fn make(relay: &Relay, name: &str, organisation: &str, hash: &str) -> Program {
    let new = NewAccount {
        address: format!("{name}@sealpost.example"),
        name: name.into(),
        kind: AccountKind::Personal,
        organisation: Some(organisation.into()),
        password: hash.into(),
    };
    let account = people::add(relay, new).await.unwrap();
    let owner = account.clone();
    let issue =
        relay.store.write(move |tx| Box::pin(async move { app_password::issue(tx, &owner, "x").await }));
    let password = issue.await.map_err(|error: StoreError| error).unwrap();
    Program { account: account.to_string(), password }
}

impl Program {
    /// One request on a connection of its own; its answer, with the head.
    async fn ask(&self, server: SocketAddr, method: &str, mut arguments: Value, padding: usize) -> String {
        arguments["accountId"] = json!(self.account);
        let request = json!({"using": [jmap::CORE, jmap::MAIL], "methodCalls": [[method, arguments, "c"]]});
        let body = request.to_string() + &" ".repeat(padding);
        let head = format!(
            "POST /jmap/api HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.password,
            body.len()
        );
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok();
        answer
    }
}

/// Holds up whoever writes, until this is ended.
async fn nobody_writes(relay: &Relay) -> Connection {
    let mut writing = relay.store.writing().await.unwrap();
    if on_postgres().is_some() {
        sql::script(&mut writing, "LOCK TABLE mailboxes IN EXCLUSIVE MODE").await.unwrap();
    }
    writing
}

/// How many have ended, once no more of them end by themselves: all have asked.
async fn settled(ended: &Mutex<Vec<(&str, String)>>) -> usize {
    let mut before = usize::MAX;
    loop {
        let now = ended.lock().await.len();
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(PAUSE * 5).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_that_cannot_be_kept_now_is_put_off_and_taken_when_it_comes_again() {
    let folder = Arc::new(Folder::new());
    process::bring_program(&folder);
    let relay = Relay::open(config(&folder)).await.unwrap();
    make(&relay, "modest", "small", &session::hash(PASSWORD).unwrap()).await;
    let mut process = Process::start(&folder, 0, "", |command| command);
    let port = process.smtp.port().to_string();
    let send = async || {
        let mut swaks = Command::new("swaks");
        swaks.args(["--server", "127.0.0.1", "--port", &port, "--timeout", "100"]);
        swaks.args(["--from", "carol@outside.example", "--to", "modest@sealpost.example"]);
        run(swaks, "").await
    };
    let mut writing = nobody_writes(&relay).await;
    let put_off = send().await;
    assert!(!put_off.status.success() && text(&put_off).contains("<** 451 4.3.0 "), "{}", text(&put_off));
    store::end_writing(&mut writing, false).await.unwrap();
    let taken = send().await;
    assert!(taken.status.success() && text(&taken).contains("250 2.0.0 taken"), "{}", text(&taken));
    process.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_little_is_served_soon_and_what_goes_beyond_is_told_to_come_again() {
    let folder = Arc::new(Folder::new());
    process::bring_program(&folder);
    let relay = Relay::open(config(&folder)).await.unwrap();
    let hash = session::hash(PASSWORD).unwrap();
    let mut greedy = Vec::new();
    for number in 0..MANY {
        greedy.push(make(&relay, &format!("greedy{number}"), "big", &hash).await);
    }
    let modest = make(&relay, "modest", "small", &hash).await;
    let mut process = Process::start(&folder, 0, "", |command| command);
    let server = process.http;
    // From here on who has a place keeps it.
    let mut writing = nobody_writes(&relay).await;
    let ended: Arc<Mutex<Vec<(&str, String)>>> = Arc::default();
    let mut asked = JoinSet::new();
    for number in 0..MANY * AT_ONCE {
        let (program, ended) = (greedy[number / AT_ONCE].clone(), Arc::clone(&ended));
        asked.spawn(async move {
            let create = json!({"create": {"m": {"name": format!("m{number}")}}});
            let answer = program.ask(server, "Mailbox/set", create, 0).await;
            ended.lock().await.push(("greedy", answer));
        });
    }
    let began = Instant::now();
    // Nobody is served yet: who ended was refused.
    eventually(async || (ended.lock().await.len() > BEYOND).then_some(())).await;
    for (name, method, padding) in [("long", "Core/echo", 100_000), ("short", "Email/query", 0)] {
        let before = settled(&ended).await;
        let (program, told) = (modest.clone(), Arc::clone(&ended));
        asked.spawn(async move {
            let answer = program.ask(server, method, json!({}), padding).await;
            told.lock().await.push((name, answer));
        });
        // Who comes into a full line has one of those sent away who stand in it.
        let stands = async {
            while ended.lock().await.len() == before {
                tokio::time::sleep(PAUSE).await
            }
        };
        tokio::time::timeout(LONGEST, stands).await.ok();
    }
    store::end_writing(&mut writing, false).await.unwrap();
    println!("held up for {:.1?}", began.elapsed());
    while asked.join_next().await.is_some() {}
    let ended = ended.lock().await;
    let refused = ended.iter().filter(|(_, answer)| answer.starts_with("HTTP/1.1 503")).collect::<Vec<_>>();
    assert!(refused.len() > BEYOND, "{}", refused.len());
    for (name, answer) in &refused {
        assert!(*name == "greedy" && answer.contains("retry-after: 5\r\n"), "{name}: {answer}");
    }
    let served: Vec<&str> = ended
        .iter()
        .filter(|(_, answer)| answer.starts_with("HTTP/1.1 200"))
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(served.len() + refused.len(), MANY * AT_ONCE + 2, "everybody is answered");
    let place = |name: &str| served.iter().position(|one| *one == name).unwrap();
    // Behind those who had their places before, and those who come at the same time; a thousand came earlier.
    assert!(place("short") < served.len() / 4, "{} of {}", place("short"), served.len());
    // One in eight goes to programs.
    assert!(place("long") < served.len() / 2, "{} of {}", place("long"), served.len());
    assert!(served.len() > 200, "what waits is served: {}", served.len());
    process.stop();
}
