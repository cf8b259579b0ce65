//! What a process and its children have used, from /proc.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// CPU time so far and memory now.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// Milliseconds in user and system mode.
    pub cpu: f64,
    /// Resident memory in MiB.
    pub megabytes: f64,
}

/// Sums the process `root` and all that it started, also what has ended and was waited for.
pub fn usage(root: u32) -> Result<Usage> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that ended meanwhile counts in its parent.
        processes.extend(read(pid).ok().map(|(parent, usage)| (pid, parent, usage)));
    }
    let mut family = vec![root];
    let mut sum = Usage::default();
    while let Some(pid) = family.pop() {
        for (known, parent, usage) in &processes {
            if *known == pid {
                sum.cpu += usage.cpu;
                sum.megabytes += usage.megabytes;
            }
            if *parent == pid {
                family.push(*known);
            }
        }
    }
    Ok(sum)
}

fn read(pid: u32) -> Result<(u32, Usage)> {
    let folder = Path::new("/proc").join(pid.to_string());
    let stat = fs::read_to_string(folder.join("stat"))?;
    // The name, in parentheses, may hold blanks.
    let (_, fields) = stat.rsplit_once(')').context("a stat without a name")?;
    let fields: Vec<u64> =
        fields.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    let ticks = (field(10) + field(11) + field(12) + field(13)) as f64;
    let pages = field(20) as f64;
    let usage = Usage {
        cpu: ticks * 1000.0 / rustix::param::clock_ticks_per_second() as f64,
        megabytes: pages * rustix::param::page_size() as f64 / f64::from(1 << 20),
    };
    Ok((u32::try_from(field(0))?, usage))
}

/// Lets this process, and what it starts, open as many files as the system allows.
pub fn raise_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("the limit of open files cannot be raised")
}
