//! Names for algorithms that this crate knows of and does not have.

use const_oid::ObjectIdentifier as Oid;

pub(super) const SHAKE256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.12");

/// What old or foreign mail names and this crate refuses, so that a report can say what it was.
const NAMED: [(Oid, &str); 34] = [
    (Oid::new_unwrap("1.2.840.113549.2.2"), "MD2"),
    (Oid::new_unwrap("1.2.840.113549.2.5"), "MD5"),
    (Oid::new_unwrap("1.2.840.113549.1.1.2"), "MD2 with RSA"),
    (Oid::new_unwrap("1.2.840.113549.1.1.4"), "MD5 with RSA"),
    (Oid::new_unwrap("1.2.840.113549.1.1.10"), "RSA-PSS"),
    (Oid::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (Oid::new_unwrap("1.2.840.10040.4.3"), "DSA with SHA-1"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.1"), "DSA with SHA-224"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.2"), "DSA with SHA-256"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.7"), "SHA3-224"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.8"), "SHA3-256"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.9"), "SHA3-384"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.10"), "SHA3-512"),
    (SHAKE256, "SHAKE256"),
    (Oid::new_unwrap("1.3.36.3.2.1"), "RIPEMD-160"),
    (Oid::new_unwrap("1.2.156.10197.1.401"), "SM3"),
    (Oid::new_unwrap("1.2.840.10046.2.1"), "Diffie-Hellman"),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.5"), "ephemeral-static Diffie-Hellman"),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.10"), "static-static Diffie-Hellman"),
    (Oid::new_unwrap("1.3.133.16.840.63.0.16"), "ECMQV with SHA-1"),
    (Oid::new_unwrap("1.3.101.111"), "X448"),
    (Oid::new_unwrap("1.3.101.113"), "Ed448"),
    (Oid::new_unwrap("1.2.156.10197.1.301"), "SM2"),
    (Oid::new_unwrap("1.2.156.10197.1.501"), "SM2 with SM3"),
    (Oid::new_unwrap("1.2.156.10197.1.104.2"), "SM4-CBC"),
    (Oid::new_unwrap("1.2.840.113549.3.2"), "RC2-CBC"),
    (Oid::new_unwrap("1.2.840.113549.3.4"), "RC4"),
    (Oid::new_unwrap("1.3.14.3.2.7"), "DES-CBC"),
    (Oid::new_unwrap("1.2.840.113533.7.66.10"), "CAST5-CBC"),
    (Oid::new_unwrap("1.2.392.200011.61.1.1.1.4"), "Camellia-256-CBC"),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.7"), "RC2 key wrap"),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.14"), "RSA-KEM"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.32"), "HashML-DSA-44 with SHA-512"),
    (Oid::new_unwrap("1.3.6.1.4.1.22554.5.6.1"), "ML-KEM-512 of the draft standard"),
];

/// The name of an algorithm, or its number.
pub(crate) fn name_of(oid: Oid) -> String {
    static_name(oid).map_or_else(|| oid.to_string(), str::to_owned)
}

/// The name of an algorithm, if it has one here.
pub(crate) fn static_name(oid: Oid) -> Option<&'static str> {
    NAMED.iter().find(|(named, _)| *named == oid).map(|(_, name)| *name)
}
