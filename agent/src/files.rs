//! What the command line names: messages, certificates, lists, passwords, keys.

use std::{
    fs,
    io::Read as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use smime::{
    Certificate, KeyId, UnixTime,
    aws_lc::AwsLcKeyring,
    path::{is_ocsp_response, is_revocation_list},
    pkcs12,
};
use zeroize::Zeroizing;

/// A message larger than this is not read into memory.
const MAX_MESSAGE: u64 = 1 << 30;

const CMS_HEADER: &[u8] =
    b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";

/// The keys of a PKCS#12 file, each with its certificate.
pub struct Identity {
    pub keyring: AwsLcKeyring,
    pub keys: Vec<(KeyId, Certificate)>,
    pub certificates: Vec<Certificate>,
}

/// Reads what is to be opened: a message, or a CMS object by itself, which becomes the message that it would be.
pub fn received(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = message(path)?;
    if is_cms(&bytes) {
        bytes.splice(..0, CMS_HEADER.iter().copied());
    }
    Ok(bytes)
}

/// Reads a message, from standard input for `-`.
pub fn message(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_MESSAGE + 1)
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
    } else {
        let file = fs::File::open(path).with_context(|| unreadable(path))?;
        file.take(MAX_MESSAGE + 1).read_to_end(&mut bytes).with_context(|| unreadable(path))?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_MESSAGE) {
        bail!("{} is larger than a gigabyte", path.display());
    }
    Ok(bytes)
}

/// Whether it begins as a SEQUENCE of 128 octets or more, or of a length that is not known: no header does.
fn is_cms(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0x84, ..])
}

/// Reads all certificates of the files, each PEM or DER.
pub fn certificates<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Certificate>> {
    let mut all = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let bytes = fs::read(path).with_context(|| unreadable(path))?;
        let parsed = match std::str::from_utf8(&bytes).ok().filter(|text| text.contains("-----BEGIN")) {
            Some(pem) => Certificate::all_from_pem(pem),
            None => Certificate::from_der(&bytes).map(|certificate| vec![certificate]),
        };
        let parsed = parsed.with_context(|| format!("{} holds no certificate", path.display()))?;
        if parsed.is_empty() {
            bail!("{} holds no certificate", path.display());
        }
        all.extend(parsed);
    }
    Ok(all)
}

/// Reads the certificates of a file, PEM or DER, of which none is trusted; `None` for each that is not well-formed.
pub fn strangers(path: &Path) -> Result<Vec<Option<Certificate>>> {
    let bytes = fs::read(path).with_context(|| unreadable(path))?;
    let all: Vec<_> = match std::str::from_utf8(&bytes).ok().filter(|text| text.contains("-----BEGIN")) {
        Some(pem) => pem_blocks(pem, "CERTIFICATE").collect(),
        None => vec![Some(bytes)],
    };
    if all.is_empty() {
        bail!("{} holds no certificate", path.display());
    }
    Ok(all.into_iter().map(|der| Certificate::from_der(&der?).ok()).collect())
}

/// Reads certificate revocation lists, each PEM or DER, as DER.
pub fn revocation_lists<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let bytes = fs::read(path).with_context(|| unreadable(path))?;
        let lists = match std::str::from_utf8(&bytes).ok().filter(|text| text.contains("-----BEGIN")) {
            None => vec![bytes],
            Some(pem) => pem_blocks(pem, "X509 CRL").collect::<Option<Vec<_>>>().unwrap_or_default(),
        };
        // A list that is passed over would leave what it revokes unrevoked.
        if lists.is_empty() || !lists.iter().all(|list| is_revocation_list(list)) {
            bail!("{} holds no certificate revocation list, or a broken one", path.display());
        }
        all.extend(lists);
    }
    Ok(all)
}

/// Reads OCSP responses in DER.
pub fn ocsp_responses<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Vec<u8>>> {
    let read = |path: &P| {
        let path = path.as_ref();
        let response = fs::read(path).with_context(|| unreadable(path))?;
        // As with lists: what it revokes would stay unrevoked.
        if !is_ocsp_response(&response) {
            bail!("{} holds no successful OCSP response, or a broken one", path.display());
        }
        Ok(response)
    };
    paths.iter().map(read).collect()
}

/// The blocks of that label (RFC 7468): `None` for each that has no end or is not base64.
fn pem_blocks(pem: &str, label: &str) -> impl Iterator<Item = Option<Vec<u8>>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let blocks: Vec<&str> = pem.split(begin.as_str()).skip(1).collect();
    blocks.into_iter().map(move |block| {
        let (body, _) = block.split_once(end.as_str())?;
        STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
    })
}

/// Opens a PKCS#12 file and adds its keys to the identity.
pub fn identity<P: AsRef<Path>>(paths: &[P], password_file: &Path) -> Result<Identity> {
    let password = password(password_file)?;
    let mut identity = Identity { keyring: AwsLcKeyring::new(), keys: Vec::new(), certificates: Vec::new() };
    for path in paths {
        let path = path.as_ref();
        let pfx = unarmoured(fs::read(path).with_context(|| unreadable(path))?);
        let contents =
            pkcs12::open(&pfx, &password).with_context(|| format!("{} cannot be opened", path.display()))?;
        for key in &contents.keys {
            let id = KeyId::new(format!("{}#{}", path.display(), identity.keys.len()));
            // A key of an unknown kind is no reason to refuse the others.
            if identity.keyring.insert_pkcs8(id.clone(), &key.pkcs8).is_err() {
                continue;
            }
            let spki = identity.keyring.spki(&id)?;
            let named = key.certificate.and_then(|index| contents.certificates.get(index));
            let mut all = named.into_iter().chain(&contents.certificates);
            let Some(certificate) = all.find(|one| one.has_key(&spki)) else {
                // Nobody could verify what is signed under a certificate of another key.
                if named.is_some() {
                    bail!("{} holds a private key and the certificate of another key", path.display());
                }
                continue;
            };
            identity.keys.push((id, certificate.clone()));
        }
        identity.certificates.extend(contents.certificates);
    }
    if identity.keys.is_empty() {
        bail!("there is no usable private key with a certificate in the PKCS#12 file");
    }
    Ok(identity)
}

/// The PKCS#12 file itself where it came in PEM, as RFC 9216 prints them.
fn unarmoured(bytes: Vec<u8>) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.contains("-----BEGIN"));
    match text.and_then(|text| pem_blocks(text, "PKCS12").next()?) {
        Some(pfx) => Zeroizing::new(pfx),
        None => bytes,
    }
}

/// The first line of the file; the rest of it and the buffer are wiped.
fn password(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(fs::read(path).with_context(|| unreadable(path))?);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line)
        .with_context(|| format!("the password in {} is not UTF-8", path.display()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The time to judge by.
pub fn now(given: Option<UnixTime>) -> Result<UnixTime> {
    if let Some(at) = given {
        return Ok(at);
    }
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    Ok(UnixTime(elapsed.as_secs()))
}

fn unreadable(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}
