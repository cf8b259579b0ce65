use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use jmap::BlobId;
use serde_json::{Map, Value};

use super::within::{Owner, Within};
use super::{BackupError, Manifest, take};
use crate::blobs::Blobs;
use crate::clock::{Millis, now};
use crate::progress::Progress;
use crate::relay::Relay;
use crate::store::dump::{Table, insert, tables};
use crate::store::sql::{self, Connection};
use crate::store::{self, Kept, StoreError};

/// How long a file stays for its rows: putting all of them can take hours.
const DAY: Millis = 24 * 60 * 60 * 1000;
/// Files that are kept in one transaction.
const AT_ONCE: usize = 256;

/// Takes a copy in: a whole one into an empty store, that of accounts beside others.
///
/// Everything is checked before and becomes visible at once. Clients of the accounts have to read
/// anew what they know, since it may be newer than the copy.
pub async fn restore(
    relay: &Relay,
    folder: &Path,
    replace: bool,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    let chain = Manifest::chain(folder)?;
    let Some((_, manifest)) = chain.first().cloned() else { return Err(BackupError::Nobody) };
    if manifest.version != store::newest() {
        return Err(BackupError::Version { found: manifest.version, known: store::newest() });
    }
    let put = files(relay, &chain, &manifest, progress).await?;
    keep(relay, &put).await?;
    let mut connection = relay.store.writing().await?;
    match fill(relay, &mut connection, &chain, &manifest, (&put, replace), progress).await {
        Ok(()) => store::end_writing(&mut connection, true).await?,
        Err(error) => {
            store::end_writing(&mut connection, false).await.ok();
            return Err(error);
        }
    }
    connection.close().await.map_err(StoreError::from)?;
    progress.end();
    Ok(manifest)
}

/// Puts the authority of a whole copy into a data folder that has none; before the store is opened, for
/// that would make one.
pub fn restore_authority(folder: &Path, data: &Path) -> Result<(), BackupError> {
    let (from, to) = (folder.join("authority"), data.join("authority"));
    if !from.exists() || to.exists() {
        return Ok(());
    }
    Manifest::open(folder)?;
    fs::create_dir_all(data).map_err(|source| BackupError::File { path: data.to_owned(), source })?;
    // All of it, or nothing: a store with half an authority would make the other half anew.
    let partial = data.join("authority.partial");
    let wrong = |source| BackupError::File { path: partial.clone(), source };
    fs::remove_dir_all(&partial).ok();
    take::authority(&from, &partial).map_err(wrong)?;
    fs::rename(&partial, &to).map_err(wrong)?;
    File::open(data).and_then(|data| data.sync_all()).map_err(wrong)
}

/// Puts the large blobs where they belong, and tells which; each is compared with its name.
async fn files(
    relay: &Relay,
    chain: &[(PathBuf, Manifest)],
    manifest: &Manifest,
    progress: &Progress,
) -> Result<Vec<BlobId>, BackupError> {
    let mut put = Vec::new();
    for (done, id) in manifest.blobs.iter().enumerate() {
        progress.show("blobs", done, manifest.blobs.len());
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            let path = PathBuf::from(id);
            return Err(BackupError::Damaged { path, what: "no blob has such a name" });
        }
        let mut paths = chain.iter().map(|(folder, _)| folder.join("blobs").join(id));
        let found = paths.find_map(|path| Some((path.symlink_metadata().ok()?, path)));
        let Some((there, path)) = found else { continue };
        if !there.is_file() {
            return Err(BackupError::Damaged { path, what: "a blob is no file of its own" });
        }
        let bytes = fs::read(&path).map_err(|source| BackupError::File { path: path.clone(), source })?;
        if crate::blobs::id(&bytes).as_str() != id {
            return Err(BackupError::Damaged { path, what: "its bytes are not those of its name" });
        }
        relay.blobs.prepare(&relay.store, bytes).await?;
        let id = BlobId::from(id.as_str());
        keep(relay, std::slice::from_ref(&id)).await?;
        put.push(id);
    }
    Ok(put)
}

