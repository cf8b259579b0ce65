//! `cargo xtask`: builds, runs, tests and measures Sealpost.
#![allow(clippy::print_stdout, reason = "a command-line program prints its results")]

mod bench;
mod build;
mod conformance;
mod faults;
mod fuzz;
mod install;
mod jmap_clients;
mod jmap_suite;
mod process;
mod run;
mod screenshots;
mod shell;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs, tests and measures Sealpost.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Builds the front-end into `dist/`.
    Build(build::Options),
    /// Builds everything and starts a mailbox on this machine.
    Run(run::Options),
    /// Runs the checks, the tests and the stories; all of them by default.
    Test(test::Options),
    /// Runs public corpora and independent programs, and writes `CONFORMANCE.md`.
    Conformance(conformance::Options),
    /// Runs the public JMAP test suite against a relay of its own.
    JmapSuite(jmap_suite::Options),
    /// JMAP clients that nobody here wrote (jmapc, jmap-jam, jmap-client, himalaya, aerc) against a relay of their own.
    JmapClients,
    /// Measures size, speed of the list, and cryptography.
    Bench(bench::Options),
    /// Kills relays under load, again and again, and looks for what is lost or doubled.
    Faults(faults::Options),
    /// Feeds the parsers of outside input with what nobody would write.
    Fuzz(fuzz::Options),
    /// Takes the pictures of the README.
    Screenshots,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Build(options) => build::build(options).map(drop),
        Verb::Run(options) => run::run(&options),
        Verb::Test(options) => test::test(&options),
        Verb::Conformance(options) => conformance::conformance(&options),
        Verb::JmapSuite(options) => jmap_suite::jmap_suite(&options),
        Verb::JmapClients => jmap_clients::jmap_clients(),
        Verb::Bench(options) => bench::bench(&options),
        Verb::Faults(options) => faults::faults(&options),
        Verb::Fuzz(options) => fuzz::fuzz(&options),
        Verb::Screenshots => screenshots::screenshots(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
