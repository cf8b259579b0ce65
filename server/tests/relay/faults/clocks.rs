//! Hosts whose clocks are wrong, and clocks that jump: libfaketime tells a relay another time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealpost::store::sql;
use sealpost::store::{self, Busy, Lease, StoreError};

use super::process::{Process, bring_program};
use super::{burden, prepare, settle};
use crate::processes::{FAR, fill_queue};
use crate::support::{Folder, Served, on_postgres, skip};

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

/// Runs a program by a clock that is off by what the file says, and may say otherwise later.
fn faked(mut command: Command, library: &Path, clock: &Path) -> Command {
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock).env("FAKETIME_NO_CACHE", "1");
    // What a jump leaves alone.
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
    command
}

const HOUR: i64 = 60 * 60 * 1000;

async fn count(served: &Served, text: &'static str) -> i64 {
    let mut connection = served.fixture.relay.store.read().await.unwrap();
    sql::query(text).fetch_one(&mut connection).await.unwrap().try_get(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_clock_is_wrong_ends_no_other_process_and_no_lease() {
    let test = "a_host_whose_clock_is_wrong_ends_no_other_process_and_no_lease";
    if on_postgres().is_none() {
        return skip(test, "SQLite has one process");
    }
    let Some(library) = library() else { return skip(test, "libfaketime is not installed") };
    for offset in ["+10800", "-10800"] {
        let served = Served::start(&["alice"], |_| ()).await;
        let (relay, folder) = (&served.fixture.relay, &served.fixture.folder);
        relay.stopping.cancel();
        fill_queue(&served, 1).await;
        let owner = relay.process.clone();
        let lease = relay.store.write(move |tx| {
            Box::pin(async move {
                let lease = Lease { owner, from: FAR, until: tx.now().await? + 2 * HOUR };
                store::lease(tx, &lease, 1, true, &Busy::default()).await
            })
        });
        let leased: Result<Vec<_>, StoreError> = lease.await;
        assert_eq!(leased.unwrap().len(), 1);
        bring_program(folder);
        let clock = folder.path().join("clock");
        std::fs::write(&clock, offset).unwrap();
        let mut other = Process::start(folder, 1, "", |command| faked(command, &library, &clock));
        let (both, ours) =
            ("SELECT COUNT(*) FROM processes", "SELECT COUNT(*) FROM queue WHERE leased_by IS NOT NULL");
        assert_eq!((count(&served, both).await, count(&served, ours).await), (2, 1), "{offset}");
        sealpost::processes::arrive(relay).await.unwrap();
        assert_eq!((count(&served, both).await, count(&served, ours).await), (2, 1), "{offset}");
        other.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_loses_and_doubles_nothing() {
    let test = "a_clock_that_jumps_loses_and_doubles_nothing";
    let Some(library) = library() else { return skip(test, "libfaketime is not installed") };
    let folder = Arc::new(Folder::new());
    let load = prepare(&folder).await;
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "+0").unwrap();
    let mut process = Process::start(&folder, 0, "", |command| faked(command, &library, &clock));
    let mut tasks = burden(&load, std::slice::from_ref(&process));
    for offset in ["+7200", "-172800", "+172800", "+0"] {
        // At once, as a file that is half written says nothing.
        std::fs::write(folder.path().join("next"), offset).unwrap();
        std::fs::rename(folder.path().join("next"), &clock).unwrap();
        let (inbox, kept, since) = (load.inbox.safe(), load.kept.safe(), Instant::now());
        while load.inbox.safe() < inbox + 4 || load.kept.safe() < kept + 4 {
            assert!(since.elapsed() < Duration::from_secs(30), "the relay does not go on at {offset}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    tasks.shutdown().await;
    process.stop();
    settle(&folder, &load).await;
}
