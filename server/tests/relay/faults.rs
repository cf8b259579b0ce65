//! Relays that die, and disks and databases that fail: nothing acknowledged is missing, nothing is
//! doubled, and `sealpost check` finds nothing.
//!
//! `SEALPOST_KILLS` says how often relays are killed; `cargo xtask faults` does so for long.

mod clocks;
mod damage;
mod ledger;
mod load;
pub mod process;
mod slow;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealpost::{random, serve};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Folder, Forwarder, Person, Postgres, Served, config, eventually, on_postgres, skip};
use ledger::Ledger;
use load::{Load, deliver, use_jmap};
use process::{Process, check};

const ALICE: &str = "alice@sealpost.example";

fn below(limit: u64) -> u64 {
    u64::from_be_bytes(random::bytes()) % limit
}

fn kills() -> u64 {
    std::env::var("SEALPOST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(4)
}

/// A store with alice, and what she was told so far: nothing.
async fn prepare(folder: &Arc<Folder>) -> Load {
    // A copy: the program may be built anew while this goes on.
    process::bring_program(folder);
    let served = Served::start_in(Arc::clone(folder), &["alice"]).await;
    let alice = served.fixture.sign_in("alice").await;
    let load = Load {
        inbox: Arc::new(Ledger::default()),
        kept: Arc::new(Ledger::default()),
        cookie: alice.cookie.clone(),
        account: alice.account.clone(),
        mailbox: alice.mailbox("archive").await,
        address: ALICE,
    };
    served.stop().await;
    load
}

fn burden(load: &Load, processes: &[Process]) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for process in processes {
        for _ in 0..3 {
            let (load, smtp) = (load.clone(), process.smtp);
            tasks.spawn(async move { drop(deliver(load, smtp, random::id('d')).await) });
        }
        for _ in 0..2 {
            let (load, http) = (load.clone(), process.http);
            tasks.spawn(async move { drop(use_jmap(load, http, random::id('j')).await) });
        }
    }
    tasks
}

async fn message_ids(person: &Person, role: &str) -> Vec<String> {
    let (mut found, mailbox) = (Vec::new(), person.mailbox(role).await);
    loop {
        let query = json!({"filter": {"inMailbox": mailbox}, "position": found.len(), "limit": 200});
        let page = person.call("Email/query", query).await;
        let get = json!({"ids": page["ids"], "properties": ["messageId"]});
        let answer = person.call("Email/get", get).await;
        let list = answer["list"].as_array().unwrap();
        if list.is_empty() {
            return found;
        }
        found.extend(list.iter().map(|email| email["messageId"][0].as_str().unwrap().to_owned()));
    }
}

/// Holds what is there against what was told.
async fn settle(folder: &Arc<Folder>, load: &Load) {
    check(folder).unwrap_or_else(|faults| panic!("{faults}"));
    let served = Served::open(Arc::clone(folder), |_| ()).await;
    let alice = Person {
        router: served.fixture.router.clone(),
        cookie: load.cookie.clone(),
        account: load.account.clone(),
    };
    for (role, ledger) in [("inbox", &load.inbox), ("archive", &load.kept)] {
        let found = message_ids(&alice, role).await;
        let counted = usize::try_from(alice.counts(role).await[0]).unwrap();
        assert_eq!(counted, found.len(), "{role}");
        ledger.hold_against(&found).unwrap_or_else(|fault| panic!("{role}: {fault}"));
    }
    served.stop().await;
}

