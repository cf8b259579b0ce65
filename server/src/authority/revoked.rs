//! The certificates that were taken back: a file beside the authority's keys, one on a line.
//!
//! It only grows: a certificate stays on the list after it expired (RFC 5280 3.3 would let it go), so that what
//! it signed while it was good can be told from what came after.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use smime::UnixTime;
use smime::issue::Withdrawn;

use super::files;

/// The file's name.
pub const FILE: &str = "revoked";
const LOCK: &str = "revoked.lock";

/// The certificates in the order in which they were taken back.
pub fn read(folder: &Path) -> io::Result<Vec<Withdrawn>> {
    let text = match fs::read_to_string(folder.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // A line that is left out would make a revoked certificate good again.
    let malformed =
        || io::Error::new(io::ErrorKind::InvalidData, "the list of revoked certificates is damaged");
    text.lines().map(|line| entry(line).ok_or_else(malformed)).collect()
}

fn entry(line: &str) -> Option<Withdrawn> {
    let (serial, since) = line.split_once(' ')?;
    let since = UnixTime(since.parse().ok()?);
    let octets = (0..serial.len()).step_by(2);
    let octet = |at: usize| u8::from_str_radix(serial.get(at..at + 2)?, 16).ok();
    let serial = octets.map(octet).collect::<Option<Vec<u8>>>()?;
    (!serial.is_empty()).then_some(Withdrawn { serial, since })
}

/// Adds serial numbers; those that are new.
pub fn add(folder: &Path, serials: impl Iterator<Item = Vec<u8>>, now: UnixTime) -> io::Result<Vec<Vec<u8>>> {
    // Who reads and then writes must be alone, or the other's revocations are lost. It ends with the file.
    let alone = File::create(folder.join(LOCK))?;
    alone.lock()?;
    let (mut known, mut new) = (read(folder)?, Vec::new());
    for serial in serials {
        if known.iter().all(|one| one.serial != serial) {
            known.push(Withdrawn { serial: serial.clone(), since: now });
            new.push(serial);
        }
    }
    let text: String = known.iter().map(line).collect();
    if !new.is_empty() {
        files::write_new(folder, &folder.join(FILE), text.as_bytes(), 0o644)?;
    }
    Ok(new)
}

fn line(one: &Withdrawn) -> String {
    let serial: String = one.serial.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{serial} {}\n", one.since.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_list_is_refused_and_not_shortened() {
        let good = entry("40ff 5").unwrap();
        assert_eq!((good.serial, good.since), (vec![0x40, 0xff], UnixTime(5)));
        for damaged in ["", "4001", "4001 x", " 5", "zz 5", "400 5", "40é1 5"] {
            assert!(entry(damaged).is_none(), "{damaged}");
        }
    }
}
