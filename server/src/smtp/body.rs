use std::io;
use std::sync::Arc;

use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::data::{Data, Fault, Scan};
use super::line::Input;

/// The unit in which memory for messages is given out.
pub const UNIT: usize = 64 * 1024;

/// The memory that all messages in receipt share.
#[derive(Debug, Clone)]
pub struct Budget(pub Arc<Semaphore>);

/// Why a message is not taken, though all of it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is longer than the announced SIZE.
    TooLarge,
    /// Too many messages are being received.
    NoMemory,
    /// It holds what must not stand in a message.
    Fault(Fault),
}

/// A message that is being received.
#[derive(Debug)]
pub struct Body {
    bytes: Vec<u8>,
    most: usize,
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    refusal: Option<Refusal>,
    chunks: Scan,
}

impl Body {
    /// An empty message that may grow to `most` octets.
    pub fn new(most: usize, budget: Budget) -> Self {
        Self { bytes: Vec::new(), most, budget, permit: None, refusal: None, chunks: Scan::default() }
    }

    /// Reads up to the end of a message after DATA; false when the connection ends first.
    ///
    /// What is too large is read to its end too, or its rest would be taken for commands.
    pub async fn read_data<R: AsyncRead + Unpin>(&mut self, input: &mut Input<R>) -> io::Result<bool> {
        let mut data = Data::default();
        loop {
            self.reserve(input.waiting().len());
            let room = self.refusal.is_none();
            let bytes = &mut self.bytes;
            let (taken, ended) = data.take(input.waiting(), |byte| {
                if room {
                    bytes.push(byte);
                }
            });
            input.take(taken);
            if ended {
                self.refuse(data.fault().map(Refusal::Fault));
                return Ok(true);
            }
            if !input.fill().await? {
                return Ok(false);
            }
        }
    }

    /// Reads a chunk after BDAT (RFC 3030); false when the connection ends first.
    pub async fn read_chunk<R: AsyncRead + Unpin>(
        &mut self,
        input: &mut Input<R>,
        size: usize,
    ) -> io::Result<bool> {
        let mut left = size;
        while left > 0 {
            let count = input.waiting().len().min(left);
            if count == 0 {
                if !input.fill().await? {
                    return Ok(false);
                }
                continue;
            }
            self.reserve(count);
            let piece = input.waiting().get(..count).unwrap_or_default();
            piece.iter().for_each(|byte| self.chunks.see(*byte));
            if self.refusal.is_none() {
                self.bytes.extend_from_slice(piece);
            }
            input.take(count);
            left -= count;
        }
        Ok(true)
    }

    /// The message, with the memory it holds, or why it is not taken.
    pub fn finish(mut self) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Refusal> {
        let fault = self.chunks.fault().map(Refusal::Fault);
        self.refuse(fault);
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok((self.bytes, self.permit)),
        }
    }

    /// Makes sure of memory for so many more octets.
    fn reserve(&mut self, more: usize) {
        if self.refusal.is_some() {
            return;
        }
        let wanted = self.bytes.len() + more;
        if wanted > self.most {
            return self.refuse(Some(Refusal::TooLarge));
        }
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = wanted.div_ceil(UNIT).saturating_sub(held);
        if missing == 0 {
            return;
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        match (Arc::clone(&self.budget.0).try_acquire_many_owned(missing), &mut self.permit) {
            (Ok(more), Some(permit)) => permit.merge(more),
            (Ok(more), none) => *none = Some(more),
            (Err(_), _) => self.refuse(Some(Refusal::NoMemory)),
        }
    }

    fn refuse(&mut self, refusal: Option<Refusal>) {
        if self.refusal.is_none() && refusal.is_some() {
            self.refusal = refusal;
            // Nothing of a refused message is kept.
            self.bytes = Vec::new();
            self.permit = None;
        }
    }
}
