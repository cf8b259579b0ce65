"""Makes the messages beside it with pyca/cryptography: python3 make.py

Each is for a key-encryption key of 32 octets 0x5a, known as 01 02 03 (KEKRecipientInfo, AES-256 key wrap), but
those that are transported: they are for the RSA key beside them (KeyTransRecipientInfo).
"""

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

CONTENT = "Content-Type: text/plain; charset=utf-8\r\n\r\nSealed 印信\r\n".encode()


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 0x80:
        length = bytes([len(body)])
    else:
        digits = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + length + body


def oid(text):
    first, second, *rest = map(int, text.split("."))
    body = bytearray([40 * first + second])
    for arc in rest:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.insert(0, 0x80 | arc & 0x7F)
        body += bytes(septets)
    return tlv(0x06, bytes(body))


def integer(value):
    return tlv(0x02, bytes([value]))


def sequence(*parts):
    return tlv(0x30, *parts)


def octets(value):
    return tlv(0x04, value)


def key_encryption_key(key):
    wrapped = aes_key_wrap(b"\x5a" * 32, key)
    wrap = sequence(oid("2.16.840.1.101.3.4.1.45"))
    return tlv(0xA2, integer(4), sequence(octets(b"\x01\x02\x03")), wrap, octets(wrapped))


def message(identifier, recipient, encrypt, tag_length, attributes):
    aad = tlv(0x31, attributes) if attributes else b""
    sealed = encrypt(CONTENT, aad or None)
    ciphertext, tag = sealed[:-tag_length], sealed[-tag_length:]
    content = sequence(
        oid("1.2.840.113549.1.7.1"), identifier, tlv(0x80, ciphertext)
    )
    authenticated = tlv(0xA1, attributes) if attributes else b""
    inner = sequence(integer(0), tlv(0x31, recipient), content, authenticated, octets(tag))
    return sequence(oid("1.2.840.113549.1.9.16.1.23"), tlv(0xA0, inner))


# contentType is id-data.
ATTRIBUTES = sequence(
    oid("1.2.840.113549.1.9.3"), tlv(0x31, oid("1.2.840.113549.1.7.1"))
)

