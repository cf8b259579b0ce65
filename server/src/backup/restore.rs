use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use jmap::BlobId;
use serde_json::{Map, Value};

use super::{BackupError, Manifest, take};
use crate::blobs::Blobs;
use crate::clock::now;
use crate::progress::Progress;
use crate::relay::Relay;
use crate::store::dump::{Table, insert, tables};
use crate::store::sql::{self, Connection};
use crate::store::{self, Kept, StoreError};

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
    files(relay, &chain, &manifest, progress).await?;
    let mut connection = relay.store.writing().await?;
    match fill(relay, &mut connection, &chain, &manifest, replace, progress).await {
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

/// Puts the large blobs where they belong; each is compared with its name.
async fn files(
    relay: &Relay,
    chain: &[(PathBuf, Manifest)],
    manifest: &Manifest,
    progress: &Progress,
) -> Result<(), BackupError> {
    for (done, id) in manifest.blobs.iter().enumerate() {
        progress.show("blobs", done, manifest.blobs.len());
        let found = chain.iter().map(|(folder, _)| folder.join("blobs").join(id)).find(|path| path.exists());
        let Some(path) = found else { continue };
        let bytes = fs::read(&path).map_err(|source| BackupError::File { path: path.clone(), source })?;
        if crate::blobs::id(&bytes).as_str() != id {
            return Err(BackupError::Damaged { path, what: "its bytes are not those of its name" });
        }
        relay.blobs.prepare(&relay.store, bytes).await?;
    }
    Ok(())
}

async fn fill(
    relay: &Relay,
    connection: &mut Connection,
    chain: &[(PathBuf, Manifest)],
    manifest: &Manifest,
    replace: bool,
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
    make_room(connection, &tables, &folder.join("rows.jsonl"), replace).await?;
    let wanted: BTreeSet<&str> = manifest.blobs.iter().map(String::as_str).collect();
    let rows = lines(&folder.join("rows.jsonl"))?;
    for (done, line) in rows.enumerate() {
        let line = line?;
        let (table, row) = parse(&tables, line, &folder.join("rows.jsonl"))?;
        progress.show("rows", done, manifest.rows);
        let shared = matches!(table.name.as_str(), "blobs" | "certificates");
        insert(connection, table, &row, shared).await?;
    }
    let data = tables.iter().find(|table| table.name == "blob_data");
    for (folder, _) in chain {
        let path = folder.join("data.jsonl");
        for line in lines(&path)? {
            let Value::Object(row) = line? else { continue };
            let id = row.get("blob_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let (true, Some(table)) = (wanted.contains(id.as_str()), data) {
                insert(connection, table, &row, true).await?;
                sound(connection, &BlobId::from(id), &path).await?;
            }
        }
    }
    settle(connection, &folder.join("rows.jsonl")).await
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

/// The ids of the accounts in a copy.
fn accounts(path: &Path) -> Result<Vec<String>, BackupError> {
    let mut ids = Vec::new();
    for line in lines(path)? {
        let line = line?;
        if line.get("table").and_then(Value::as_str) == Some("accounts") {
            ids.extend(line.pointer("/row/id").and_then(Value::as_str).map(str::to_owned));
        }
    }
    Ok(ids)
}

/// Takes the accounts of the copy away that are there, where that is wanted.
async fn make_room(
    connection: &mut Connection,
    tables: &[Table],
    path: &Path,
    replace: bool,
) -> Result<(), BackupError> {
    for id in accounts(path)? {
        let there = sql::query("DELETE FROM accounts WHERE id = $1").bind(&id);
        if there.execute(&mut *connection).await? == 0 {
            continue;
        }
        if !replace {
            return Err(BackupError::AccountExists);
        }
        for table in tables.iter().filter(|table| table.columns.iter().any(|column| column == "account_id")) {
            let text = sql::Text::of_constants(format!("DELETE FROM {} WHERE account_id = $1", table.name));
            sql::query(text).bind(&id).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Counts who holds what, gives leases back, and has clients read the restored accounts anew.
async fn settle(connection: &mut Connection, path: &Path) -> Result<(), BackupError> {
    for text in [
        "UPDATE blobs SET refs = 0",
        "UPDATE blobs SET refs = h.holders FROM (SELECT blob_id, COUNT(*) AS holders FROM (
           SELECT blob_id FROM account_blobs UNION ALL SELECT blob_id FROM queue
           UNION ALL SELECT blob_id FROM held) AS every GROUP BY blob_id) AS h WHERE h.blob_id = blobs.id",
        "UPDATE queue SET leased_by = NULL, leased_until = 0
         WHERE leased_by IS NOT NULL AND leased_by NOT IN (SELECT id FROM processes)",
    ] {
        sql::query(text).execute(&mut *connection).await?;
    }
    for id in accounts(path)? {
        // Beyond every state that was ever given out: a store makes less than one change a millisecond.
        let anew = "UPDATE accounts SET modseq = $2, mailbox_state = $2, email_state = $2, thread_state = $2,
                    submission_state = $2, identity_state = $2, vacation_state = $2, changes_since = $2
                    WHERE id = $1";
        sql::query(anew).bind(&id).bind(now()).execute(&mut *connection).await?;
    }
    Ok(())
}
