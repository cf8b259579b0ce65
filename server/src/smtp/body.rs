use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::data::{Data, Fault, Scan};
use super::line::Input;
use crate::trickle::keeps_up;

/// The unit in which memory for messages is given out.
pub const UNIT: usize = 64 * 1024;

/// The memory that all messages in receipt share, and the part of it that one source may have.
#[derive(Debug, Clone)]
pub struct Budget {
    /// For everybody.
    pub all: Arc<Semaphore>,
    /// For this source.
    pub source: Arc<Semaphore>,
}

/// Memory that a message holds until this is dropped.
#[derive(Debug)]
pub struct Memory {
    all: OwnedSemaphorePermit,
    source: OwnedSemaphorePermit,
}

impl Budget {
    fn take(&self, units: u32) -> Option<Memory> {
        let source = Arc::clone(&self.source).try_acquire_many_owned(units).ok()?;
        let all = Arc::clone(&self.all).try_acquire_many_owned(units).ok()?;
        Some(Memory { all, source })
    }
}

impl Memory {
    fn merge(&mut self, more: Self) {
        self.all.merge(more.all);
        self.source.merge(more.source);
    }
}

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
    permit: Option<Memory>,
    received: u64,
    since: Instant,
    refusal: Option<Refusal>,
    chunks: Scan,
}

impl Body {
    /// An empty message that may grow to `most` octets.
    pub fn new(most: usize, budget: Budget) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            budget,
            permit: None,
            received: 0,
            since: Instant::now(),
            refusal: None,
            chunks: Scan::default(),
        }
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
            self.pace(taken)?;
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
            self.pace(count)?;
            left -= count;
        }
        Ok(true)
    }

    /// Keeps nothing of what came and of what comes: it is no message's.
    pub fn discard(&mut self) {
        self.refuse(Some(Refusal::TooLarge));
    }

    /// The message, with the memory it holds, or why it is not taken.
    pub fn finish(mut self) -> Result<(Vec<u8>, Option<Memory>), Refusal> {
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
        let held = self.permit.as_ref().map_or(0, |memory| memory.all.num_permits());
        let missing = wanted.div_ceil(UNIT).saturating_sub(held);
        if missing == 0 {
            return;
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        match (self.budget.take(missing), &mut self.permit) {
            (Some(more), Some(permit)) => permit.merge(more),
            (Some(more), none) => *none = Some(more),
            (None, _) => self.refuse(Some(Refusal::NoMemory)),
        }
    }

    /// Counts what came and gives up on who sends too slowly.
    fn pace(&mut self, octets: usize) -> io::Result<()> {
        self.received = self.received.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        match keeps_up(self.received, self.since.elapsed()) {
            true => Ok(()),
            false => Err(io::ErrorKind::TimedOut.into()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(all: usize, source: usize) -> Budget {
        Budget { all: Arc::new(Semaphore::new(all)), source: Arc::new(Semaphore::new(source)) }
    }

    async fn receive(budget: &Budget, octets: usize) -> Result<Option<Memory>, Refusal> {
        let line = "x".repeat(78) + "\r\n";
        let message = line.repeat(octets.div_ceil(line.len())) + ".\r\n";
        let mut body = Body::new(octets * 2, budget.clone());
        assert!(body.read_data(&mut Input::new(message.as_bytes())).await.unwrap());
        body.finish().map(|(_, memory)| memory)
    }

    #[tokio::test]
    async fn one_source_does_not_take_the_memory_of_all() {
        let first = budget(8, 4);
        let second = Budget { all: Arc::clone(&first.all), source: Arc::new(Semaphore::new(4)) };
        let held = receive(&first, 3 * UNIT).await.unwrap();
        assert_eq!(receive(&first, 3 * UNIT).await.unwrap_err(), Refusal::NoMemory);
        let other = receive(&second, 3 * UNIT).await.unwrap();
        drop((held, other));
        receive(&first, 3 * UNIT).await.unwrap();
        assert_eq!((first.all.available_permits(), first.source.available_permits()), (8, 4));
    }
}
