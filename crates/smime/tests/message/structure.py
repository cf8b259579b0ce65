"""Prints what CPython's email package makes of messages, one tab-separated line per fact."""

import email
import email.policy
import hashlib
import sys


def clean(text):
    return " ".join(str(text).split())


def leaves(part, path):
    kind = part.get_content_type()
    if part.is_multipart() and not kind.startswith("message/"):
        for index, child in enumerate(part.get_payload(), 1):
            yield from leaves(child, path + [str(index)])
        return
    digest = "-"
    if not part.is_multipart():
        data = part.get_payload(decode=True)
        digest = "-" if data is None else hashlib.sha256(data).hexdigest()
    try:
        name = clean(part.get_filename() or "-")
    except Exception:
        name = "?"
    yield ".".join(path) or "1", kind, digest, name


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        message = email.message_from_bytes(file.read(), policy=email.policy.default)
    print("FILE", path, sep="\t")
    for leaf in leaves(message, []):
        print("PART", *leaf, sep="\t")
    try:
        if message["subject"] is not None:
            print("SUBJECT", clean(message["subject"]), sep="\t")
        if message["from"] is not None:
            print("FROM", ",".join(address.addr_spec for address in message["from"].addresses), sep="\t")
    except Exception:
        # Some headers are too broken for this package.
        pass
