use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jmap::{AccountId, BlobId};
use tokio::time::timeout;

use super::{octets, parse, read_id};
use crate::admission::{Admission, Class, Place};
use crate::blobs::BlobError;
use crate::delivery::off_thread;
use crate::memory::{FREE, Full, Held, Memory};
use crate::relay::Relay;
use crate::store::{Account, StoreError};

/// Messages that are taken apart at once: each is held whole, and its parts beside it.
const AT_ONCE: usize = 2;

/// How long a method waits until a message is taken apart: its request has a place that others wait for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads blobs into memory, within what all and each of those who read may hold.
#[derive(Debug)]
pub struct ReadBudget {
    places: Arc<Admission>,
    methods: Arc<Memory>,
    downloads: Arc<Memory>,
}

/// What bytes are read for; what one holds keeps nobody from the other.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// A method, which is soon done with them.
    Method,
    /// A download, as fast as its client takes it.
    Download,
}

/// Bytes that count for whoever reads them until they are dropped.
#[derive(Debug)]
pub struct Read {
    bytes: Vec<u8>,
    held: Option<Held>,
}

/// Why bytes cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The account holds no such blob, or it has no such part.
    #[error("there is no such blob")]
    NotFound,
    /// Too much is read at once, by this account or by all.
    #[error("too much is read at once")]
    Busy,
    /// The blob could not be had.
    #[error(transparent)]
    Failed(BlobError),
}

impl From<BlobError> for ReadError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NotFound => Self::NotFound,
            other => Self::Failed(other),
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Full> for ReadError {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

impl ReadBudget {
    /// For each purpose twice the `largest` for each account, and four times that for all.
    pub fn new(largest: usize) -> Self {
        let [methods, downloads] = [(); 2].map(|()| Arc::new(Memory::new(largest)));
        Self { places: Arc::new(Admission::new(AT_ONCE)), methods, downloads }
    }

    /// Nothing yet, to which a method adds.
    pub fn begin(&self, reader: &AccountId) -> Read {
        Read { bytes: Vec::new(), held: Some(self.hold(reader)) }
    }

    /// Begins to count what a method holds beside what it reads.
    pub fn hold(&self, reader: &AccountId) -> Held {
        self.methods.hold(reader)
    }
}

impl Read {
    /// Adds bytes.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if let Some(held) = &mut self.held {
            held.grow(self.bytes.len() + bytes.len())?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes, and what counts for them until it is dropped.
    pub fn into_parts(self) -> (Vec<u8>, impl Send + use<>) {
        (self.bytes, self.held)
    }
}

/// Bytes that are few, and count for nobody.
impl From<Vec<u8>> for Read {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, held: None }
    }
}

impl Deref for Read {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes of a blob that the owner holds and `reader` may read, or of a part of one.
pub async fn read(
    relay: &Relay,
    reader: &Account,
    owner: &AccountId,
    id: &BlobId,
    purpose: Purpose,
) -> Result<Read, ReadError> {
    let Some((message, part)) = read_id(id) else {
        let size = relay.blobs.size(&relay.store, (owner, &reader.id), id).await?;
        return whole(relay, reader, id, size).await;
    };
    let size = relay.blobs.size(&relay.store, (owner, &reader.id), &message).await?;
    let _place = match size > FREE {
        true => Some(place(relay, reader, purpose).await?),
        false => None,
    };
    let bytes = relay.blobs.read_any(&relay.store, &message).await?;
    let found = off_thread(move || {
        let message = parse(&bytes)?;
        Some(octets(&message, message.part(part)?))
    });
    let bytes = found.await?.ok_or(ReadError::NotFound)?;
    let memory = match purpose {
        Purpose::Method => &relay.reading.methods,
        Purpose::Download => &relay.reading.downloads,
    };
    let mut held = memory.hold(&reader.id);
    held.grow(bytes.len())?;
    Ok(Read { bytes, held: Some(held) })
}

async fn place(relay: &Relay, reader: &Account, purpose: Purpose) -> Result<Place, ReadError> {
    let enter = relay.reading.places.enter(reader, Class::Bulk, &relay.metrics);
    let entered = match purpose {
        Purpose::Method => timeout(PATIENCE, enter).await.map_err(|_| ReadError::Busy)?,
        Purpose::Download => enter.await,
    };
    entered.map_err(|_| ReadError::Busy)
}

/// The bytes of a blob of so many octets, whoever holds it, for a method.
pub async fn whole(relay: &Relay, reader: &Account, id: &BlobId, size: usize) -> Result<Read, ReadError> {
    let mut held = relay.reading.methods.hold(&reader.id);
    held.grow(size)?;
    Ok(Read { bytes: relay.blobs.read_any(&relay.store, id).await?, held: Some(held) })
}
