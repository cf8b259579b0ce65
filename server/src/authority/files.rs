use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use smime::rustcrypto::MemoryKeyring;
use smime::{Certificate, KeyId};
use zeroize::Zeroizing;

use super::OpenAuthorityError;
use crate::random;

/// Puts the key of that name into the keyring; makes it when there is none.
pub fn open_key(folder: &Path, key: &KeyId, keyring: &mut MemoryKeyring) -> Result<(), OpenAuthorityError> {
    let path = folder.join(format!("{}.key", key.as_str()));
    match fs::read(&path).map(Zeroizing::new) {
        Ok(pkcs8) => Ok(keyring.insert_pkcs8(key.clone(), &pkcs8)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            keyring.generate_p256(key.clone(), &mut random::rng())?;
            Ok(write_new(folder, &path, &keyring.pkcs8(key)?, 0o600)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads the certificate of the key of that name; makes it when there is none.
pub fn open_certificate(
    folder: &Path,
    key: &KeyId,
    make: impl FnOnce() -> Result<Certificate, OpenAuthorityError>,
) -> Result<Certificate, OpenAuthorityError> {
    let path = folder.join(format!("{}.pem", key.as_str()));
    match fs::read_to_string(&path) {
        Ok(pem) => Ok(Certificate::from_pem(&pem)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let certificate = make()?;
            write_new(folder, &path, certificate.to_pem().as_bytes(), 0o644)?;
            Ok(certificate)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes a file that is whole and on the disk before anybody sees it under its name.
pub fn write_new(folder: &Path, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}
