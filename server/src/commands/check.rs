use std::path::Path;

use anyhow::Result;

use super::{Outcome, open, say};
use crate::check;
use crate::progress::Progress;

/// `sealpost check`.
pub async fn check(repair: bool, config: Option<&Path>) -> Result<Outcome> {
    let relay = open(config).await?;
    let checked = check::check(&relay, repair, &Progress::on_terminal()).await;
    relay.close().await;
    let report = checked?;
    for (finding, mended) in &report.findings {
        say(&format!("{finding}{}", if *mended { " (mended)" } else { "" }))?;
    }
    let (accounts, blobs, found) = (report.accounts, report.blobs, report.findings.len());
    say(&match found {
        0 => format!("{accounts} accounts and {blobs} blobs are as they should be."),
        _ => format!("{found} faults in {accounts} accounts and {blobs} blobs."),
    })?;
    Ok(if report.is_clean() { Outcome::Well } else { Outcome::Unwell })
}
