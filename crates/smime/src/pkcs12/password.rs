//! The password, in the forms that writers have given it.

use const_oid::ObjectIdentifier as Oid;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::Pkcs12Error;
use super::derive::{Use, derive};
use super::pbe::Scheme;
use super::pbkdf;
use crate::algorithm::{self, Identifier};
use crate::asn1::{Malformed, Tlv, tag};
use crate::provider::Hash;

const PBMAC1: Oid = Oid::new_unwrap("1.2.840.113549.1.5.14");

/// Iterations for one file in all, each as often as the result takes blocks of the hash: a second or two natively, more than any writer asks for.
const MAX_WORK: u32 = 5_000_000;

/// Opens parts of one file, within a budget.
pub(super) struct Unlock {
    /// The forms to try where a scheme takes UTF-8; older NSS gave PBES2 the BMPString.
    utf8: Vec<Zeroizing<Vec<u8>>>,
    /// The forms to try where a scheme takes a BMPString; no password is either of two.
    bmp: Vec<Zeroizing<Vec<u8>>>,
    work: u32,
}

impl Unlock {
    pub(super) fn new(password: &str) -> Self {
        let plain = Zeroizing::new(password.as_bytes().to_vec());
        let terminated = bmp_string(password);
        let mut bmp = vec![terminated.clone()];
        if password.is_empty() {
            bmp.push(Zeroizing::new(Vec::new()));
        }
        Self { utf8: vec![plain, terminated], bmp, work: 0 }
    }

    fn spend(&mut self, iterations: u32) -> Result<(), Pkcs12Error> {
        self.work = self.work.saturating_add(iterations);
        if self.work > MAX_WORK { Err(Pkcs12Error::TooMuchWork) } else { Ok(()) }
    }

    pub(super) fn decrypt(
        &mut self,
        identifier: &Identifier<'_>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
        let scheme = Scheme::read(identifier)?;
        let forms = if scheme.takes_bmp() { self.bmp.clone() } else { self.utf8.clone() };
        for form in forms {
            self.spend(scheme.work())?;
            // A wrong form passes the padding once in 256: what comes out must also be a SEQUENCE.
            if let Some(plaintext) = scheme.decrypt(&form, ciphertext)
                && plaintext.first() == Some(&tag::SEQUENCE)
            {
                return Ok(plaintext);
            }
        }
        Err(Pkcs12Error::WrongPassword)
    }

    /// Checks MacData (RFC 7292 4) over the authenticated safe.
    pub(super) fn check_mac(&mut self, mac: &Tlv<'_>, safe: &[u8]) -> Result<(), Pkcs12Error> {
        let mut fields = mac.reader();
        let mut digest_info = fields.sequence()?;
        let identifier = Identifier::read(digest_info.sequence()?)?;
        let expected = digest_info.expect(tag::OCTET_STRING)?.value;
        let salt = fields.expect(tag::OCTET_STRING)?.value;
        let iterations = fields.optional(tag::INTEGER)?.map_or(Ok(1), |number| number.small())?;
        fields.end()?;
        if identifier.oid == PBMAC1 {
            return self.check_pbmac1(&identifier, safe, expected);
        }
        let hash = algorithm::hash_of(identifier.oid).ok_or(Pkcs12Error::Unsupported)?;
        for form in self.bmp.clone() {
            self.spend(iterations)?;
            let key = derive(hash, &form, salt, iterations, Use::Mac, hash.digest_len());
            if mac_holds(hash, &key, safe, expected)? {
                self.bmp = vec![form];
                return Ok(());
            }
        }
        Err(Pkcs12Error::WrongPassword)
    }
}

impl Unlock {
    /// RFC 9579: the salt and the iterations beside the digest mean nothing here.
    fn check_pbmac1(
        &mut self,
        identifier: &Identifier<'_>,
        safe: &[u8],
        expected: &[u8],
    ) -> Result<(), Pkcs12Error> {
        let mut fields = identifier.parameters.ok_or(Malformed)?.reader();
        let derivation = Identifier::read(fields.sequence()?)?;
        let scheme = Identifier::read(fields.sequence()?)?;
        fields.end()?;
        let hash = pbkdf::hmac_of(scheme.oid).ok_or(Pkcs12Error::Unsupported)?;
        let derivation = pbkdf::MacKey::read(&derivation)?;
        self.spend(derivation.work())?;
        let password = self.utf8.first().cloned().unwrap_or_default();
        if mac_holds(hash, &derivation.derive(&password), safe, expected)? {
            Ok(())
        } else {
            Err(Pkcs12Error::WrongPassword)
        }
    }
}

fn mac_holds(hash: Hash, key: &[u8], data: &[u8], expected: &[u8]) -> Result<bool, Malformed> {
    fn check<M: Mac + KeyInit>(key: &[u8], data: &[u8], expected: &[u8]) -> Result<bool, Malformed> {
        let mac = <M as KeyInit>::new_from_slice(key).map_err(|_| Malformed)?;
        Ok(mac.chain_update(data).verify_slice(expected).is_ok())
    }
    match hash {
        Hash::Sha1 => check::<Hmac<Sha1>>(key, data, expected),
        Hash::Sha224 => check::<Hmac<Sha224>>(key, data, expected),
        Hash::Sha256 => check::<Hmac<Sha256>>(key, data, expected),
        Hash::Sha384 => check::<Hmac<Sha384>>(key, data, expected),
        Hash::Sha512 => check::<Hmac<Sha512>>(key, data, expected),
    }
}

/// The password in UTF-16, big end first, with its terminator (RFC 7292 B.1).
pub(super) fn bmp_string(password: &str) -> Zeroizing<Vec<u8>> {
    let units = password.encode_utf16().chain([0]);
    Zeroizing::new(units.flat_map(u16::to_be_bytes).collect())
}
