use jmap::AccountId;

use super::sql::{self, Connection, Row};
use super::{Credential, StoreError, Tx};
use crate::clock::Millis;
use crate::webpush::Keys;

/// Where a client wants to hear of changes (RFC 8620 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// Whose it is.
    pub account: AccountId,
    /// By what its client was signed in: with that it ends (RFC 8620 7.2).
    pub credential: Credential,
    /// Its id.
    pub id: String,
    /// The client's own name for the device.
    pub device: String,
    /// Where to push.
    pub url: String,
    /// What to encrypt to.
    pub keys: Option<Keys>,
    /// Which types; none means all.
    pub types: Option<Vec<String>>,
    /// What the client has to send back before anything is pushed.
    pub code: String,
    /// Whether it did.
    pub verified: bool,
    /// Until when.
    pub expires_at: Millis,
}

const COLUMNS: &str = "SELECT account_id, id, device, url, p256dh, auth, types, code, verified, expires_at,
    credential FROM push_subscriptions";
/// The credential is neither revoked nor expired; `$2` is now.
const ALIVE: &str = "expires_at > $2
    AND (EXISTS (SELECT 1 FROM app_passwords p WHERE p.id = credential)
    OR EXISTS (SELECT 1 FROM sessions s WHERE s.token_hash = credential AND s.expires_at > $2))";

/// The subscriptions of an account that have not expired.
pub async fn subscriptions(
    connection: &mut Connection,
    account: &AccountId,
    now: Millis,
) -> Result<Vec<PushSubscription>, StoreError> {
    let text = format!("{COLUMNS} WHERE account_id = $1 AND {ALIVE} ORDER BY id");
    let rows = sql::query(sql::Text::of_constants(text))
        .bind(account.as_str())
        .bind(now)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// The verified subscriptions of all who may open an account.
pub async fn subscriptions_to(
    connection: &mut Connection,
    account: &AccountId,
    now: Millis,
) -> Result<Vec<PushSubscription>, StoreError> {
    let text = format!(
        "{COLUMNS} WHERE verified = 1 AND {ALIVE} AND (account_id = $1
         OR account_id IN (SELECT member_id FROM shares WHERE account_id = $1))"
    );
    let rows = sql::query(sql::Text::of_constants(text))
        .bind(account.as_str())
        .bind(now)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Makes a subscription or replaces it.
pub async fn put_subscription(tx: &mut Tx, new: &PushSubscription) -> Result<(), StoreError> {
    let types = new.types.as_ref().map(|types| types.join(" "));
    sql::query(
        "INSERT INTO push_subscriptions (account_id, id, device, url, p256dh, auth, types, code, verified,
         expires_at, credential) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (account_id, id) DO UPDATE SET types = EXCLUDED.types, verified = EXCLUDED.verified,
         expires_at = EXCLUDED.expires_at",
    )
    .bind(new.account.as_str())
    .bind(&new.id)
    .bind(&new.device)
    .bind(&new.url)
    .bind(new.keys.as_ref().map(|keys| keys.p256dh.clone()))
    .bind(new.keys.as_ref().map(|keys| keys.auth.clone()))
    .bind(types)
    .bind(&new.code)
    .bind(i64::from(new.verified))
    .bind(new.expires_at)
    .bind(new.credential.as_str())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Destroys a subscription; tells whether there was one.
pub async fn drop_subscription(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool, StoreError> {
    let gone = sql::query("DELETE FROM push_subscriptions WHERE account_id = $1 AND id = $2")
        .bind(account.as_str())
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(gone == 1)
}

/// Forgets subscriptions that have expired, by themselves or with their credential.
pub async fn sweep_subscriptions(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    let text = format!(
        "DELETE FROM push_subscriptions WHERE expires_at <= $1 OR NOT ({})",
        ALIVE.replace("$2", "$1")
    );
    sql::query(sql::Text::of_constants(text)).bind(now).execute(tx.connection()).await?;
    Ok(())
}

fn read(row: &Row) -> Result<PushSubscription, StoreError> {
    let keys = match (row.try_get::<Option<String>>(4)?, row.try_get::<Option<String>>(5)?) {
        (Some(p256dh), Some(auth)) => Some(Keys { p256dh, auth }),
        _ => None,
    };
    let types: Option<String> = row.try_get(6)?;
    Ok(PushSubscription {
        account: AccountId::from(row.try_get::<String>(0)?),
        id: row.try_get(1)?,
        device: row.try_get(2)?,
        url: row.try_get(3)?,
        keys,
        types: types.map(|types| types.split_ascii_whitespace().map(str::to_owned).collect()),
        code: row.try_get(7)?,
        verified: row.try_get::<i64>(8)? != 0,
        expires_at: row.try_get(9)?,
        credential: Credential::named(row.try_get::<String>(10)?),
    })
}
