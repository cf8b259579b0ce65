//! `cargo xtask fuzz`: the parsers of outside input, fed with what nobody would write.
//!
//! libFuzzer on the stable compiler: coverage is LLVM's, asked for by flags that cargo passes on. Each
//! target is a program of `fuzz/`, a workspace of its own, so that nothing else is built that way.

mod build;
mod outcome;
mod run;

use anyhow::{Result, bail};

use crate::test::Tally;
use build::Programs;
use outcome::Outcome;
use run::Run;

/// A target, and the longest input that is worth its time.
pub struct Target {
    name: &'static str,
    longest: u32,
    /// Whether it is built with the relay, which takes long.
    relay: bool,
}

const TARGETS: &[Target] = &[
    Target::smime("ber", 4096),
    Target::smime("cms", 8192),
    Target::smime("certificate", 4096),
    Target::smime("path", 16_384),
    Target::smime("message", 16_384),
    Target::smime("door", 8192),
    Target::relay("html", 4096),
    Target::smime("pkcs12", 4096),
    Target::smime("pkcs8", 4096),
    Target::smime("timestamp", 4096),
    Target::smime("revocation", 4096),
    Target::smime("ess", 8192),
    Target::smime("evidence", 8192),
    Target::relay("smtp", 8192),
    Target::relay("jmap", 8192),
    Target::relay("config", 2048),
    Target::relay("outer", 8192),
    Target::relay("report", 8192),
];

impl Target {
    const fn smime(name: &'static str, longest: u32) -> Self {
        Self { name, longest, relay: false }
    }

    const fn relay(name: &'static str, longest: u32) -> Self {
        Self { name, longest, relay: true }
    }
}

/// What to run and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// All of them if none is named.
    targets: Vec<String>,
    /// For each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets one after the other on a corpus that grows from run to run.
pub fn fuzz(options: &Options) -> Result<()> {
    let targets = chosen(&options.targets)?;
    let programs = Programs::build(TARGETS.iter(), &[])?;
    let mut outcomes = Vec::new();
    for target in targets {
        outcomes.push((target, run(&programs, target, &Run::keeping(options.seconds))?));
    }
    println!("\n{:<12} {}", "target", Outcome::HEAD);
    for (target, outcome) in &outcomes {
        println!("{:<12} {outcome}", target.name);
    }
    let spent = outcomes.iter().map(|(_, outcome)| outcome.spent());
    let (executions, cpu) = spent.fold((0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("\n{executions} executions in {cpu:.0} s of CPU");
    match outcomes.iter().filter(|(_, outcome)| outcome.failed()).count() {
        0 => Ok(()),
        count => bail!("{count} targets failed; see above"),
    }
}

/// Runs each target of S/MIME for a moment from its first inputs alone; each counts as a test.
pub fn briefly() -> Result<Tally> {
    let targets = || TARGETS.iter().filter(|target| !target.relay);
    let programs = Programs::build(targets(), &["--no-default-features"])?;
    let mut tally = Tally::default();
    for target in targets() {
        let outcome = run(&programs, target, &Run::brief())?;
        let word = if outcome.failed() { "FAILED" } else { "ok" };
        println!("fuzz target {} ... {word} ({})", target.name, outcome.in_words());
        tally += if outcome.failed() { Tally::FAILED } else { Tally::PASSED };
    }
    Ok(tally)
}

fn run(programs: &Programs, target: &Target, run: &Run) -> Result<Outcome> {
    let outcome = run.start(programs, target)?;
    if outcome.failed() {
        eprintln!("{}", outcome.report());
    }
    Ok(outcome)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(TARGETS.iter().collect());
    }
    let find = |name: &String| match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => Ok(target),
        None => {
            let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            bail!("there is no target {name}; there are {}", known.join(", "))
        }
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn every_file_of_the_targets_is_a_target() {
        let folder = workspace::root().join("fuzz/fuzz_targets");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        let mut names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn targets_need_the_relay_where_the_manifest_says_so() {
        let manifest = std::fs::read_to_string(workspace::root().join("fuzz/Cargo.toml")).unwrap();
        let section = |target: &Target| {
            let name = format!("\nname = \"{}\"\n", target.name);
            manifest.split("[[bin]]").find(|section| section.contains(&name)).unwrap()
        };
        for target in TARGETS {
            let needs = section(target).contains("required-features = [\"relay\"]");
            assert_eq!(target.relay, needs, "{}", target.name);
        }
    }

    #[test]
    fn a_target_that_does_not_exist_is_an_error() {
        assert!(chosen(&["cms".into(), "no-such".into()]).is_err());
        assert_eq!(chosen(&["cms".into()]).unwrap().len(), 1);
    }
}
