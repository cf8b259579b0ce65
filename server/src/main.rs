//! `sealpost`: the relay's command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use sealpost::backup::Scope;
use sealpost::commands::{self, Form, Outcome, QueueCommand};
use sealpost::config::Config;
use sealpost::reload::Reload;
use sealpost::{logging, relay, serve};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(name = "sealpost", version, about = "A mail relay that stores and moves only ciphertext.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGINT or SIGTERM.
    Serve {
        /// The configuration (TOML).
        #[arg(long)]
        config: PathBuf,
    },
    /// Bring the database to a version of its tables; `serve` goes to the newest by itself.
    Migrate {
        /// The version; the newest when absent. An older one prepares the database for an older release.
        #[arg(long)]
        to: Option<i64>,
        /// Try the way there and back in a transaction, and keep nothing of it.
        #[arg(long)]
        dry_run: bool,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Look at everything that must hold, while the relay serves or not; ends with 2 where it does not.
    Check {
        /// Mend what can be.
        #[arg(long)]
        repair: bool,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Copy the store, while the relay serves or not.
    Backup {
        /// The folder of the copy, which is not there yet.
        #[arg(long)]
        to: PathBuf,
        /// An earlier copy beside it: only what that lacks is copied.
        #[arg(long)]
        since: Option<PathBuf>,
        /// Only the accounts of this organisation.
        #[arg(long, conflicts_with = "account")]
        organisation: Option<String>,
        /// Only the account of this address.
        #[arg(long)]
        account: Option<String>,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Take a copy in: a whole one into an empty store, that of accounts beside others.
    Restore {
        /// The folder of the copy.
        #[arg(long)]
        from: PathBuf,
        /// Put the accounts of the copy in the place of those that are there.
        #[arg(long)]
        replace: bool,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Write the messages of one account, sealed as they are.
    Export {
        /// The address of the account.
        address: String,
        /// How they are written.
        #[arg(long, value_enum)]
        form: Form,
        /// The file or folder, which is not there yet.
        #[arg(long)]
        to: PathBuf,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Take messages into one account; a sealed account takes sealed ones only. Ends with 2 where any is refused.
    Import {
        /// The address of the account.
        address: String,
        /// How they are written.
        #[arg(long, value_enum)]
        form: Form,
        /// The file or folder.
        #[arg(long)]
        from: PathBuf,
        /// The role or name of the mailbox that they come into.
        #[arg(long, default_value = "inbox")]
        mailbox: String,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// See and act on mail that waits to be sent elsewhere.
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
        /// The configuration (TOML).
        #[arg(long, global = true)]
        config: Option<PathBuf>,
    },
    /// Print what DNS must say of the keys that sign mail.
    Dkim {
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Manage accounts.
    Account {
        #[command(subcommand)]
        command: commands::AccountCommand,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match perform(Arguments::parse().command).await {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Unwell) => ExitCode::from(2),
        Err(error) => {
            let words = format!("sealpost: {}\n", in_words(&error));
            std::io::stderr().write_all(words.as_bytes()).ok();
            ExitCode::FAILURE
        }
    }
}

async fn perform(command: Command) -> anyhow::Result<Outcome> {
    serve::forbid_core_dumps().context("cannot forbid core dumps")?;
    match command {
        Command::Serve { config } => run(&config).await?,
        Command::Migrate { to, dry_run, config } => {
            commands::migrate(to, dry_run, config.as_deref()).await?;
        }
        Command::Check { repair, config } => return commands::check(repair, config.as_deref()).await,
        Command::Account { command } => commands::account(command).await?,
        Command::Backup { to, since, organisation, account, config } => {
            let scope = Scope { organisation, address: account.map(|address| address.to_lowercase()) };
            commands::backup(&to, scope, since.as_deref(), config.as_deref()).await?;
        }
        Command::Restore { from, replace, config } => {
            commands::restore(&from, replace, config.as_deref()).await?;
        }
        Command::Export { address, form, to, config } => {
            commands::export(&address, form, &to, config.as_deref()).await?;
        }
        Command::Import { address, form, from, mailbox, config } => {
            return commands::import(&address, form, &from, &mailbox, config.as_deref()).await;
        }
        Command::Dkim { config } => commands::dkim(config)?,
        Command::Queue { command, config } => commands::queue(command, config).await?,
    }
    Ok(Outcome::Well)
}

/// The error and its causes, without those that an error's own words repeat.
fn in_words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |words, cause| match words.as_str() {
        "" => cause,
        told if told.contains(&cause) => words,
        _ => format!("{words}: {cause}"),
    })
}

async fn run(path: &Path) -> anyhow::Result<()> {
    let (config, keys) = Config::read_with_keys(path)?;
    if let Some(folder) = &config.log_folder {
        relay::private_folder(folder).with_context(|| format!("cannot use {}", folder.display()))?;
    }
    logging::start(config.log_filter()?, config.log_folder.as_deref())?;
    // Before the relay says that it is ready, so that a signal is never missed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut reload = Reload::new(path, keys);
    let mut running = serve::start(config).await?;
    let ready = format!("Sealpost is ready: {}\n", running.relay.config.url());
    std::io::stdout().write_all(ready.as_bytes()).context("cannot say that it is ready")?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = running.failed() => anyhow::bail!("a door closed; see the log"),
            _ = hangup.recv() => {
                if let Err(error) = reload.again(&running.relay) {
                    tracing::error!(%error, "the configuration stays the one from before");
                }
            }
        }
    }
    running.stop().await;
    Ok(())
}