/// Has these files stay for another day, long enough for all rows; fails where one was removed since it was put there.
///
/// Nothing is locked for it while the rows come: others go on with the same bytes.
async fn keep(relay: &Relay, put: &[BlobId]) -> Result<(), BackupError> {
    for ids in put.chunks(AT_ONCE) {
        let (ids, until) = (ids.to_vec(), now() + DAY);
        let kept = relay.store.write(move |tx| {
            Box::pin(async move {
                for id in ids {
                    if !store::keep_idle(tx, &id, until).await? {
                        return Ok(Some(id));
                    }
                }
                Ok(None)
            })
        });
        if let Some(gone) = kept.await.map_err(|error: StoreError| error)? {
            return Err(BackupError::Removed(gone));
        }
    }
    Ok(())
}

async fn fill(
    relay: &Relay,
    connection: &mut Connection,
    chain: &[(PathBuf, Manifest)],
    manifest: &Manifest,
    (put, replace): (&[BlobId], bool),
    progress: &Progress,
) -> Result<(), BackupError> {
    let tables = tables(connection, relay.store.engine()).await?;
    if manifest.scope.is_whole() {
        let accounts = sql::query("SELECT COUNT(*) FROM accounts").fetch_one(&mut *connection).await?;
        if accounts.try_get::<i64>(0)? > 0 {
            return Err(BackupError::NotEmpty);
        }
    }
    let Some((folder, _)) = chain.first() else { return Ok(()) };
    let path = folder.join("rows.jsonl");
    let accounts = accounts(&path)?;
    let wanted: BTreeSet<&str> = manifest.blobs.iter().map(String::as_str).collect();
    let within = Within::new(&manifest.scope, &accounts, &wanted);
    // Blobs whose holders change: whoever holds others goes on meanwhile. So made, it collates as they do.
    let touched = "CREATE TEMP TABLE touched AS SELECT blob_id FROM account_blobs WHERE 1 = 0";
    sql::query(touched).execute(&mut *connection).await?;
    for account in &accounts {
        make_room(connection, &tables, account, &within, replace).await?;
    }
    let rows = lines(&path)?;
    for (done, line) in rows.enumerate() {
        let line = line?;
        let (table, row) = parse(&tables, line, &path)?;
        if !within.has(table, &row) {
            return Err(BackupError::Damaged { path, what: "a row is of an account that it is no copy of" });
        }
        progress.show("rows", done, manifest.rows);
        let shared = matches!(table.name.as_str(), "blobs" | "certificates");
        insert(connection, table, &row, shared).await?;
    }
    let put: BTreeSet<&str> = put.iter().map(BlobId::as_str).collect();
    let mut missing = &wanted - &put;
    let data = tables.iter().find(|table| table.name == "blob_data");
    for (folder, _) in chain {
        let path = folder.join("data.jsonl");
        for line in lines(&path)? {
            let Value::Object(row) = line? else { continue };
            let id = row.get("blob_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let (true, Some(table)) = (wanted.contains(id.as_str()), data) {
                insert(connection, table, &row, true).await?;
                missing.remove(id.as_str());
                sound(connection, &BlobId::from(id), &path).await?;
            }
        }
    }
    if !manifest.scope.is_whole() && !missing.is_empty() {
        // Whoever is sent the same bytes later would be told that they are kept.
        return Err(BackupError::Damaged { path, what: "it names bytes that it has not" });
    }
    settle(connection, &accounts, manifest).await
}

async fn sound(connection: &mut Connection, id: &BlobId, path: &Path) -> Result<(), BackupError> {
    match store::blob_data(connection, id).await? {
        Some(Kept::Data(data)) if Blobs::fault_in(id, &data).is_none() => Ok(()),
        _ => Err(BackupError::Damaged { path: path.to_owned(), what: "a blob is not what it is named" }),
    }
}

type Lines = Box<dyn Iterator<Item = Result<Value, BackupError>> + Send>;

fn lines(path: &Path) -> Result<Lines, BackupError> {
    let file = File::open(path).map_err(|source| BackupError::File { path: path.to_owned(), source })?;
    let path = path.to_owned();
    Ok(Box::new(BufReader::new(file).lines().map(move |line| {
        let line = line.map_err(|source| BackupError::File { path: path.clone(), source })?;
        let what = "a line is no row";
        serde_json::from_str(&line).map_err(|_| BackupError::Damaged { path: path.clone(), what })
    })))
}

