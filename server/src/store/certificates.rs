use jmap::AccountId;

use super::ledger::lock_accounts;
use super::sql::{self, Connection};
use super::{StoreError, Tx};
use crate::clock::Millis;

/// A certificate that the authority issued.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// Its serial number in hex.
    pub serial: String,
    /// For whom.
    pub address: String,
    /// `signing` or `encryption`.
    pub key_use: &'static str,
    /// When.
    pub issued_at: Millis,
    /// Until when.
    pub expires_at: Millis,
    /// Its DER.
    pub der: Vec<u8>,
}

/// Puts a certificate into the directory.
pub async fn add_certificate(tx: &mut Tx, issued: IssuedCertificate) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO certificates (serial, address, key_use, issued_at, expires_at, der)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(issued.serial)
    .bind(issued.address)
    .bind(issued.key_use)
    .bind(issued.issued_at)
    .bind(issued.expires_at)
    .bind(issued.der)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Puts a certificate of an account into the directory if those of its use, unexpired, are still `held`; tells whether.
pub async fn add_next_certificate(
    tx: &mut Tx,
    account: &AccountId,
    issued: IssuedCertificate,
    held: &[Vec<u8>],
) -> Result<bool, StoreError> {
    lock_accounts(tx, [account]).await?;
    let now = certificates_of(tx.connection(), &issued.address, issued.key_use, issued.issued_at).await?;
    if now != held {
        return Ok(false);
    }
    add_certificate(tx, issued).await?;
    Ok(true)
}

/// How many certificates an address got since.
pub async fn certificates_since(
    connection: &mut Connection,
    address: &str,
    since: Millis,
) -> Result<i64, StoreError> {
    let row = sql::query("SELECT COUNT(*) FROM certificates WHERE address = $1 AND issued_at > $2")
        .bind(address.to_lowercase())
        .bind(since)
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

/// The certificates of an address that are unexpired at `now`, newest first.
pub async fn certificates_of(
    connection: &mut Connection,
    address: &str,
    key_use: &'static str,
    now: Millis,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = sql::query(
        "SELECT der FROM certificates WHERE address = $1 AND key_use = $2 AND expires_at > $3
         ORDER BY issued_at DESC, serial LIMIT 8",
    )
    .bind(address.to_lowercase())
    .bind(key_use)
    .bind(now)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The use of a certificate that was taken back. It is no column of its own: so releases that know nothing of
/// revocation find it as little as this one.
const REVOKED: &str = "revoked";

/// Takes all certificates of an address out of use; each with whether it was in use until now.
pub async fn revoke_certificates(tx: &mut Tx, address: &str) -> Result<Vec<(Vec<u8>, bool)>, StoreError> {
    let address = address.to_lowercase();
    let rows =
        sql::query("SELECT der, key_use FROM certificates WHERE address = $1 ORDER BY issued_at, serial")
            .bind(&address)
            .fetch_all(&mut *tx.connection())
            .await?;
    sql::query("UPDATE certificates SET key_use = $2 WHERE address = $1")
        .bind(&address)
        .bind(REVOKED)
        .execute(tx.connection())
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<String>(1)? != REVOKED))).collect()
}

/// Whether certificates of an address were taken back.
pub async fn has_revoked(connection: &mut Connection, address: &str) -> Result<bool, StoreError> {
    let revoked = certificates_of(connection, address, REVOKED, 0).await?;
    Ok(!revoked.is_empty())
}

/// The key that the relay holds for an owner who never signed in.
#[derive(Debug, Clone)]
pub struct EnrolmentKey {
    /// The private key.
    pub pkcs8: zeroize::Zeroizing<Vec<u8>>,
    /// Its certificate.
    pub certificate: Vec<u8>,
}

/// The enrolment key of an account, while there is one.
pub async fn enrolment_key(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Option<EnrolmentKey>, StoreError> {
    let row = sql::query("SELECT pkcs8, certificate FROM enrolment_keys WHERE account_id = $1")
        .bind(account.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(EnrolmentKey { pkcs8: zeroize::Zeroizing::new(row.try_get(0)?), certificate: row.try_get(1)? })
    })
    .transpose()
}

/// Keeps an enrolment key unless there is one; returns the one that holds.
pub async fn put_enrolment_key(
    tx: &mut Tx,
    account: &AccountId,
    key: EnrolmentKey,
) -> Result<EnrolmentKey, StoreError> {
    sql::query(
        "INSERT INTO enrolment_keys (account_id, pkcs8, certificate) VALUES ($1, $2, $3)
         ON CONFLICT (account_id) DO NOTHING",
    )
    .bind(account.as_str())
    .bind(key.pkcs8.to_vec())
    .bind(key.certificate.clone())
    .execute(tx.connection())
    .await?;
    Ok(enrolment_key(tx.connection(), account).await?.unwrap_or(key))
}

/// Forgets the enrolment key of an account; tells whether there was one.
pub async fn drop_enrolment_key(tx: &mut Tx, account: &AccountId) -> Result<bool, StoreError> {
    let dropped = sql::query("DELETE FROM enrolment_keys WHERE account_id = $1").bind(account.as_str());
    Ok(dropped.execute(tx.connection()).await? > 0)
}
