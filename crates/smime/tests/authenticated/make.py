"""Makes the AuthEnvelopedData beside it with pyca/cryptography: python3 make.py

Each is for a key-encryption key of 32 octets 0x5a, known as 01 02 03 (KEKRecipientInfo, AES-256 key wrap).
"""

import os
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


def message(identifier, key, encrypt, tag_length, attributes):
    aad = tlv(0x31, attributes) if attributes else b""
    sealed = encrypt(CONTENT, aad or None)
    ciphertext, tag = sealed[:-tag_length], sealed[-tag_length:]
    wrapped = aes_key_wrap(b"\x5a" * 32, key)
    wrap = sequence(oid("2.16.840.1.101.3.4.1.45"))
    recipient = tlv(0xA2, integer(4), sequence(octets(b"\x01\x02\x03")), wrap, octets(wrapped))
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
        sequence(oid(f"2.16.840.1.101.3.4.1.{number}"), parameters), key,
        lambda content, aad: cipher.encrypt(nonce, content, aad), tag_length, attributes,
    )
    open(f"aes-{bits}-ccm-nonce-{nonce_length}-tag-{tag_length}.der", "wb").write(der)

for name, attributes in [("plain", b""), ("attributes", ATTRIBUTES)]:
    key, nonce = os.urandom(32), os.urandom(12)
    der = message(
        sequence(oid("1.2.840.113549.1.9.16.3.18"), octets(nonce)), key,
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
    sequence(oid("1.2.840.113549.1.9.16.3.31"), identifier), key,
    lambda content, aad: cipher.encrypt(nonce, content, aad), 16, ATTRIBUTES,
)
open("aes-256-gcm-derived.der", "wb").write(der)
