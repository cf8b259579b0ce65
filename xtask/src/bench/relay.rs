//! The relay beside Cyrus and Dovecot, in one run: durable delivery, a page of the list, push,
//! memory, disk and start.

mod client;
mod letters;
mod mailbox;
mod ours;
mod peers;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Figure;
use crate::{install, process, run, shell};
use letters::Letters;
use ours::Ours;
use peers::{Cyrus, Dovecot};

/// How much is done; the defaults take some minutes.
#[derive(clap::Args)]
#[group(id = "relay")]
pub struct Options {
    /// Messages delivered to each server in each round.
    #[arg(long, default_value_t = 1500)]
    deliveries: usize,
    /// Rounds, in which the servers take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Messages in the mailbox that pages are read from.
    #[arg(long, default_value_t = 10_000)]
    depth: usize,
    /// Also fills a mailbox with this many messages and reads pages from it.
    #[arg(long)]
    deep: Option<usize>,
    /// Push streams that are open and idle while push is timed again.
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
}

/// Connections at once, for deliveries and for requests.
const CONNECTIONS: usize = 8;
/// Requests for a page in each round.
const PAGES: usize = 600;
/// Messages in the shallow mailbox.
const SHALLOW: usize = 1000;
/// Deliveries whose way to a push stream is timed.
const PUSHES: usize = 200;

const PROGRAMS: &[install::Need] = &[
    install::Need { program: "openssl", package: "openssl" },
    install::Need { program: "/usr/lib/dovecot/lmtp", package: "dovecot-lmtpd" },
    install::Need { program: "cyrmaster", package: "cyrus-imapd" },
    install::Need { program: "/usr/lib/cyrus/bin/httpd", package: "cyrus-caldav" },
    install::Need { program: "saslpasswd2", package: "sasl2-bin" },
];

/// Measures all of it.
pub fn measure(options: &Options) -> Result<Vec<Figure>> {
    install::programs(PROGRAMS)?;
    let program = shell::step("Compiling the relay", || run::relay(false))?;
    process::raise_descriptors()?;
    let folder = Folder::new()?;
    let letters = Letters::make(&folder.0)?;
    let mut figures = vec![figure("disk sync of 4 KB", sync_time(&folder.0)?, "ms", "")];
    figures.push(figure("relay, program", fs::metadata(&program)?.len() as f64 / 1e6, "MB", "target 30"));
    let mut ours = Ours::start(&program, &folder.0)?;
    figures.push(figure("relay, memory idle", ours.usage()?.megabytes, "MiB", "target 25"));
    let dovecot = Dovecot::start(&folder.0)?;
    let cyrus = Cyrus::start(&folder.0)?;
    figures.extend(deliveries(options, &letters, &ours, &dovecot, &cyrus)?);
    figures.extend(pages(options, &letters, &ours, &cyrus)?);
    drop((dovecot, cyrus));
    figures.push(figure("relay, memory after the load", ours.usage()?.megabytes, "MiB", "target 60"));
    figures.extend(pushes(options, &letters, &ours)?);
    figures.extend(storage(options, &letters, &mut ours)?);
    Ok(figures)
}

fn deliveries(
    options: &Options,
    letters: &Letters,
    ours: &Ours,
    dovecot: &Dovecot,
    cyrus: &Cyrus,
) -> Result<Vec<Figure>> {
    let reader = ours.account("deliveries")?;
    let clear = ours.account("clear")?;
    let mut rates: [Vec<f64>; 4] = Default::default();
    shell::step("Delivering", || {
        // A first letter makes the mailbox, which Cyrus does not do for several connections at once.
        for door in [ours.door(&reader), ours.door(&clear), dovecot.door(), cyrus.door()] {
            client::deliver(&door, letters, letters::Kind::Sealed, 1, 1)?;
        }
        for _ in 0..options.rounds {
            let doors = [ours.door(&reader), ours.door(&clear), dovecot.door(), cyrus.door()];
            for (index, (door, rates)) in doors.iter().zip(&mut rates).enumerate() {
                let kind = if index == 1 { letters::Kind::Clear } else { letters::Kind::Sealed };
                let took = client::deliver(door, letters, kind, options.deliveries, CONNECTIONS)
                    .with_context(|| format!("{}: a delivery failed", door.server))?;
                rates.push(options.deliveries as f64 / took.as_secs_f64());
            }
        }
        Ok(())
    })?;
    let [sealed, clear, dovecot, cyrus] = rates.map(median);
    let ratio = |rate: f64| format!("{:.2} of Dovecot, {:.2} of Cyrus", rate / dovecot, rate / cyrus);
    Ok(vec![
        figure("relay, sealed mail in", sealed, "/s", &format!("{}, target 2 of Dovecot", ratio(sealed))),
        figure("relay, clear mail in", clear, "/s", &format!("{}, target 1 of Dovecot", ratio(clear))),
        figure("Dovecot, mail in by LMTP", dovecot, "/s", ""),
        figure("Cyrus, mail in by LMTP", cyrus, "/s", ""),
    ])
}

