use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use smime::UnixTime;

use super::revoked;

/// For how many seconds the lists are given again: whoever asks later wants to know of later.
const FRESH: u64 = 60;

/// Revocation lists that anybody may ask for, and that are signed once a minute at most.
#[derive(Debug, Clone)]
pub struct Lists {
    made: UnixTime,
    of: Stamp,
    /// The list of the authority of people, and that of the root, in DER.
    pub lists: Arc<[Vec<u8>; 2]>,
}

/// The file's state; it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(Option<(u64, SystemTime)>);

impl Stamp {
    /// That of the file as it is now; other processes and commands write it too.
    pub fn of(folder: &Path) -> io::Result<Self> {
        match folder.join(revoked::FILE).metadata() {
            Ok(file) => Ok(Self(Some((file.len(), file.modified()?)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

impl Lists {
    /// Lists that were made of a file in that state.
    pub fn new(made: UnixTime, of: Stamp, lists: [Vec<u8>; 2]) -> Self {
        Self { made, of, lists: Arc::new(lists) }
    }

    /// Whether they may be given again.
    pub fn hold(&self, now: UnixTime, of: Stamp) -> bool {
        self.of == of && (self.made.0..self.made.0 + FRESH).contains(&now.0)
    }
}
