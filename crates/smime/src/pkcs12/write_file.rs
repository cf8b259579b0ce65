//! Writing a file.

use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::bags::{
    CERTIFICATE_BAG, ENCRYPTED_DATA, FRIENDLY_NAME, LOCAL_KEY_ID, SHROUDED_KEY_BAG, X509_CERTIFICATE,
};
use super::derive::{Use, derive};
use super::password::bmp_string;
use super::{Pkcs12Error, pbe};
use crate::algorithm;
use crate::asn1::{Malformed, tag, write};
use crate::certificate::Certificate;
use crate::cms::DATA;
use crate::cms::attributes::attribute;
use crate::provider::Hash;

/// A tenth of a second natively, a second in the slowest browser.
const ITERATIONS: u32 = 200_000;

pub(super) fn write(
    rng: &mut impl CryptoRng,
    pkcs8: &[u8],
    chain: &[Certificate],
    name: &str,
    password: &str,
) -> Result<Vec<u8>, Pkcs12Error> {
    let key_id = chain.first().map(|certificate| certificate.sha256()).unwrap_or_default();
    let mut marks = vec![attribute(LOCAL_KEY_ID, &write::octets(&key_id))];
    let terminated = bmp_string(name);
    let name = terminated.get(..terminated.len().saturating_sub(2)).unwrap_or_default();
    marks.push(attribute(FRIENDLY_NAME, &write::tlv(tag::BMP_STRING, &[name])));
    let marks = write::set_of(tag::SET, marks);

    let (identifier, ciphertext) = encrypt(rng, password, pkcs8)?;
    let shrouded = write::sequence(&[&identifier, &write::octets(&ciphertext)]);
    let keys = write::sequence(&[&bag(SHROUDED_KEY_BAG, &shrouded, &marks)]);

    let certificates = chain.iter().enumerate().map(|(index, certificate)| {
        let content = write::tlv(tag::constructed(0), &[&write::octets(certificate.der())]);
        let value = write::sequence(&[&write::oid(X509_CERTIFICATE), &content]);
        bag(CERTIFICATE_BAG, &value, if index == 0 { &marks } else { &[] })
    });
    let certificates = write::sequence(&[&certificates.collect::<Vec<_>>().concat()]);
    let (identifier, ciphertext) = encrypt(rng, password, &certificates)?;
    let encrypted = write::sequence(&[
        &write::integer(0),
        &write::sequence(&[&write::oid(DATA), &identifier, &write::tlv(tag::context(0), &[&ciphertext])]),
    ]);

    let safe = write::sequence(&[
        &content_info(ENCRYPTED_DATA, &encrypted),
        &content_info(DATA, &write::octets(&keys)),
    ]);
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let mac = mac_data(&salt, password, &safe)?;
    Ok(write::sequence(&[&write::integer(3), &content_info(DATA, &write::octets(&safe)), &mac]))
}

fn encrypt(
    rng: &mut impl CryptoRng,
    password: &str,
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Pkcs12Error> {
    let (mut salt, mut vector) = ([0; 16], [0; 16]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut vector);
    pbe::encrypt(&salt, &vector, ITERATIONS, password, plaintext)
}

fn bag(kind: const_oid::ObjectIdentifier, value: &[u8], marks: &[u8]) -> Vec<u8> {
    write::sequence(&[&write::oid(kind), &write::tlv(tag::constructed(0), &[value]), marks])
}

fn content_info(kind: const_oid::ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    write::sequence(&[&write::oid(kind), &write::tlv(tag::constructed(0), &[content])])
}

fn mac_data(salt: &[u8], password: &str, safe: &[u8]) -> Result<Vec<u8>, Malformed> {
    let key: Zeroizing<Vec<u8>> = derive(Hash::Sha256, &bmp_string(password), salt, ITERATIONS, Use::Mac, 32);
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).map_err(|_| Malformed)?;
    let digest = mac.chain_update(safe).finalize().into_bytes();
    let identifier = write::algorithm(algorithm::hash_oid(Hash::Sha256), &write::null());
    Ok(write::sequence(&[
        &write::sequence(&[&identifier, &write::octets(&digest)]),
        &write::octets(salt),
        &write::integer(u64::from(ITERATIONS)),
    ]))
}
