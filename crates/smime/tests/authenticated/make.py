"""Makes the AuthEnvelopedData beside it with pyca/cryptography: python3 make.py

Each is for a key-encryption key of 32 octets 0x5a, known as 01 02 03 (KEKRecipientInfo, AES-256 key wrap).
"""

import os
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, ChaCha20Poly1305
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


def message(cipher, parameters, key, encrypt, tag_length, attributes):
    aad = tlv(0x31, attributes) if attributes else b""
    sealed = encrypt(CONTENT, aad or None)
    ciphertext, tag = sealed[:-tag_length], sealed[-tag_length:]
    wrapped = aes_key_wrap(b"\x5a" * 32, key)
    wrap = sequence(oid("2.16.840.1.101.3.4.1.45"))
    recipient = tlv(0xA2, integer(4), sequence(octets(b"\x01\x02\x03")), wrap, octets(wrapped))
    content = sequence(
        oid("1.2.840.113549.1.7.1"), sequence(oid(cipher), parameters), tlv(0x80, ciphertext)
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
        f"2.16.840.1.101.3.4.1.{number}", parameters, key,
        lambda content, aad: cipher.encrypt(nonce, content, aad), tag_length, attributes,
    )
    open(f"aes-{bits}-ccm-nonce-{nonce_length}-tag-{tag_length}.der", "wb").write(der)

for name, attributes in [("plain", b""), ("attributes", ATTRIBUTES)]:
    key, nonce = os.urandom(32), os.urandom(12)
    der = message(
        "1.2.840.113549.1.9.16.3.18", octets(nonce), key,
        lambda content, aad: ChaCha20Poly1305(key).encrypt(nonce, content, aad), 16, attributes,
    )
    open(f"chacha20-poly1305-{name}.der", "wb").write(der)
