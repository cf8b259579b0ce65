//! Who has which certificate.

use jmap::sealed::{Entry, Kind, Person};
use smime::issue::{IssueError, Usage};
use smime::rustcrypto::MemoryKeyring;
use smime::{Certificate, KeyKind};
use smime::{KeyId, KeyringError};

use crate::authority::{Authority, Subject};
use crate::base64_text;
use crate::clock::{Millis, now, unix_time};
use crate::random;
use crate::store::sql::Connection;
use crate::store::{self, Account, AccountKind, EnrolmentKey, IssuedCertificate, Store, StoreError};

/// The names of key uses in the store.
pub const SIGNING: &str = "signing";
/// See [`SIGNING`].
pub const ENCRYPTION: &str = "encryption";

/// How many certificates an account gets within a day; each lasts for years.
const MOST_A_DAY: i64 = 20;
const DAY: Millis = 24 * 60 * 60 * 1000;

/// Why no certificate could be issued or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertifyError {
    /// The authority refused the key or failed.
    #[error("the authority could not certify the key: {0}")]
    Issue(#[from] IssueError),
    /// A key could not be made.
    #[error("the key could not be made: {0}")]
    Key(#[from] KeyringError),
    /// The account had too many certificates of late.
    #[error("too many certificates within a day")]
    TooMany,
    /// All that the account had were taken back, and its owner has not made new keys.
    #[error("the account's certificates are revoked")]
    Revoked,
    /// A stored certificate is not one.
    #[error("a stored certificate is corrupt: {0}")]
    Corrupt(#[from] smime::CertificateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why certificates could not be revoked; trying again takes up where it ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// A stored certificate is not one.
    #[error("a stored certificate is corrupt: {0}")]
    Corrupt(#[from] smime::CertificateError),
    /// The list of revoked certificates could not be written.
    #[error("the list of revoked certificates could not be written: {0}")]
    List(#[from] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Certifies a key of an account and puts the certificate into the directory. A key that is certified already gets
/// the certificate that there is: the answer may have been lost, and letters may be sealed to it by now.
///
/// That the account's owner holds the private key is the caller's to have checked.
pub async fn certify(
    store: &Store,
    authority: &Authority,
    account: &Account,
    spki: &[u8],
    usage: Usage,
) -> Result<Certificate, CertifyError> {
    let (subject, key_use) =
        (subject(account), if usage == Usage::Encryption { ENCRYPTION } else { SIGNING });
    loop {
        let mut connection = store.read().await?;
        let held = store::certificates_of(&mut connection, &account.address, key_use, now()).await?;
        for der in &held {
            let known = Certificate::from_der(der)?;
            if authority.still_gives(&known, spki, subject, usage, unix_time()) {
                return Ok(known);
            }
        }
        let since = now() - DAY;
        if store::certificates_since(&mut connection, &account.address, since).await? >= MOST_A_DAY {
            return Err(CertifyError::TooMany);
        }
        drop(connection);
        let certificate = authority.certify(spki, subject, usage, unix_time())?;
        let issued = issued(account, key_use, certificate.serial_hex(), &certificate);
        let account = account.id.clone();
        let add = store.write(move |tx| {
            Box::pin(async move { store::add_next_certificate(tx, &account, issued, &held).await })
        });
        let added: Result<bool, StoreError> = add.await;
        // Two browsers of one owner may ask for the same key at the same moment: one certificate is given to both.
        if added? {
            return Ok(certificate);
        }
    }
}

/// Whether everybody can use the key: what one person's key is must not stop others' mail.
pub fn is_certified(spki: &[u8]) -> bool {
    match KeyKind::of(spki) {
        KeyKind::Rsa { bits } => (2048..=8192).contains(&bits),
        KeyKind::Ec(_) | KeyKind::X25519 => true,
        _ => false,
    }
}

/// Puts an encryption certificate of another authority into the directory; the operator vouches for it.
pub async fn make_known(
    store: &Store,
    account: &Account,
    certificate: &Certificate,
) -> Result<(), StoreError> {
    // Two authorities may give the same number.
    let serial = certificate.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    let known = issued(account, ENCRYPTION, serial, certificate);
    store.write(move |tx| Box::pin(store::add_certificate(tx, known))).await
}

/// Whether clear mail for an account has to wait: its certificates were taken back, and its owner has not made new keys.
pub async fn lacks_key(connection: &mut Connection, account: &Account) -> Result<bool, StoreError> {
    Ok(account.kind.is_sealed()
        && store::certificates_of(connection, &account.address, ENCRYPTION, 0).await?.is_empty()
        && store::has_revoked(connection, &account.address).await?)
}

/// The certificate that clear mail for an account is sealed to.
///
/// An owner who never signed in has none: the relay then makes an enrolment key and keeps it until
/// the owner's browser has taken it over and sealed everything anew.
pub async fn sealing_certificate(
    store: &Store,
    authority: &Authority,
    account: &Account,
) -> Result<Certificate, CertifyError> {
    let mut connection = store.read().await?;
    // The newest also when it has expired: its owner has the key, and is the only one who has it.
    let newest = store::certificates_of(&mut connection, &account.address, ENCRYPTION, 0).await?;
    if let Some(der) = newest.first() {
        return Ok(Certificate::from_der(der)?);
    }
    // Whoever opens the account with a stolen key would get a key of the relay's as well.
    if store::has_revoked(&mut connection, &account.address).await? {
        return Err(CertifyError::Revoked);
    }
    let kept = store::enrolment_key(&mut connection, &account.id).await?;
    drop(connection);
    let key = match kept {
        Some(key) => key,
        None => make_enrolment_key(store, authority, account).await?,
    };
    Ok(Certificate::from_der(&key.certificate)?)
}

async fn make_enrolment_key(
    store: &Store,
    authority: &Authority,
    account: &Account,
) -> Result<EnrolmentKey, CertifyError> {
    let mut keyring = MemoryKeyring::new();
    let id = KeyId::new("enrolment");
    let spki = keyring.generate_p256(id.clone(), &mut random::rng())?;
    let certificate = authority.certify(&spki, subject(account), Usage::Encryption, unix_time())?;
    let key = EnrolmentKey { pkcs8: keyring.pkcs8(&id)?, certificate: certificate.der().to_vec() };
    let account = account.id.clone();
    let put =
        store.write(move |tx| Box::pin(async move { store::put_enrolment_key(tx, &account, key).await }));
    Ok(put.await.map_err(|error: StoreError| error)?)
}

/// What the directory shows for an address; none when it does not know it.
pub async fn entry(
    connection: &mut Connection,
    authority: &Authority,
    address: &str,
) -> Result<Option<Entry>, CertifyError> {
    let Some(account) = store::account_by_address(connection, address).await? else { return Ok(None) };
    let mut encryption = Vec::new();
    for der in store::certificates_of(connection, &account.address, ENCRYPTION, now()).await? {
        encryption.push(chain_text(authority, Certificate::from_der(&der)?));
    }
    Ok(Some(Entry { address: account.address, name: account.name, kind: kind(account.kind), encryption }))
}

/// Takes all certificates of an address back: nothing is sealed to them and nobody is given them any more, and
/// those of this relay's authority stand on its revocation list. Those that were not revoked yet.
pub async fn revoke(
    store: &Store,
    authority: &Authority,
    address: &str,
) -> Result<Vec<Certificate>, RevokeError> {
    let address = address.to_owned();
    let revoke =
        store.write(move |tx| Box::pin(async move { store::revoke_certificates(tx, &address).await }));
    let mut held = Vec::new();
    for (der, was_in_use) in revoke.await.map_err(|error: StoreError| error)? {
        held.push((Certificate::from_der(&der)?, was_in_use));
    }
    // Also those that were out of use: an earlier attempt may have ended here.
    let listed = authority.revoke(held.iter().map(|(certificate, _)| certificate), unix_time())?;
    let is_new = |certificate: &Certificate| listed.iter().any(|serial| serial == certificate.serial());
    let new = held.into_iter().filter(|(certificate, was_in_use)| *was_in_use || is_new(certificate));
    Ok(new.map(|(certificate, _)| certificate).collect())
}

/// A certificate and its issuers as they stand on the wire.
pub fn chain_text(authority: &Authority, leaf: Certificate) -> Vec<String> {
    authority.chain(leaf).iter().map(|certificate| base64_text(certificate.der())).collect()
}

/// People and offices whose name or address holds `text`.
pub async fn search(connection: &mut Connection, text: &str, limit: i64) -> Result<Vec<Person>, StoreError> {
    let mut people = Vec::new();
    for account in store::directory(connection, text, limit).await? {
        let held = store::certificates_of(connection, &account.address, ENCRYPTION, now()).await?;
        people.push(Person {
            kind: kind(account.kind),
            has_certificate: !held.is_empty(),
            address: account.address,
            name: account.name,
            organisation: account.organisation,
        });
    }
    Ok(people)
}

fn subject(account: &Account) -> Subject<'_> {
    Subject { address: &account.address, name: &account.name, organisation: account.organisation.as_deref() }
}

fn issued(
    account: &Account,
    key_use: &'static str,
    serial: String,
    certificate: &Certificate,
) -> IssuedCertificate {
    IssuedCertificate {
        serial,
        address: account.address.clone(),
        key_use,
        issued_at: now(),
        expires_at: millis(certificate.not_after()),
        der: certificate.der().to_vec(),
    }
}

fn kind(kind: AccountKind) -> Kind {
    match kind {
        AccountKind::Personal => Kind::Personal,
        AccountKind::Office => Kind::Office,
        AccountKind::Public => Kind::Public,
    }
}

fn millis(at: smime::UnixTime) -> Millis {
    i64::try_from(at.0).unwrap_or(i64::MAX).saturating_mul(1000)
}
