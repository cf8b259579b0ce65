use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use jmap::EmailId;

use super::{open, say};
use crate::backup::partial;
use crate::clock::c_date;
use crate::progress::Progress;
use crate::relay::Relay;
use crate::store::{self, EmailRow, EmailSearch};

/// How mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A file for each message.
    Eml,
    /// A folder in the Maildir form, with its flags.
    Maildir,
    /// One file, in the mboxrd form.
    Mbox,
}

/// Emails read at once.
const PAGE: usize = 100;

/// `sealpost export`: the messages of one account, sealed as they are kept.
pub async fn export(address: &str, form: Form, to: &Path, config: Option<&Path>) -> Result<()> {
    if to.exists() {
        bail!("{} is there already", to.display());
    }
    let partial = partial(to);
    if partial.exists() {
        bail!("{} is there, of an export that broke off: remove it first", partial.display());
    }
    let relay = open(config).await?;
    let done = write(&relay, address, form, &partial).await;
    relay.close().await;
    let count = done?;
    fs::rename(&partial, to).with_context(|| format!("{} cannot be made", to.display()))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()?;
    say(&format!("{count} messages are in {}.", to.display()))
}

async fn write(relay: &Relay, address: &str, form: Form, to: &Path) -> Result<usize> {
    // As at one moment, whatever comes meanwhile.
    let mut connection = relay.store.snapshot().await?;
    let account = store::account_by_address(&mut connection, address).await?;
    let account = account.context("there is no such account")?.id;
    begin(form, to)?;
    let search = EmailSearch { condition: None, order: Vec::new(), collapse: false };
    let start = store::Start::Position(0);
    let found = store::search_emails(&mut connection, &account, &search, &start, i64::MAX).await?;
    let ids: Vec<EmailId> = found.map(|found| found.ids).unwrap_or_default();
    let (mut count, progress) = (0, Progress::on_terminal());
    for page in ids.chunks(PAGE) {
        for email in store::emails(&mut connection, &account, page).await? {
            let bytes = relay.blobs.read_any(&relay.store, &email.blob_id).await?;
            put(form, to, &email, &bytes).with_context(|| format!("{} cannot be written", to.display()))?;
        }
        count += page.len();
        progress.show("messages", count, ids.len());
    }
    progress.end();
    connection.close().await?;
    Ok(count)
}

fn begin(form: Form, to: &Path) -> Result<()> {
    match form {
        Form::Eml => fs::create_dir(to)?,
        Form::Maildir => {
            for part in ["cur", "new", "tmp"] {
                fs::create_dir_all(to.join(part))?;
            }
        }
        Form::Mbox => drop(File::create_new(to)?),
    }
    Ok(())
}

fn put(form: Form, to: &Path, email: &EmailRow, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = match form {
        Form::Eml => File::create_new(to.join(format!("{}.eml", email.id)))?,
        Form::Maildir => {
            let name = format!("{}.{}.sealpost:2,{}", email.received_at / 1000, email.id, flags(email));
            File::create_new(to.join("cur").join(name))?
        }
        Form::Mbox => OpenOptions::new().append(true).open(to)?,
    };
    if form == Form::Mbox {
        file.write_all(&mbox(email, bytes))?;
    } else {
        file.write_all(bytes)?;
    }
    file.sync_all()
}

/// Keywords and the flags of a Maildir that stand for them, in their order.
pub(super) const FLAGS: [(&str, char); 4] =
    [("$draft", 'D'), ("$flagged", 'F'), ("$answered", 'R'), ("$seen", 'S')];

fn flags(email: &EmailRow) -> String {
    FLAGS.into_iter().filter(|(keyword, _)| email.keywords.contains(*keyword)).map(|(_, flag)| flag).collect()
}

/// RFC 4155, with every line quoted that begins like a separator.
fn mbox(email: &EmailRow, bytes: &[u8]) -> Vec<u8> {
    let mut text = format!("From sealpost@localhost {}\n", c_date(email.received_at)).into_bytes();
    for line in bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let quotes = line.iter().take_while(|byte| **byte == b'>').count();
        if line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From ")) {
            text.push(b'>');
        }
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.push(b'\n');
    text
}
