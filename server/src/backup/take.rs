use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use jmap::BlobId;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{BackupError, Manifest, Scope, partial};
use crate::base64_url;
use crate::clock::{Millis, now};
use crate::progress::Progress;
use crate::relay::Relay;
use crate::store::dump::{Table, tables, to_json};
use crate::store::sql::{self, Connection};
use crate::store::{self, StoreError};

/// A file of lines and the hash of them.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    digest: Sha256,
    count: usize,
}

impl Lines {
    fn create(path: PathBuf) -> Result<Self, BackupError> {
        let file = create(&path).map_err(|source| BackupError::File { path: path.clone(), source })?;
        Ok(Self { path, file: BufWriter::new(file), digest: Sha256::new(), count: 0 })
    }

    fn write(&mut self, value: &Value) -> Result<(), BackupError> {
        let line = format!("{value}\n");
        self.digest.update(line.as_bytes());
        self.count += 1;
        let path = &self.path;
        let wrong = |source| BackupError::File { path: path.clone(), source };
        self.file.write_all(line.as_bytes()).map_err(wrong)
    }

    fn finish(mut self) -> Result<(usize, String), BackupError> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.map_err(|source| BackupError::File { path: self.path, source })?;
        Ok((self.count, base64_url(&self.digest.finalize())))
    }
}

/// A file that only its owner reads: copies hold password hashes.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// How often a copy keeps files from being collected: well within the hour for which they stay.
const OFTEN: Duration = Duration::from_secs(10 * 60);

/// Makes a copy in `folder`, which is not there before and is whole when it is.
pub async fn take(
    relay: &Relay,
    folder: &Path,
    scope: Scope,
    since: Option<&Path>,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    if folder.exists() {
        return Err(BackupError::Exists(folder.to_owned()));
    }
    if let Some(before) = since.filter(|before| !are_beside(before, folder)) {
        return Err(BackupError::Elsewhere(before.to_owned()));
    }
    let held: BTreeSet<String> = match since {
        Some(before) => Manifest::chain(before)?.into_iter().flat_map(|(_, before)| before.blobs).collect(),
        None => BTreeSet::new(),
    };
    let partial = partial(folder);
    let file = |source| BackupError::File { path: partial.clone(), source };
    if partial.exists() {
        // Of a copy that was broken off.
        fs::remove_dir_all(&partial).map_err(file)?;
    }
    private(&partial).map_err(file)?;
    let mut manifest = write(relay, &partial, &scope, &held, progress).await?;
    if scope.is_whole() {
        authority(&relay.config.data.join("authority"), &partial.join("authority")).map_err(file)?;
    }
    manifest.since = since.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    let last = create(&partial.join("manifest.json"));
    last.and_then(|mut last| last.write_all(&text).and_then(|()| last.sync_all())).map_err(file)?;
    sync(&partial).map_err(file)?;
    fs::rename(&partial, folder).map_err(file)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new("."))).map_err(file)?;
    progress.end();
    Ok(manifest)
}

/// Keeps the files of what goes while a copy is made, however long that takes.
struct Keeping<'a> {
    relay: &'a Relay,
    since: Millis,
    next: Instant,
}

impl<'a> Keeping<'a> {
    /// Some minutes earlier than now: clocks of hosts differ.
    fn begin(relay: &'a Relay) -> Self {
        Self { relay, since: now() - 5 * 60 * 1000, next: Instant::now() + OFTEN }
    }

    async fn on(&mut self) -> Result<(), BackupError> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + OFTEN;
        Ok(self.relay.blobs.put_off(&self.relay.store, self.since).await?)
    }
}

/// Whether both are in one folder: of a copy before it a manifest keeps the name alone.
fn are_beside(one: &Path, other: &Path) -> bool {
    let parent = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).canonicalize().ok()
    };
    parent(one).is_some_and(|folder| Some(folder) == parent(other))
}

fn private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

