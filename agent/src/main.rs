//! `sealpost-agent`: S/MIME on an office's own machine. See README.md for the command line and the JSON.

mod arguments;
mod choosing;
mod files;
mod opening;
mod paths;
mod receipts;
mod report;
mod save;
mod sealing;
mod tree;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let outcome = match Arguments::parse_from(arguments::expanded(std::env::args_os())).command {
        Command::Seal(arguments) => sealing::run(&arguments),
        Command::Open(arguments) => opening::open(&arguments),
        Command::Verify(arguments) => opening::verify(&arguments),
        Command::Receipt(arguments) => receipts::run(&arguments),
        Command::Path(arguments) => paths::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // File names and certificates can carry what would steer a terminal.
            eprintln!("sealpost-agent: {}.", report::one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
