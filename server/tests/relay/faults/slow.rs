//! A disk that takes its time: strace holds up each sync.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{burden, prepare, settle, start};
use crate::support::{Folder, Postgres, eventually, on_postgres, skip};

/// How long a sync takes.
const SYNC: Duration = Duration::from_millis(250);

/// Holds up the syncs of a process and of those that it begins, until it is dropped.
struct Slow(Child);

impl Slow {
    /// None where no process may be traced here.
    async fn down(process: u32) -> Option<Self> {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-p", &process.to_string()]);
        strace.args(["-e", "trace=fsync,fdatasync", "-e"]);
        strace.arg(format!("inject=fsync,fdatasync:delay_enter={}", SYNC.as_micros()));
        let strace = Self(strace.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?);
        for _ in 0..100 {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            if !status.contains("TracerPid:\t0\n") {
                return Some(strace);
            }
            sleep(Duration::from_millis(50)).await;
        }
        None
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_loses_and_doubles_nothing_and_keeps_no_reader_waiting() {
    let test = "a_slow_disk_loses_and_doubles_nothing_and_keeps_no_reader_waiting";
    // That of all tests does not sync.
    let own = on_postgres().map(|server| Postgres::start(server.programs_folder().to_owned(), ""));
    let folder = Arc::new(own.as_ref().map_or_else(Folder::new, Folder::on));
    let load = prepare(&folder).await;
    let server = own.as_ref().map(Postgres::process);
    // A server's connections are processes of its own: it is slowed down before they are made.
    let mut slow = match server {
        Some(server) => Slow::down(server).await,
        None => None,
    };
    let mut processes = start(&folder);
    if server.is_none() {
        slow = Slow::down(processes[0].id()).await;
    }
    if slow.is_none() {
        return skip(test, "strace is not installed, or may trace no process here");
    }
    let mut tasks = burden(&load, &processes);
    let acknowledged = || load.inbox.safe() + load.kept.safe();
    eventually(async || (acknowledged() > 0).then_some(())).await;
    let (before, began) = (acknowledged(), Instant::now());
    sleep(Duration::from_secs(8)).await;
    let (done, syncs) = (acknowledged() - before, began.elapsed().as_millis() / SYNC.as_millis());
    println!("{done} acknowledged in the time of {syncs} syncs");
    // The relay goes on.
    eventually(async || (acknowledged() > before).then_some(())).await;
    let asked = Instant::now();
    assert!(processes[0].is_ready().await, "who reads does not wait for those who write");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    processes[0].kill();
    processes.iter_mut().skip(1).for_each(|other| other.kill());
    drop(slow);
    while tasks.join_next().await.is_some() {}
    settle(&folder, &load).await;
}