fn pages(options: &Options, letters: &Letters, ours: &Ours, cyrus: &Cyrus) -> Result<Vec<Figure>> {
    let mut depths = vec![SHALLOW, options.depth];
    depths.extend(options.deep);
    let mut readers = Vec::new();
    for depth in &depths {
        let reader = ours.account(&format!("depth{depth}"))?;
        let door = ours.door(&reader);
        shell::step(&format!("Filling a mailbox with {depth}"), || {
            client::deliver(&door, letters, letters::Kind::Sealed, *depth, CONNECTIONS)
        })?;
        readers.push(mailbox::Mailbox::open(&ours.jmap(&reader))?);
    }
    shell::step("Filling the mailbox of Cyrus", || {
        client::deliver(&cyrus.door(), letters, letters::Kind::Sealed, options.depth, CONNECTIONS)
    })?;
    let theirs = mailbox::Mailbox::open(&cyrus.jmap())?;
    let mut runs: Vec<Vec<mailbox::Run>> = vec![Vec::new(); readers.len()];
    let mut peer = Vec::new();
    shell::step("Reading pages", || {
        for _ in 0..options.rounds {
            for (reader, runs) in readers.iter().zip(&mut runs) {
                runs.push(reader.read_pages(PAGES, CONNECTIONS, || ours.usage())?);
            }
            peer.push(theirs.read_pages(PAGES, CONNECTIONS, || cyrus.usage())?);
        }
        Ok(())
    })?;
    let over = |runs: &[mailbox::Run], of: fn(&mailbox::Run) -> f64| median(runs.iter().map(of).collect());
    let shallow = over(runs.first().context("no round")?, |run| run.middle);
    let mut figures = Vec::new();
    for (depth, runs) in depths.iter().zip(&runs) {
        let (rate, cpu, p50) =
            (over(runs, |run| run.rate), over(runs, |run| run.cpu), over(runs, |run| run.middle));
        let beside = format!("{:.2} of Cyrus at {}", rate / over(&peer, |run| run.rate), options.depth);
        figures.push(figure(&format!("relay, pages of 50 from {depth}"), rate, "/s", &beside));
        figures.push(figure(&format!("relay, CPU of a page from {depth}"), cpu, "ms", "target 1.0"));
        let beside = format!("{:.2} of the same from {SHALLOW}, target 1.3", p50 / shallow);
        figures.push(figure(&format!("relay, time of a page from {depth}"), p50, "ms", &beside));
    }
    figures.push(figure("Cyrus, pages of 50", over(&peer, |run| run.rate), "/s", ""));
    figures.push(figure("Cyrus, CPU of a page", over(&peer, |run| run.cpu), "ms", ""));
    Ok(figures)
}

fn pushes(options: &Options, letters: &Letters, ours: &Ours) -> Result<Vec<Figure>> {
    let reader = ours.account("push")?;
    let (door, jmap) = (ours.door(&reader), ours.jmap(&reader));
    let alone = client::time_pushes(&door, &jmap, letters, PUSHES)?;
    let before = ours.usage()?.megabytes;
    let idle = shell::step(&format!("Opening {} push streams", options.streams), || {
        ours.idle_streams(options.streams)
    })?;
    let each = (ours.usage()?.megabytes - before) * 1024.0 / idle.len().max(1) as f64;
    let crowded = client::time_pushes(&door, &jmap, letters, PUSHES)?;
    let crowd = format!("beside {} idle streams", idle.len());
    let mut figures = Vec::new();
    for (times, beside) in [(alone, "alone"), (crowded, &*crowd)] {
        for (share, target) in [(50, 2), (99, 15)] {
            let value = percentile(&times, share);
            let beside = format!("{beside}, target {target}");
            figures.push(figure(&format!("relay, 250 to push event, p{share}"), value, "ms", &beside));
        }
    }
    figures.push(figure("relay, memory of an idle stream", each, "KiB", "target 12"));
    Ok(figures)
}

/// What 10,000 messages of 10 KB take on the disk, and how long a start takes with all that is there.
fn storage(options: &Options, letters: &Letters, ours: &mut Ours) -> Result<Vec<Figure>> {
    let reader = ours.account("storage")?;
    let (before, count) = (ours.disk()?, options.depth);
    client::deliver(&ours.door(&reader), letters, letters::Kind::Sealed, count, CONNECTIONS)?;
    let began = Instant::now();
    ours.restart()?;
    let start = began.elapsed();
    let grown = ours.disk()?.saturating_sub(before) as f64 / (count * letters.sealed_len()) as f64;
    let mut figures = vec![figure("relay, disk per octet of mail", grown, "", "target 1.15")];
    figures.push(figure(
        "relay, stop and start",
        milliseconds(start),
        "ms",
        "target 300 for the start alone",
    ));
    figures.push(figure("relay, start to ready", milliseconds(ours.start_time()), "ms", "target 300"));
    Ok(figures)
}

fn sync_time(folder: &Path) -> Result<f64> {
    use std::io::Write;
    let mut file = fs::File::create(folder.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&[0; 4096])?;
        let began = Instant::now();
        file.sync_all()?;
        times.push(milliseconds(began.elapsed()));
    }
    Ok(median(times))
}

fn figure(what: &str, value: f64, unit: &'static str, beside: &str) -> Figure {
    Figure {
        what: what.to_owned(),
        value: Some(value),
        unit: unit.to_owned(),
        beside: beside.to_owned(),
        detail: serde_json::Value::Null,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn median(values: Vec<f64>) -> f64 {
    percentile(&values, 50)
}

fn percentile(values: &[f64], share: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * share / 100).copied().unwrap_or(f64::NAN)
}

/// A folder of this run, gone afterwards.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("sealpost-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        // The peers run as users of their own.
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a server listens on for deliveries.
pub struct Door {
    server: &'static str,
    port: u16,
    /// The greeting: EHLO for SMTP, LHLO for LMTP.
    greeting: &'static str,
    recipient: String,
}

/// Where a server speaks JMAP, and for whom.
pub struct Jmap {
    base: String,
    authorization: String,
}
