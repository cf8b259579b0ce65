use super::sql::{self, Connection};
use super::{StoreError, Tx};
use crate::clock::Millis;

/// What a domain said about its mail servers (RFC 8461), for as long as it holds.
#[derive(Debug, Clone)]
pub struct KeptPolicy {
    /// The domain.
    pub domain: String,
    /// Its id in DNS.
    pub id: String,
    /// The text.
    pub policy: String,
    /// When it does not hold any more.
    pub expires_at: Millis,
}

/// The policy of a domain that still holds.
pub async fn kept_policy(
    connection: &mut Connection,
    domain: &str,
    now: Millis,
) -> Result<Option<KeptPolicy>, StoreError> {
    let text =
        "SELECT domain, id, policy, expires_at FROM sts_policies WHERE domain = $1 AND expires_at > $2";
    let row = sql::query(text).bind(domain).bind(now).fetch_optional(connection).await?;
    row.map(|row| {
        Ok(KeptPolicy {
            domain: row.try_get(0)?,
            id: row.try_get(1)?,
            policy: row.try_get(2)?,
            expires_at: row.try_get(3)?,
        })
    })
    .transpose()
}

/// Keeps a policy in the place of the one before, and forgets those that hold no more.
pub async fn keep_policy(tx: &mut Tx, kept: &KeptPolicy) -> Result<(), StoreError> {
    let forget = "DELETE FROM sts_policies WHERE domain = $1 OR expires_at <= $2";
    sql::query(forget).bind(&kept.domain).bind(crate::clock::now()).execute(tx.connection()).await?;
    sql::query(
        "INSERT INTO sts_policies (domain, id, policy, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (domain) DO UPDATE SET id = $2, policy = $3, expires_at = $4",
    )
    .bind(&kept.domain)
    .bind(&kept.id)
    .bind(&kept.policy)
    .bind(kept.expires_at)
    .execute(tx.connection())
    .await?;
    Ok(())
}
