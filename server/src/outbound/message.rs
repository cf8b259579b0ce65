use std::sync::Arc;

use tokio::sync::OnceCell;

use super::reason::{Reason, Trouble};
use super::wire;
use crate::delivery::{by_length, off_thread};
use crate::relay::Relay;
use crate::store::StoreError;

/// A message as it goes over the wire: held once, whatever number of servers it is handed to.
#[derive(Debug, Default)]
pub struct Message {
    text: Arc<Vec<u8>>,
    signatures: OnceCell<Vec<u8>>,
}

/// Bytes with every line end as CRLF; what is so already is not copied.
pub async fn canonical(bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    by_length(bytes.len(), || wire::canonical(bytes)).await
}

impl Message {
    /// A message that is not signed yet.
    pub async fn new(bytes: Vec<u8>) -> Result<Self, StoreError> {
        let text = Arc::new(canonical(bytes).await?);
        Ok(Self { text, signatures: OnceCell::new() })
    }

    /// The message without the relay's signatures, with every line end as CRLF.
    pub fn text(&self) -> &Arc<Vec<u8>> {
        &self.text
    }

    /// What goes over the wire, one after the other: the signatures and the text.
    pub fn parts(&self) -> [&[u8]; 2] {
        [self.signatures.get().map_or(&[], Vec::as_slice), &self.text]
    }

    /// How many octets go over the wire.
    pub fn size(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Signs it, once; what is long takes a while.
    pub async fn sign(&self, relay: &Relay) -> Result<(), Trouble> {
        let sign = async || {
            let (dkim, text) = (Arc::clone(&relay.sender.dkim), Arc::clone(&self.text));
            off_thread(move || dkim.signatures(&text)).await
        };
        self.signatures.get_or_try_init(sign).await.map_err(|_| Reason::Unreadable)?;
        Ok(())
    }

    /// One that is in this form already.
    #[cfg(test)]
    pub fn of(text: &str) -> Self {
        Self { text: Arc::new(text.into()), signatures: OnceCell::new() }
    }
}
