//! `sealpost account`: makes accounts, gives them passwords and company, and signs people out.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::relay::Relay;
use crate::session::{self, LONGEST_PASSWORD, app_password};
use crate::store::{self, Account, AccountKind, NewAccount, StoreError};
use crate::{clock, directory, people, random};
use anyhow::{Context, bail};
use clap::Subcommand;
use smime::Certificate;

/// What to do with accounts.
#[derive(Subcommand)]
pub enum AccountCommand {
    /// Make an account and print an app password for it.
    Add {
        /// The address.
        address: String,
        /// What it stands for: personal, office or public; fixed for ever.
        #[arg(long, default_value = "personal", value_parser = kind)]
        kind: AccountKind,
        /// The name of the person or office; by default what stands before the @.
        #[arg(long)]
        name: Option<String>,
        /// Where the person works.
        #[arg(long)]
        organisation: Option<String>,
        /// A file whose first line is the password for the page; without it there is none.
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// A PEM file of the encryption certificate that mail in clear is sealed to.
        #[arg(long)]
        cert: Option<PathBuf>,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Change the password for the page, and end the sessions that the one before began.
    PagePassword {
        /// The address.
        address: String,
        /// A file whose first line is the new password, `-` for standard input; without it one is drawn and printed.
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// End all sessions on the page; prints how many there were. App passwords are ended by `revoke`.
    SignOut {
        /// The address.
        address: String,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Print a new app password.
    Password {
        /// The address.
        address: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// List app passwords: public part, time and label.
    Passwords {
        /// The address.
        address: String,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Revoke an app password.
    Revoke {
        /// The address.
        address: String,
        /// The public part, as the list shows it.
        id: String,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Take the certificates of an address back, after its keys fell into wrong hands or its owner left. They
    /// stand on the revocation list from then on, and nothing is sealed to them: mail in clear is put off until
    /// the owner has new keys. What was provably signed before stays good.
    RevokeCertificates {
        /// The address.
        address: String,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Let somebody open an office's or a public account, or let them no longer.
    Share {
        /// The address of the account.
        address: String,
        /// Whom to let in.
        #[arg(long)]
        with: String,
        /// They may change nothing.
        #[arg(long)]
        read_only: bool,
        /// They may open it no longer.
        #[arg(long, conflicts_with = "read_only")]
        end: bool,
        /// The configuration (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

fn kind(name: &str) -> Result<AccountKind, String> {
    AccountKind::from_name(name).ok_or_else(|| "personal, office or public".to_owned())
}

/// Does it.
pub async fn account(command: AccountCommand) -> anyhow::Result<()> {
    let config = match &command {
        AccountCommand::Add { config, .. }
        | AccountCommand::PagePassword { config, .. }
        | AccountCommand::SignOut { config, .. }
        | AccountCommand::Password { config, .. }
        | AccountCommand::Passwords { config, .. }
        | AccountCommand::Revoke { config, .. }
        | AccountCommand::RevokeCertificates { config, .. }
        | AccountCommand::Share { config, .. } => config,
    };
    let config = super::config(config.as_deref())?;
    let relay = Relay::open(config).await?;
    let done = perform(&relay, command).await;
    relay.close().await;
    std::io::stdout().write_all(done?.as_bytes()).context("cannot print the answer")
}

async fn perform(relay: &Arc<Relay>, command: AccountCommand) -> anyhow::Result<String> {
    match command {
        AccountCommand::Add { address, kind, name, organisation, password_file, cert, .. } => {
            let name = name.or_else(|| address.split_once('@').map(|(local, _)| local.to_owned()));
            let new = NewAccount {
                name: name.unwrap_or_default(),
                // Without a file nobody knows it: the account is for programs alone.
                password: people::hash(page_password(password_file)?.unwrap_or_else(drawn)).await?,
                address,
                kind,
                organisation,
            };
            add(relay, new, cert).await
        }
        AccountCommand::PagePassword { address, password_file, .. } => {
            change_password(relay, &address, password_file).await
        }
        AccountCommand::SignOut { address, .. } => {
            let account = find(relay, &address).await?.id;
            Ok(format!("{}\n", session::sign_out_everywhere(relay, account).await?))
        }
        AccountCommand::Password { address, label, .. } => {
            issue(relay, find(relay, &address).await?, label).await
        }
        AccountCommand::Passwords { address, .. } => list(relay, &find(relay, &address).await?).await,
        AccountCommand::Revoke { address, id, .. } => {
            let account = find(relay, &address).await?.id;
            let revoked = session::revoke(relay, account, id).await?;
            if revoked { Ok(String::new()) } else { bail!("the account has no such app password") }
        }
        AccountCommand::RevokeCertificates { address, .. } => revoke_certificates(relay, &address).await,
        AccountCommand::Share { address, with, read_only, end, .. } => {
            let (account, member) = (find(relay, &address).await?, find(relay, &with).await?);
            share(relay, account, member, (!end).then_some(!read_only)).await
        }
    }
}

/// The first line of the file, or of standard input.
fn page_password(file: Option<PathBuf>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let line = match file == Path::new("-") {
        true => first_line(std::io::stdin().lock()),
        false => File::open(&file).and_then(|file| first_line(BufReader::new(file))),
    };
    let line = line.context("cannot read the password file")?;
    if line.is_empty() {
        bail!("the first line of the password file is empty");
    }
    if line.len() > LONGEST_PASSWORD {
        bail!("the password is longer than {LONGEST_PASSWORD} octets: nobody could sign in with it");
    }
    Ok(Some(String::from_utf8(line).context("the password is not UTF-8")?))
}

/// Without its end and the mark that some editors begin a file with (U+FEFF), up to more than a password may have.
fn first_line(from: impl BufRead) -> std::io::Result<Vec<u8>> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let most = MARK.len() + LONGEST_PASSWORD + b"\r\n".len() + 1;
    let mut line = Vec::new();
    from.take(most as u64).read_until(b'\n', &mut line)?;
    let text = line.strip_prefix(MARK).unwrap_or(&line);
    let text = text.strip_suffix(b"\n").map_or(text, |text| text.strip_suffix(b"\r").unwrap_or(text));
    Ok(text.to_vec())
}

fn drawn() -> String {
    random::letters::<24>()
}

async fn change_password(relay: &Relay, address: &str, file: Option<PathBuf>) -> anyhow::Result<String> {
    let account = find(relay, address).await?.id;
    let (password, told) = match page_password(file)? {
        Some(password) => (password, String::new()),
        None => {
            let password = drawn();
            (password.clone(), format!("{password}\n"))
        }
    };
    session::change_password(relay, account, people::hash(password).await?).await?;
    Ok(told)
}

async fn add(relay: &Relay, new: NewAccount, cert: Option<PathBuf>) -> anyhow::Result<String> {
    // Read before anything is made.
    let certificate = cert.map(|path| certificate(&path, new.kind)).transpose()?;
    let address = new.address.clone();
    people::add(relay, new).await?;
    let account = find(relay, &address).await?;
    if let Some(certificate) = certificate {
        directory::make_known(&relay.store, &account, &certificate).await?;
    }
    issue(relay, account, String::new()).await
}

fn certificate(path: &Path, kind: AccountKind) -> anyhow::Result<Certificate> {
    if !kind.is_sealed() {
        bail!("a public account keeps its mail in clear: it has no use for an encryption certificate");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let certificate = Certificate::all_from_pem(&text)?.into_iter().next();
    let certificate = certificate.context("the file holds no certificate")?;
    if !certificate.is_valid_at(clock::unix_time()) {
        bail!("the certificate is not valid now");
    }
    if !directory::is_certified(certificate.spki()) {
        bail!("the certificate's key is of a kind or size that mail is not sealed to");
    }
    Ok(certificate)
}

async fn issue(relay: &Relay, account: Account, label: String) -> anyhow::Result<String> {
    let issue = relay
        .store
        .write(move |tx| Box::pin(async move { app_password::issue(tx, &account.id, &label).await }));
    let password = issue.await.map_err(|error: StoreError| error)?;
    Ok(format!("{password}\n"))
}

async fn list(relay: &Relay, account: &Account) -> anyhow::Result<String> {
    let mut connection = relay.store.read().await?;
    let mut text = String::new();
    for password in store::app_passwords(&mut connection, &account.id).await? {
        let since = clock::utc_date(password.created_at);
        text.push_str(&format!("{}  {since}  {}\n", password.id, password.label));
    }
    Ok(text)
}

async fn revoke_certificates(relay: &Relay, address: &str) -> anyhow::Result<String> {
    let revoked = directory::revoke(&relay.store, &relay.authority, address).await?;
    let line = |certificate: &Certificate| format!("{}  revoked\n", certificate.serial_hex());
    let text: String = revoked.iter().map(line).collect();
    if text.is_empty() {
        bail!("the address has no certificate that is not revoked yet")
    }
    Ok(text)
}

async fn share(
    relay: &Relay,
    account: Account,
    member: Account,
    may_write: Option<bool>,
) -> anyhow::Result<String> {
    if account.kind == AccountKind::Personal || account.id == member.id {
        bail!("only an office's or a public account is shared, and with somebody else");
    }
    people::share(relay, account.id, member.id, may_write).await?;
    Ok(String::new())
}

async fn find(relay: &Relay, address: &str) -> anyhow::Result<Account> {
    let mut connection = relay.store.read().await?;
    store::account_by_address(&mut connection, address).await?.context("there is no such account")
}
