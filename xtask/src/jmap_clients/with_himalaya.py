"""himalaya (crates.io) against a relay: lists, imports, reads, changes, moves and sends.

It follows no push: each of its commands asks once and ends. Its commands to import and to send cannot read null,
which RFC 8621 4.8 has where nothing was refused: it asks in words of JMAP instead.
Usage: with_himalaya.py PROGRAM SESSION_URL USERNAME PASSWORD MESSAGE RECIPIENT
"""

import json
import os
import pathlib
import subprocess
import sys

program, session_url, username, password, message, recipient = sys.argv[1:]
config = pathlib.Path(message).with_suffix(".himalaya.toml")
config.write_text(f"""
[accounts.relay]
default = true
email = "{username}"
jmap.server = "{session_url}"
jmap.tls.cert = "{os.environ["SSL_CERT_FILE"]}"
jmap.auth.basic.username = "{username}"
jmap.auth.basic.password.raw = "{password}"
""")


def said(*arguments):
    command = [program, "--config", config, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 0, (arguments, done.stdout.decode(), done.stderr.decode())
    return done.stdout


def told(*arguments):
    return json.loads(said("--json", *arguments))


def asked(method, **arguments):
    using = "--using=urn:ietf:params:jmap:submission"
    answers = told("jmap", "query", using, "--", json.dumps([[method, arguments, "c"]]))["method_responses"]
    assert answers[0][0] == method, answers
    return answers[0][1]


def envelopes(mailbox):
    return {one["id"]: one for one in told("envelope", "list", "--mailbox", mailbox)["envelopes"]}


# Lists.
boxes = {box["role"]: box for box in told("mailbox", "list", "--counts")["mailboxes"]}
assert {"inbox", "archive", "drafts", "sent", "trash"} <= boxes.keys(), boxes
before = envelopes("inbox")

# Imports.
blob = told("jmap", "email", "import", "--mailbox-id", boxes["inbox"]["id"], "--upload-only", "--", message)["message"]
email = {"blobId": blob, "mailboxIds": {boxes["inbox"]["id"]: True}, "keywords": {"$seen": True}}
email = asked("Email/import", emails={"k": email})["created"]["k"]["id"]
assert email not in before and email in envelopes("inbox"), email

# Reads: an envelope, the bytes, and what the relay tells of the parts.
envelope = envelopes("inbox")[email]
assert envelope["from"][0]["email"] == username, envelope
assert said("message", "read", "--raw", email) == pathlib.Path(message).read_bytes()
assert username in said("jmap", "email", "read", email).decode()
found = told("jmap", "email", "query", "--mailbox", boxes["inbox"]["id"], "--has-keyword", "$seen")["emails"]
assert email in [one["id"] for one in found], found

# Changes keywords, and moves there and back.
told("flag", "add", "--flag=flagged", email)
told("flag", "remove", "--flag=seen", email)
keywords = told("jmap", "email", "get", email)["emails"][0]["keywords"]
assert keywords == {"$flagged": True}, keywords
told("message", "move", "--from", "inbox", "--to", "archive", email)
assert email in envelopes("archive") and email not in envelopes("inbox")
told("message", "move", "--from", "archive", "--to", "inbox", email)
assert email in envelopes("inbox") and email not in envelopes("archive")

# Sends.
identities = told("jmap", "identity", "get")["identities"]
assert [one["email"] for one in identities] == [username], identities
create = {"s": {"identityId": identities[0]["id"], "emailId": email}}
made = asked("EmailSubmission/set", create=create)["created"]["s"]["id"]
sent = told("jmap", "submission", "query")["submissions"]
assert made in [one["id"] for one in sent], sent
print("himalaya: listed, imported, read, changed, moved, sent; it follows no push, and imports and sends by raw requests alone")