/// Several processes where the store is one that they can share.
fn start(folder: &Folder) -> Vec<Process> {
    let processes = if on_postgres().is_some() { 2 } else { 1 };
    (0..processes).map(|number| Process::start(folder, number, "", |command| command)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_that_are_killed_lose_and_double_nothing() {
    let folder = Arc::new(Folder::new());
    let load = prepare(&folder).await;
    let (mut killed, began) = (0, Instant::now());
    while killed < kills() {
        let mut processes = start(&folder);
        let mut tasks = burden(&load, &processes);
        if killed == 0 {
            eventually(async || (load.inbox.safe() + load.kept.safe() > 0).then_some(())).await;
        }
        tokio::time::sleep(Duration::from_millis(below(600))).await;
        let first = usize::try_from(below(processes.len() as u64)).unwrap();
        processes[first].kill();
        killed += 1;
        for (place, other) in processes.iter_mut().enumerate().filter(|(place, _)| *place != first) {
            // The others go on, and then die too or part.
            tokio::time::sleep(Duration::from_millis(below(300))).await;
            if (place as u64 + killed).is_multiple_of(2) {
                other.kill();
                killed += 1;
            } else {
                other.stop();
            }
        }
        while tasks.join_next().await.is_some() {}
        settle(&folder, &load).await;
        if killed % 10 < 2 {
            let (safe, kept, time) = (load.inbox.safe(), load.kept.safe(), began.elapsed());
            println!("{killed} kills, {safe} deliveries and {kept} imports acknowledged, {time:.0?}");
        }
    }
    println!("{killed} kills: nothing is missing, nothing doubled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_is_restarted_loses_and_doubles_nothing() {
    let Some(server) = on_postgres() else {
        return skip("a_database_server_that_is_restarted_loses_and_doubles_nothing", "SQLite has no server");
    };
    let own = Postgres::start(server.programs_folder().to_owned(), "");
    let folder = Arc::new(Folder::on(&own));
    let load = prepare(&folder).await;
    let mut processes = start(&folder);
    for _ in 0..2 {
        let mut tasks = burden(&load, &processes);
        tokio::time::sleep(Duration::from_millis(500)).await;
        own.restart();
        let before = load.inbox.safe();
        let again = Instant::now();
        while load.inbox.safe() == before && again.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if tasks.is_empty() {
                break;
            }
        }
        assert!(load.inbox.safe() > before, "the relay goes on");
        tasks.shutdown().await;
    }
    processes.iter_mut().for_each(Process::stop);
    settle(&folder, &load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_falls_silent_loses_and_doubles_nothing() {
    let Some(server) = on_postgres() else {
        return skip("a_database_server_that_falls_silent_loses_and_doubles_nothing", "SQLite has no server");
    };
    let own = Postgres::start(server.programs_folder().to_owned(), "");
    let forwarder = Forwarder::to(own.port()).await;
    let folder = Arc::new(Folder::through(&forwarder, &own));
    let load = prepare(&folder).await;
    let mut processes = start(&folder);
    for recover in [Forwarder::go_on, Forwarder::begin_anew] {
        let mut tasks = burden(&load, &processes);
        let before = load.inbox.safe();
        eventually(async || (load.inbox.safe() > before).then_some(())).await;
        forwarder.fall_silent();
        eventually(async || (!processes[0].is_ready().await).then_some(())).await;
        // Some of what is under way is given up before, some is not.
        tokio::time::sleep(Duration::from_millis(8_000 + below(12_000))).await;
        recover(&forwarder);
        tasks.shutdown().await;
        let (mut tasks, before, again) = (burden(&load, &processes), load.inbox.safe(), Instant::now());
        while load.inbox.safe() == before {
            // What a connection that nobody hears of had locked is free after a minute.
            assert!(again.elapsed() < Duration::from_secs(150), "the relay goes on");
            tokio::time::sleep(Duration::from_millis(50)).await;
            if tasks.is_empty() {
                tasks = burden(&load, &processes);
            }
        }
        tasks.shutdown().await;
    }
    processes.iter_mut().for_each(Process::stop);
    settle(&folder, &load).await;
}

/// A small disk; none where it cannot be made.
struct Disk<'a>(&'a Folder);

impl<'a> Disk<'a> {
    fn new(folder: &'a Folder, size: &str) -> Option<Self> {
        let data = folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], &data);
        mounted.then_some(Self(folder))
    }

    fn remount(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], &self.0.path().join("data")));
    }
}

fn mount(arguments: &[&str], folder: &std::path::Path) -> bool {
    let quiet = std::process::Stdio::null;
    let done = Command::new("mount").args(arguments).arg(folder).stderr(quiet()).status();
    done.is_ok_and(|status| status.success())
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path().join("data")).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_or_read_only_loses_and_doubles_nothing() {
    let test = "a_disk_that_is_full_or_read_only_loses_and_doubles_nothing";
    if on_postgres().is_some() {
        return skip(test, "the database has a disk of its own");
    }
    let folder = Arc::new(Folder::new());
    let Some(disk) = Disk::new(&folder, "8m") else { return skip(test, "no disk can be mounted here") };
    let load = prepare(&folder).await;
    let mut processes = start(&folder);
    let mut tasks = burden(&load, &processes);
    let mut last = (usize::MAX, Instant::now());
    while last.1.elapsed() < Duration::from_secs(3) {
        let safe = load.inbox.safe() + load.kept.safe();
        last = if safe == last.0 { last } else { (safe, Instant::now()) };
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tasks.shutdown().await;
    let full = load.inbox.safe();
    disk.remount("size=64m");
    let mut tasks = burden(&load, &processes);
    // With room the relay goes on.
    eventually(async || (load.inbox.safe() > full).then_some(())).await;
    tasks.shutdown().await;
    processes.iter_mut().for_each(Process::stop);
    disk.remount("ro");
    let refused = serve::start(config(&folder)).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("read"), "{refused}");
    disk.remount("rw");
    settle(&folder, &load).await;
}