fn parse<'a>(
    tables: &'a [Table],
    mut line: Value,
    path: &Path,
) -> Result<(&'a Table, Map<String, Value>), BackupError> {
    let row = line.get_mut("row").map(Value::take);
    let name = line.get("table").and_then(Value::as_str);
    match (tables.iter().find(|table| Some(table.name.as_str()) == name), row) {
        (Some(table), Some(Value::Object(row))) => Ok((table, row)),
        _ => Err(BackupError::Damaged { path: path.to_owned(), what: "a line is of no known table" }),
    }
}

/// The accounts in a copy.
fn accounts(path: &Path) -> Result<Vec<Owner>, BackupError> {
    let mut owners = Vec::new();
    for line in lines(path)? {
        let line = line?;
        let text = |place: &str| Some(line.pointer(place)?.as_str()?.to_owned());
        if line.get("table").and_then(Value::as_str) == Some("accounts") {
            owners
                .extend(text("/row/id").zip(text("/row/address")).map(|(id, address)| Owner { id, address }));
        }
    }
    Ok(owners)
}

/// Takes an account of the copy away that is there, where that is wanted, and where it is not somebody else's now.
async fn make_room(
    connection: &mut Connection,
    tables: &[Table],
    account: &Owner,
    within: &Within<'_>,
    replace: bool,
) -> Result<(), BackupError> {
    // First of all, so that nobody changes what the account holds from here on.
    let text = "DELETE FROM accounts WHERE id = $1 RETURNING address, organisation";
    let Some(there) = sql::query(text).bind(&account.id).fetch_optional(&mut *connection).await? else {
        return Ok(());
    };
    let (address, organisation) = (there.try_get::<String>(0)?, there.try_get::<Option<String>>(1)?);
    if !within.is_account(&address, organisation.as_deref().unwrap_or_default()) {
        return Err(BackupError::Another(address));
    }
    touch_held(connection, &account.id).await?;
    if !replace {
        return Err(BackupError::AccountExists);
    }
    for table in tables.iter().filter(|table| table.has_account()) {
        let text = sql::Text::of_constants(format!("DELETE FROM {} WHERE account_id = $1", table.name));
        sql::query(text).bind(&account.id).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Has what an account holds now counted anew in the end.
async fn touch_held(connection: &mut Connection, account: &str) -> Result<(), BackupError> {
    let text = "INSERT INTO touched SELECT blob_id FROM account_blobs WHERE account_id = $1
                UNION ALL SELECT blob_id FROM queue WHERE account_id = $1
                UNION ALL SELECT blob_id FROM held WHERE account_id = $1";
    sql::query(text).bind(account).execute(connection).await?;
    Ok(())
}

/// Counts who holds what of it changed, gives leases back, and has clients read the restored accounts anew.
async fn settle(
    connection: &mut Connection,
    accounts: &[Owner],
    manifest: &Manifest,
) -> Result<(), BackupError> {
    for blob in &manifest.blobs {
        sql::query("INSERT INTO touched VALUES ($1)").bind(blob).execute(&mut *connection).await?;
    }
    for Owner { id, .. } in accounts {
        touch_held(connection, id).await?;
        // Beyond every state that was ever given out: a store makes less than one change a millisecond.
        let anew = "UPDATE accounts SET modseq = $2, mailbox_state = $2, email_state = $2, thread_state = $2,
                    submission_state = $2, identity_state = $2, vacation_state = $2, changes_since = $2
                    WHERE id = $1";
        sql::query(anew).bind(id).bind(now()).execute(&mut *connection).await?;
    }
    for text in [
        "UPDATE blobs SET refs = 0 WHERE id IN (SELECT blob_id FROM touched)",
        "UPDATE blobs SET refs = h.holders FROM (SELECT blob_id, COUNT(*) AS holders FROM (
           SELECT blob_id FROM account_blobs UNION ALL SELECT blob_id FROM queue
           UNION ALL SELECT blob_id FROM held) AS every WHERE blob_id IN (SELECT blob_id FROM touched)
           GROUP BY blob_id) AS h WHERE h.blob_id = blobs.id",
        "UPDATE queue SET leased_by = NULL, leased_until = 0
         WHERE leased_by IS NOT NULL AND leased_by NOT IN (SELECT id FROM processes)",
    ] {
        sql::query(text).execute(&mut *connection).await?;
    }
    Ok(())
}
