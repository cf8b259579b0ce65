//! What is remembered of strangers while greylisting is on; the marks are keyed hashes.

use std::collections::BTreeSet;

use super::sql::{self, Connection};
use super::{StoreError, Tx};
use crate::clock::Millis;

/// A mark that was renewed so short a time ago is not written again.
const FRESH: Millis = 24 * 60 * 60 * 1000;

/// From when on mail is taken that has one of two marks; none when neither is known.
pub async fn open_at(
    connection: &mut Connection,
    marks: [&str; 2],
    now: Millis,
) -> Result<Option<Millis>, StoreError> {
    let text = "SELECT MIN(open_at) FROM greylist WHERE mark IN ($1, $2) AND expires_at > $3";
    let [one, other] = marks;
    let row = sql::query(text).bind(one).bind(other).bind(now).fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// Notes the first attempt of a mark; one that is known and has not ended stays as it is.
pub async fn put_mark(
    tx: &mut Tx,
    mark: &str,
    now: Millis,
    open_at: Millis,
    expires_at: Millis,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO greylist (mark, open_at, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (mark) DO UPDATE SET open_at = $2, expires_at = $3 WHERE greylist.expires_at <= $4",
    )
    .bind(mark)
    .bind(open_at)
    .bind(expires_at)
    .bind(now)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Remembers marks whose mail was taken; sorted, so that two processes lock them in one order.
pub async fn renew_marks(
    tx: &mut Tx,
    marks: &BTreeSet<String>,
    now: Millis,
    expires_at: Millis,
) -> Result<(), StoreError> {
    for mark in marks {
        sql::query(
            "INSERT INTO greylist (mark, open_at, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (mark) DO UPDATE SET open_at = $2, expires_at = $3 WHERE greylist.expires_at < $4",
        )
        .bind(mark)
        .bind(now)
        .bind(expires_at)
        .bind(expires_at - FRESH)
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// Forgets what has ended.
pub async fn sweep_marks(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sql::query("DELETE FROM greylist WHERE expires_at <= $1").bind(now).execute(tx.connection()).await?;
    Ok(())
}
