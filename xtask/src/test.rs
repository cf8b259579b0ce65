//! `cargo xtask test`: every check there is, counted together.

mod direction;
mod e2e;
mod licences;
mod lint;
mod native;
mod tally;
mod web;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::shell;
pub use e2e::{playwright, prepare as prepare_stories};
pub use tally::Tally;
pub use web::corpora as corpora_in_chromium;

/// Which stages to run.
#[derive(clap::Args)]
pub struct Options {
    /// All of them if none is named.
    #[arg(value_enum)]
    stages: Vec<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Stage {
    /// Formatting, clippy, documentation, licences, direction of dependencies.
    Lint,
    /// The tests of every crate on this machine.
    Native,
    /// The tests of the app in Chromium.
    Web,
    /// The stories in Chromium against the real relay.
    E2e,
}

impl Stage {
    const ALL: [Stage; 4] = [Stage::Lint, Stage::Native, Stage::Web, Stage::E2e];

    fn name(self) -> &'static str {
        match self {
            Stage::Lint => "lint",
            Stage::Native => "native",
            Stage::Web => "web",
            Stage::E2e => "e2e",
        }
    }

    fn run(self) -> Result<Tally> {
        match self {
            Stage::Lint => lint::lint(),
            Stage::Native => native::native(),
            Stage::Web => web::web(),
            Stage::E2e => e2e::e2e(),
        }
    }
}

/// Runs the stages, later ones also when an earlier one failed, and prints the counts.
pub fn test(options: &Options) -> Result<()> {
    let stages = if options.stages.is_empty() { &Stage::ALL[..] } else { &options.stages };
    let outcomes: Vec<_> = stages.iter().map(|stage| (*stage, run(*stage))).collect();
    let mut total = Tally::default();
    println!();
    for (stage, tally) in outcomes {
        println!("{:<7} {tally}", stage.name());
        total += tally;
    }
    println!("\n{total}");
    if total.failed > 0 {
        bail!("something failed; see above");
    }
    if total.passed == 0 {
        bail!("no test has run");
    }
    Ok(())
}

fn run(stage: Stage) -> Tally {
    eprintln!("\n=== {} ===", stage.name());
    let began = Instant::now();
    let tally = stage.run().unwrap_or_else(|error| {
        eprintln!("error: {} could not run: {error:#}", stage.name());
        Tally::FAILED
    });
    eprintln!("=== {}: {tally}, in {} ===", stage.name(), shell::seconds(began.elapsed()));
    tally
}
