//! What must hold in the store, looked at whole, and made to hold again where that can be.
//!
//! Everything is read in one snapshot, so that a relay that goes on writing changes nothing of the
//! answer. A repair looks at the account again, alone with it, and mends what it finds then.

mod account;
mod bytes;
mod finding;
mod mend;

use jmap::AccountId;

pub use bytes::{Content, contents, is_known};
pub use finding::{BytesFault, Counts, Finding};

use super::sql::{self, Connection};
use super::{Ledger, StoreError, Tx};

/// The accounts there are.
pub async fn account_ids(connection: &mut Connection) -> Result<Vec<AccountId>, StoreError> {
    let rows = sql::query("SELECT id FROM accounts ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(|row| Ok(AccountId::from(row.try_get::<String>(0)?))).collect()
}

/// What does not hold within one account.
pub async fn examine_account(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    account::examine(connection, account, &mut findings).await?;
    Ok(findings)
}

/// What does not hold between accounts, blobs and the queue.
pub async fn examine_shared(connection: &mut Connection) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    bytes::examine(connection, &mut findings).await?;
    Ok(findings)
}

/// Looks at an account again and mends it; gives what was found, and what of it is mended.
pub async fn mend_account(tx: &mut Tx, account: &AccountId) -> Result<Vec<(Finding, bool)>, StoreError> {
    let mut ledger = Ledger::open(tx, account).await?;
    let mut mended = Vec::new();
    for finding in examine_account(tx.connection(), account).await? {
        let done = mend::account(tx, &mut ledger, &finding).await?;
        mended.push((finding, done));
    }
    ledger.close(tx).await?;
    Ok(mended)
}

/// Mends what [`examine_shared`] or a look at the bytes found; tells whether that could be done.
pub async fn mend_shared(tx: &mut Tx, finding: &Finding) -> Result<bool, StoreError> {
    mend::shared(tx, finding).await
}