for bits, number, nonce_length, tag_length, attributes in [
    (128, 7, 12, 16, b""),
    (128, 7, 7, 12, ATTRIBUTES),
    (192, 27, 13, 14, b""),
    (256, 47, 12, 12, b""),
    (256, 47, 13, 16, ATTRIBUTES),
]:
    key, nonce = os.urandom(bits // 8), os.urandom(nonce_length)
    # The length of the tag is 12 unless it is given (RFC 5084 3.1).
    parameters = sequence(octets(nonce), integer(tag_length) if tag_length != 12 else b"")
    cipher = AESCCM(key, tag_length)
    der = message(
        sequence(oid(f"2.16.840.1.101.3.4.1.{number}"), parameters), key_encryption_key(key),
        lambda content, aad: cipher.encrypt(nonce, content, aad), tag_length, attributes,
    )
    open(f"aes-{bits}-ccm-nonce-{nonce_length}-tag-{tag_length}.der", "wb").write(der)

for name, attributes in [("plain", b""), ("attributes", ATTRIBUTES)]:
    key, nonce = os.urandom(32), os.urandom(12)
    der = message(
        sequence(oid("1.2.840.113549.1.9.16.3.18"), octets(nonce)), key_encryption_key(key),
        lambda content, aad: ChaCha20Poly1305(key).encrypt(nonce, content, aad), 16, attributes,
    )
    open(f"chacha20-poly1305-{name}.der", "wb").write(der)


def derived(key, identifier):
    """CMS_CEK_HKDF_SHA256 (RFC 9709 2)."""
    salt = b"The Cryptographic Message Syntax"
    return HKDF(SHA256(), len(key), salt, identifier).derive(key)


# RFC 9709 B.1.
assert derived(
    bytes.fromhex("c702e7d0a9e064b09ba55245fb733cf3"),
    bytes.fromhex("301b0609608648016503040106300e040c5c79058ba2f43447639d29e2"),
) == bytes.fromhex("2124ffb29fac4e0fbbc7d5d87492bff3")

key, nonce = os.urandom(32), os.urandom(12)
identifier = sequence(oid("2.16.840.1.101.3.4.1.46"), sequence(octets(nonce), integer(16)))
cipher = AESGCM(derived(key, identifier))
der = message(
    sequence(oid("1.2.840.113549.1.9.16.3.31"), identifier), key_encryption_key(key),
    lambda content, aad: cipher.encrypt(nonce, content, aad), 16, ATTRIBUTES,
)
open("aes-256-gcm-derived.der", "wb").write(der)


# For a recipient's key, and turned by somebody on the way who knows how the content begins: what GCM encrypts is
# its counter, so a block of the key stream is the counter under the key, and CBC makes of it what its vector says.
FORGED = b"Forged.\r\n" + bytes([7]) * 7


def transported(certificate, key):
    identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    algorithm = sequence(oid("1.2.840.113549.1.1.1"), tlv(0x05))
    wrapped = certificate.public_key().encrypt(key, padding.PKCS1v15())
    return sequence(integer(2), tlv(0x80, identifier), algorithm, octets(wrapped))


def rewrapped(recipient, bind, vector, block):
    identifier = bind(sequence(oid("2.16.840.1.101.3.4.1.42"), octets(vector)))
    content = sequence(oid("1.2.840.113549.1.7.1"), identifier, tlv(0x80, block))
    inner = sequence(integer(2), tlv(0x31, recipient), content)
    return sequence(oid("1.2.840.113549.1.7.3"), tlv(0xA0, inner))


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def bound(identifier):
    return sequence(oid("1.2.840.113549.1.9.16.3.31"), identifier)


def unbound(identifier):
    return identifier


def is_padded(key, vector, block):
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return decryptor.update(block)[-1] in range(1, 17)


rsa_key = rsa.generate_private_key(65537, 2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Recipient")])
builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key.public_key())
builder = builder.serial_number(1).not_valid_before(datetime.datetime(2026, 1, 1))
builder = builder.not_valid_after(datetime.datetime(2126, 1, 1))
builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(rsa_key.public_key()), False)
certificate = builder.sign(rsa_key, SHA256())
open("recipient.der", "wb").write(certificate.public_bytes(serialization.Encoding.DER))
open("recipient-key.der", "wb").write(rsa_key.private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

for form, bind in [("unbound", unbound), ("bound", bound)]:
    while True:
        key, nonce = os.urandom(32), os.urandom(12)
        identifier = sequence(oid("2.16.840.1.101.3.4.1.46"), sequence(octets(nonce), integer(16)))
        cipher = AESGCM(derived(key, identifier) if bind is bound else key)
        stream = xor(cipher.encrypt(nonce, CONTENT, b"")[:16], CONTENT)
        vector = xor(nonce + b"\x00\x00\x00\x02", FORGED)
        cbc = sequence(oid("2.16.840.1.101.3.4.1.42"), octets(vector))
        # One in sixteen of the forgeries that fail would end like a padding; those are not taken.
        if bind is unbound or not any(is_padded(one, vector, stream) for one in [key, derived(key, cbc)]):
            break
    recipient = transported(certificate, key)
    der = message(
        bind(identifier), recipient, lambda content, aad: cipher.encrypt(nonce, content, aad), 16, b"")
    open(f"transported-{form}.der", "wb").write(der)
    open(f"transported-{form}-rewrapped.der", "wb").write(rewrapped(recipient, unbound, vector, stream))
    if bind is bound:
        der = rewrapped(recipient, bound, vector, stream)
        open("transported-bound-rewrapped-bound.der", "wb").write(der)
