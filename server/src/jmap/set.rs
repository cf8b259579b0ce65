//! What all `/set` methods share (RFC 8620 5.3): the limit, the states, and one transaction for all of it.

use futures::future::BoxFuture;
use jmap::{AccountId, MethodError, Patch, Set, SetAnswer, SetError, SetErrorType, Settable, State};
use serde::Serialize;
use serde_json::Value;

use super::Call;
use super::answer::{Outcome, WriteError, arguments, check_set_size, check_state};
use crate::delivery::{self, DeliverError, Sealed};
use crate::store::{self, Kind, Ledger, States, StoreError, Tx};

/// Mail that goes into inboxes once the account's own changes are written.
pub type Deliveries = Vec<Sealed>;

/// Reads the arguments and refuses more objects than the session announces.
pub fn read<T: Settable>(call: &Call, given: Value) -> Result<Set<T>, MethodError> {
    let wanted: Set<T> = arguments(given)?;
    let count = wanted.create.iter().flatten().count()
        + wanted.update.iter().flatten().count()
        + wanted.destroy.iter().flatten().count();
    check_set_size(count, &call.relay.limits)?;
    Ok(wanted)
}

/// What of a patch is not so already: a whole object is a patch too (RFC 8620 5.3).
pub fn news(patch: Patch, current: &impl Serialize) -> Result<Patch, SetError> {
    let current = serde_json::to_value(current).unwrap_or_default();
    check_pointers(&patch, &current)?;
    Ok(patch.into_iter().filter(|(name, value)| current.get(name) != Some(value)).collect())
}

/// Refuses pointers that lead into a list, into what is not there, or into what the patch replaces (RFC 8620 5.3).
pub fn check_pointers(patch: &Patch, current: &Value) -> Result<(), SetError> {
    let leads = |path: &String| {
        let above = path.rsplit_once('/').map(|(above, _)| above);
        let mut holder = above.into_iter().flat_map(|above| above.split('/'));
        let step =
            |value, step: &str| Value::as_object(value)?.get(&step.replace("~1", "/").replace("~0", "~"));
        holder.try_fold(current, step).is_some_and(Value::is_object)
    };
    let replaced = |path: &String| {
        path.match_indices('/').any(|(end, _)| path.get(..end).is_some_and(|above| patch.contains_key(above)))
    };
    match patch.keys().find(|path| !leads(path) || replaced(path)) {
        Some(path) => Err(SetError::new(SetErrorType::InvalidPatch, format!("{path} leads nowhere"))),
        None => Ok(()),
    }
}

/// What is known before the transaction.
#[derive(Debug, Default)]
pub struct Before {
    /// Refuse unless this is the state.
    pub if_in_state: Option<State>,
    /// Other accounts that mail goes to; all are locked in one order.
    pub recipients: Vec<AccountId>,
    /// What was refused already.
    pub outcome: Outcome,
}

impl From<Option<State>> for Before {
    fn from(if_in_state: Option<State>) -> Self {
        Self { if_in_state, ..Self::default() }
    }
}

/// Makes the changes in one transaction, unless the state is another by now, and tells what became of each.
pub async fn write<F>(
    call: &mut Call,
    kind: Kind,
    before: Before,
    change: F,
) -> Result<SetAnswer, MethodError>
where
    F: for<'t> FnOnce(
            &'t mut Tx,
            &'t mut Ledger,
            &'t mut Outcome,
        ) -> BoxFuture<'t, Result<Deliveries, StoreError>>
        + Clone
        + Send
        + 'static,
{
    let (account, user) = (call.account.id.clone(), call.user.id.clone());
    let Before { if_in_state, recipients, mut outcome } = before;
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            store::lock_accounts(tx, recipients.iter().chain([&account])).await?;
            let mut ledger = Ledger::open(tx, &account).await?;
            let old_state = seen(tx, (&account, &user), kind, ledger.before()).await?;
            check_state(if_in_state.as_ref(), &old_state)?;
            let mail = change(tx, &mut ledger, &mut outcome).await?;
            let states = ledger.close(tx).await?;
            let new_state = seen(tx, (&account, &user), kind, &states).await?;
            // After the account's own ledger is closed, for a recipient may be the account itself.
            deliver(tx, mail).await?;
            Ok::<_, WriteError>(outcome.into_answer(account, old_state, new_state))
        })
    });
    let done = write.await?;
    call.remember(done.created.as_ref());
    Ok(done)
}

/// The state of a type as the user sees it.
async fn seen(
    tx: &mut Tx,
    (account, user): (&AccountId, &AccountId),
    kind: Kind,
    states: &States,
) -> Result<State, StoreError> {
    match kind {
        Kind::Mailbox => Ok(store::states_for(tx.connection(), account, user).await?.of(kind)),
        _ => Ok(states.of(kind)),
    }
}

async fn deliver(tx: &mut Tx, mail: Deliveries) -> Result<(), WriteError> {
    delivery::keep(tx, mail).await.map_err(|error| match error {
        DeliverError::Store(error) => WriteError::Store(error),
        DeliverError::Blob(error) => WriteError::Blob(error),
        _ => WriteError::Store(StoreError::Corrupt("mailboxes")),
    })
}
