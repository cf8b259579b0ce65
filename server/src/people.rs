//! Making accounts, with the mailboxes everybody has, and who else may open them.

use jmap::{AccountId, Role};

use crate::relay::Relay;
use crate::session;
use crate::store::{self, Ledger, NewAccount, NewMailbox, StoreError};

/// The mailboxes of a new account, in their order. Names are for clients that do not know roles.
const MAILBOXES: [(Role, &str); 6] = [
    (Role::Inbox, "Inbox"),
    (Role::Drafts, "Drafts"),
    (Role::Sent, "Sent"),
    (Role::Archive, "Archive"),
    (Role::Junk, "Junk"),
    (Role::Trash, "Trash"),
];

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// Somebody has the address.
    #[error("the address is taken")]
    Taken,
    /// The address is not one of this relay's domain.
    #[error("the address is not one of this relay's domain")]
    NotLocal,
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Password(argon2::password_hash::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether somebody has the address.
pub async fn exists(relay: &Relay, address: &str) -> Result<bool, StoreError> {
    let mut connection = relay.store.read().await?;
    Ok(store::account_by_address(&mut connection, address).await?.is_some())
}

/// Hashes a password, off the threads that serve sockets.
pub async fn hash(password: String) -> Result<String, AddError> {
    let work = tokio::task::spawn_blocking(move || session::hash(&password));
    work.await.map_err(|_| StoreError::Abandoned)?.map_err(AddError::Password)
}

/// Makes an account with its mailboxes.
pub async fn add(relay: &Relay, new: NewAccount) -> Result<AccountId, AddError> {
    if !relay.is_local(&new.address) {
        return Err(AddError::NotLocal);
    }
    let make = relay.store.write(move |tx| {
        Box::pin(async move {
            let id = store::add_account(tx, &new).await?.ok_or(AddError::Taken)?;
            let mut ledger = Ledger::open(tx, &id).await?;
            for (sort_order, (role, name)) in (1_i64..).zip(MAILBOXES) {
                let mailbox = NewMailbox {
                    name: name.to_owned(),
                    parent_id: None,
                    role: Some(role.name().to_owned()),
                    sort_order,
                };
                store::add_mailbox(tx, &mut ledger, &mailbox).await?;
            }
            ledger.close(tx).await?;
            Ok(id)
        })
    });
    make.await
}

/// Lets `member` open an account, to change it too or to read only, or with none no longer; whoever listens for them
/// hears of that.
pub async fn share(
    relay: &Relay,
    account: AccountId,
    member: AccountId,
    may_write: Option<bool>,
) -> Result<(), StoreError> {
    let user = member.clone();
    let change = relay.store.write(move |tx| {
        Box::pin(async move {
            match may_write {
                Some(may_write) => store::share(tx, &account, &member, may_write).await,
                None => store::unshare(tx, &account, &member).await.map(drop),
            }
        })
    });
    change.await.map_err(|error: StoreError| error)?;
    relay.hub.shared(&user);
    Ok(())
}
