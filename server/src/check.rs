//! `sealpost check`: every invariant of the store, and the bytes behind it.

use std::collections::BTreeSet;

use jmap::AccountId;

use crate::blobs::{BlobError, Blobs};
use crate::progress::Progress;
use crate::relay::Relay;
use crate::store::check::{self, BytesFault, Finding};
use crate::store::sql::Connection;
use crate::store::{self, StoreError};

/// Blobs read at once.
const PAGE: i64 = 64;

/// Why the store could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes could not be read.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// What was looked at and found.
#[derive(Debug, Default)]
pub struct Report {
    /// Accounts looked at.
    pub accounts: usize,
    /// Blobs looked at, each byte of them.
    pub blobs: usize,
    /// What does not hold, and whether it was mended.
    pub findings: Vec<(Finding, bool)>,
}

impl Report {
    /// Whether everything holds now.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|(_, mended)| *mended)
    }
}

/// Looks at everything, and mends what can be where `repair` says so. The relay may go on meanwhile.
pub async fn check(relay: &Relay, repair: bool, progress: &Progress) -> Result<Report, CheckError> {
    let mut report = Report::default();
    let mut snapshot = relay.store.snapshot().await?;
    let accounts = check::account_ids(&mut snapshot).await?;
    report.accounts = accounts.len();
    let (mut findings, mut ill) = (Vec::new(), BTreeSet::<AccountId>::new());
    for (done, account) in accounts.iter().enumerate() {
        progress.show("accounts", done, accounts.len());
        let found = check::examine_account(&mut snapshot, account).await?;
        if !found.is_empty() {
            ill.insert(account.clone());
        }
        findings.extend(found);
    }
    findings.extend(check::examine_shared(&mut snapshot).await?);
    let engine = relay.store.engine();
    let difference = store::difference(&mut snapshot, engine, store::newest()).await;
    if let Some(difference) = difference.map_err(StoreError::from)? {
        findings.push(Finding::Schema { difference });
    }
    let in_files = contents(&mut snapshot, &mut report, &mut findings, progress).await?;
    snapshot.close().await.map_err(StoreError::from)?;
    files(relay, in_files, &mut findings, progress).await?;
    strays(relay, &mut findings).await?;
    progress.end();
    if repair {
        report.findings = mend(relay, ill, findings).await?;
    } else {
        report.findings = findings.into_iter().map(|finding| (finding, false)).collect();
    }
    Ok(report)
}

/// Hashes what is in the database; gives the blobs that are in files.
async fn contents(
    connection: &mut Connection,
    report: &mut Report,
    findings: &mut Vec<Finding>,
    progress: &Progress,
) -> Result<Vec<jmap::BlobId>, CheckError> {
    let (mut after, mut in_files) = (String::new(), Vec::new());
    loop {
        let page = check::contents(connection, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(in_files) };
        after = last.blob.to_string();
        report.blobs += page.len();
        progress.show("blobs", report.blobs, 0);
        for content in page {
            match content.data {
                Some(data) => findings.extend(
                    Blobs::fault_in(&content.blob, &data)
                        .map(|fault| Finding::Bytes { blob: content.blob, fault }),
                ),
                None if content.in_file => in_files.push(content.blob),
                None => findings.push(Finding::Bytes { blob: content.blob, fault: BytesFault::Missing }),
            }
        }
    }
}

async fn files(
    relay: &Relay,
    in_files: Vec<jmap::BlobId>,
    findings: &mut Vec<Finding>,
    progress: &Progress,
) -> Result<(), CheckError> {
    let all = in_files.len();
    for (done, blob) in in_files.into_iter().enumerate() {
        progress.show("files", done, all);
        let Some(fault) = relay.blobs.fault(&blob).await? else { continue };
        // One that nobody holds may be about to be written, or may have gone since.
        let mut connection = relay.store.read().await?;
        if check::is_known(&mut connection, blob.as_str(), true).await? {
            findings.push(Finding::Bytes { blob, fault });
        }
    }
    Ok(())
}

async fn strays(relay: &Relay, findings: &mut Vec<Finding>) -> Result<(), CheckError> {
    let mut connection = relay.store.read().await?;
    for (path, blob) in relay.blobs.files().await? {
        let known = match blob {
            Some(blob) => check::is_known(&mut connection, blob.as_str(), false).await?,
            None => false,
        };
        if !known {
            findings.push(Finding::StrayFile { path });
        }
    }
    Ok(())
}

/// Mends; what is found again within an account, alone with it, counts for it.
async fn mend(
    relay: &Relay,
    ill: BTreeSet<AccountId>,
    findings: Vec<Finding>,
) -> Result<Vec<(Finding, bool)>, CheckError> {
    let mut outcome = Vec::new();
    for account in &ill {
        let account = account.clone();
        let mend =
            relay.store.write(move |tx| Box::pin(async move { check::mend_account(tx, &account).await }));
        let mended: Vec<(Finding, bool)> = mend.await.map_err(|error: StoreError| error)?;
        outcome.extend(mended);
    }
    for finding in findings {
        if finding.account().is_some_and(|account| ill.contains(account)) && !finding.is_shared() {
            continue;
        }
        let mended = match &finding {
            Finding::StrayFile { path } => relay.blobs.remove_stray(&relay.store, path).await.is_ok(),
            _ => {
                let shared = finding.clone();
                let mend = relay
                    .store
                    .write(move |tx| Box::pin(async move { check::mend_shared(tx, &shared).await }));
                mend.await.map_err(|error: StoreError| error)?
            }
        };
        outcome.push((finding, mended));
    }
    Ok(outcome)
}
