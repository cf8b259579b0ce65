use jmap::{AccountId, EmailAddress, Identity, IdentityId};

use super::changes::bury;
use super::sql::{self, Connection, Row};
use super::{Kind, Ledger, StoreError, Tx};

/// The identity that every account has from the start.
pub const OWN_IDENTITY: &str = "self";

/// The identities of an account.
pub async fn identities(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Vec<Identity>, StoreError> {
    let rows = sql::query(
        "SELECT id, name, email, reply_to, bcc, text_signature, html_signature FROM identities
         WHERE account_id = $1 ORDER BY created_state, id",
    )
    .bind(account.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Makes an identity or replaces it.
pub async fn put_identity(tx: &mut Tx, ledger: &mut Ledger, identity: &Identity) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Identity);
    sql::query(
        "INSERT INTO identities (account_id, id, name, email, reply_to, bcc, text_signature, html_signature,
         created_state, updated_state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         ON CONFLICT (account_id, id) DO UPDATE SET name = EXCLUDED.name, reply_to = EXCLUDED.reply_to,
         bcc = EXCLUDED.bcc, text_signature = EXCLUDED.text_signature,
         html_signature = EXCLUDED.html_signature, updated_state = EXCLUDED.updated_state",
    )
    .bind(ledger.account().as_str())
    .bind(identity.id.as_str())
    .bind(&identity.name)
    .bind(&identity.email)
    .bind(text(identity.reply_to.as_ref())?)
    .bind(text(identity.bcc.as_ref())?)
    .bind(&identity.text_signature)
    .bind(&identity.html_signature)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Destroys an identity; tells whether there was one.
pub async fn destroy_identity(tx: &mut Tx, ledger: &mut Ledger, id: &IdentityId) -> Result<bool, StoreError> {
    let row = sql::query("DELETE FROM identities WHERE account_id = $1 AND id = $2 RETURNING created_state")
        .bind(ledger.account().as_str())
        .bind(id.as_str())
        .fetch_optional(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(false) };
    bury(tx, ledger, Kind::Identity, id.as_str(), row.try_get(0)?).await?;
    Ok(true)
}

fn text(addresses: Option<&Vec<EmailAddress>>) -> Result<Option<String>, StoreError> {
    let text = addresses.map(serde_json::to_string).transpose();
    text.map_err(|_| StoreError::Corrupt("identity"))
}

fn read(row: &Row) -> Result<Identity, StoreError> {
    let addresses = |text: Option<String>| {
        let read = text.map(|text| serde_json::from_str(&text)).transpose();
        read.map_err(|_| StoreError::Corrupt("identity"))
    };
    let id: String = row.try_get(0)?;
    Ok(Identity {
        may_delete: id != OWN_IDENTITY,
        id: IdentityId::from(id),
        name: row.try_get(1)?,
        email: row.try_get(2)?,
        reply_to: addresses(row.try_get(3)?)?,
        bcc: addresses(row.try_get(4)?)?,
        text_signature: row.try_get(5)?,
        html_signature: row.try_get(6)?,
    })
}