async fn write(
    relay: &Relay,
    folder: &Path,
    scope: &Scope,
    held: &BTreeSet<String>,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    let mut keeping = Keeping::begin(relay);
    let mut snapshot = relay.store.snapshot().await?;
    let mut rows = Lines::create(folder.join("rows.jsonl"))?;
    let mut data = Lines::create(folder.join("data.jsonl"))?;
    let (mut blobs, mut files, mut accounts) = (Vec::new(), Vec::new(), 0);
    for table in tables(&mut snapshot, relay.store.engine()).await? {
        let Some(text) = table.select(!scope.is_whole()) else { continue };
        let mut query = sql::query(sql::Text::of_constants(text));
        if !scope.is_whole() {
            query = query.bind(scope.organisation.clone()).bind(scope.address.clone());
        }
        let mut found = query.fetch(&mut snapshot);
        while let Some(row) = found.try_next().await? {
            keeping.on().await?;
            let row = to_json(&table, &row);
            progress.show("rows", rows.count, 0);
            note(&table, &row, held, (&mut blobs, &mut files, &mut accounts));
            if table.name == "blob_data" {
                if !text_of(&row, "blob_id").is_some_and(|id| held.contains(id)) {
                    data.write(&Value::Object(row))?;
                }
            } else {
                rows.write(&json!({"table": table.name, "row": row}))?;
            }
        }
    }
    snapshot_ends(snapshot).await?;
    if accounts == 0 && !scope.is_whole() {
        return Err(BackupError::Nobody);
    }
    copy(&mut keeping, folder, &files, progress).await?;
    let ((count, rows_hash), (_, data_hash)) = (rows.finish()?, data.finish()?);
    Ok(Manifest {
        version: store::newest(),
        made_at: now(),
        scope: scope.clone(),
        since: None,
        blobs,
        rows: count,
        rows_hash,
        data_hash,
    })
}

async fn snapshot_ends(snapshot: Connection) -> Result<(), BackupError> {
    Ok(snapshot.close().await.map_err(StoreError::from)?)
}

fn text_of<'a>(row: &'a Map<String, Value>, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

/// Remembers which blobs and files a row asks for.
fn note(
    table: &Table,
    row: &Map<String, Value>,
    held: &BTreeSet<String>,
    (blobs, files, accounts): (&mut Vec<String>, &mut Vec<BlobId>, &mut usize),
) {
    let number = |column: &str| row.get(column).and_then(Value::as_i64).unwrap_or_default();
    match (table.name.as_str(), text_of(row, "id")) {
        ("accounts", _) => *accounts += 1,
        // One that nobody holds may be half written.
        ("blobs", Some(id)) if number("refs") > 0 => {
            blobs.push(id.to_owned());
            if number("in_file") == 1 && !held.contains(id) {
                files.push(BlobId::from(id));
            }
        }
        _ => {}
    }
}

async fn copy(
    keeping: &mut Keeping<'_>,
    folder: &Path,
    files: &[BlobId],
    progress: &Progress,
) -> Result<(), BackupError> {
    let blobs = folder.join("blobs");
    private(&blobs).map_err(|source| BackupError::File { path: blobs.clone(), source })?;
    for (done, id) in files.iter().enumerate() {
        progress.show("blobs", done, files.len());
        keeping.on().await?;
        let bytes = keeping.relay.blobs.read_any(&keeping.relay.store, id).await?;
        let path = blobs.join(id.as_str());
        if crate::blobs::id(&bytes) != *id {
            return Err(BackupError::Damaged {
                path,
                what: "the store's bytes are damaged: see sealpost check",
            });
        }
        let written =
            create(&path).and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
        written.map_err(|source| BackupError::File { path, source })?;
    }
    sync(&blobs).map_err(|source| BackupError::File { path: blobs, source })
}

/// Copies the files of an authority, readable by their owner alone.
pub fn authority(from: &Path, to: &Path) -> std::io::Result<()> {
    private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let mut file = create(&to.join(entry.file_name()))?;
        file.write_all(&fs::read(entry.path())?)?;
        file.sync_all()?;
    }
    sync(to)
}
