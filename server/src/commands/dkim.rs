use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{config, say};
use crate::outbound::Sender;

/// `sealpost dkim`: what DNS must say of the keys that sign, as lines of a zone file.
pub fn dkim(path: Option<PathBuf>) -> Result<()> {
    let records = Sender::open(&config(path.as_deref())?)?.dkim_records();
    if records.is_empty() {
        bail!("the configuration names no key: see outbound.dkim");
    }
    for (name, text) in records {
        // RFC 1035 3.3.14: a string has 255 octets at most, and a record several.
        let strings = text.as_bytes().chunks(250).map(|part| format!("\"{}\"", part.escape_ascii()));
        say(&format!("{name}. IN TXT ( {} )", strings.collect::<Vec<_>>().join(" ")))?;
    }
    Ok(())
}
