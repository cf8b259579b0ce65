//! The certificates that were taken back: a file beside the authority's keys, one on a line.
//!
//! It only grows: a certificate stays on the list after it expired (RFC 5280 3.3 would let it go), so that what
//! it signed while it was good can be told from what came after.

use std::fs;
use std::io;
use std::path::Path;

use smime::issue::Withdrawn;
use smime::{Certificate, UnixTime};

use super::files;

const FILE: &str = "revoked";

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

/// Adds a certificate; tells whether it was new.
pub fn add(folder: &Path, certificate: &Certificate, now: UnixTime) -> io::Result<bool> {
    let known = read(folder)?;
    if known.iter().any(|one| one.serial == certificate.serial()) {
        return Ok(false);
    }
    let path = folder.join(FILE);
    let before = if known.is_empty() { String::new() } else { fs::read_to_string(&path)? };
    let text = format!("{before}{} {}\n", certificate.serial_hex(), now.0);
    files::write_new(folder, &path, text.as_bytes(), 0o644)?;
    Ok(true)
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
