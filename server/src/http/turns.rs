use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jmap::{AccountId, LimitKind};

use crate::jmap::Limits;

/// Counts what each account does at once (RFC 8620 2).
#[derive(Debug)]
pub struct Turns {
    requests: usize,
    uploads: usize,
    running: Mutex<HashMap<(AccountId, Kind), usize>>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Request,
    Upload,
    Socket,
}

/// WebSockets that one account may have open: tabs and devices, not a flood.
const SOCKETS: usize = 64;

/// One thing that an account does; ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    key: (AccountId, Kind),
}

impl Turns {
    /// Turns within the announced limits.
    pub fn new(limits: &Limits) -> Self {
        let running = Mutex::default();
        Self { requests: limits.max_concurrent_requests, uploads: limits.max_concurrent_upload, running }
    }

    /// A turn for a request, unless too many run.
    pub fn request(self: &Arc<Self>, account: &AccountId) -> Result<Turn, LimitKind> {
        self.take(account, Kind::Request, self.requests).ok_or(LimitKind::ConcurrentRequests)
    }

    /// A turn for an upload, unless too many run.
    pub fn upload(self: &Arc<Self>, account: &AccountId) -> Result<Turn, LimitKind> {
        self.take(account, Kind::Upload, self.uploads).ok_or(LimitKind::ConcurrentUpload)
    }

    /// A turn for a WebSocket, unless too many are open.
    pub fn socket(self: &Arc<Self>, account: &AccountId) -> Option<Turn> {
        self.take(account, Kind::Socket, SOCKETS)
    }

    fn take(self: &Arc<Self>, account: &AccountId, kind: Kind, most: usize) -> Option<Turn> {
        let key = (account.clone(), kind);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(key.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Turn { turns: Arc::clone(self), key })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.turns.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_it_is_dropped() {
        let limits = Limits { max_concurrent_upload: 1, ..Limits::for_messages_of(1) };
        let turns = Arc::new(Turns::new(&limits));
        let (one, two) = (AccountId::from("a"), AccountId::from("b"));
        let turn = turns.upload(&one).unwrap();
        assert_eq!(turns.upload(&one).unwrap_err(), LimitKind::ConcurrentUpload);
        assert!(turns.upload(&two).is_ok());
        drop(turn);
        assert!(turns.upload(&one).is_ok());
    }
}
