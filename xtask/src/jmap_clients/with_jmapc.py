"""jmapc (PyPI) against a relay: lists, imports, reads, changes, sends and follows push.

Usage: with_jmapc.py SESSION_URL USERNAME PASSWORD MESSAGE RECIPIENT
"""

import sys
import threading
import urllib.parse

import jmapc
from jmapc.methods import (
    CustomMethod, EmailChanges, EmailGet, EmailQuery, EmailSet, EmailSubmissionSet, IdentityGet, MailboxGet, MailboxQuery,
)

session_url, username, password, message, recipient = sys.argv[1:]
client = jmapc.Client.create_with_password(urllib.parse.urlsplit(session_url).netloc, username, password)
account = client.account_id


def custom(name, capability, arguments):
    method = CustomMethod(data={"accountId": account, **arguments})
    method.jmap_method = name
    method.using = {"urn:ietf:params:jmap:core", capability}
    return client.request(method, raise_errors=True).data


# Lists.
boxes = {box.role: box for box in client.request(MailboxGet(ids=None), raise_errors=True).data}
inbox = boxes["inbox"]
found = client.request(MailboxQuery(filter=jmapc.MailboxQueryFilterCondition(role="inbox")), raise_errors=True).ids
assert found == [inbox.id], found
state = client.request(EmailGet(ids=[]), raise_errors=True).state

# Follows push: an event comes while this program imports.
heard = []
arrived = threading.Event()


def follow():
    for event in client.events:
        heard.append(event)
        return arrived.set()


threading.Thread(target=follow, daemon=True).start()

# Imports, until the stream is open and tells of it.
blob = client.upload_blob(message)
email = None
for _ in range(20):
    made = custom("Email/import", "urn:ietf:params:jmap:mail", {"emails": {"k": {"blobId": blob.id, "mailboxIds": {inbox.id: True}}}})
    email = email or made["created"]["k"]["id"]
    if arrived.wait(0.5):
        break
assert arrived.is_set(), "no push came"
assert heard[0].data.changed[account].email, heard

# Reads.
listed = client.request(EmailQuery(filter=jmapc.EmailQueryFilterCondition(in_mailbox=inbox.id)), raise_errors=True).ids
assert email in listed, listed
got = client.request(EmailGet(ids=[email]), raise_errors=True).data[0]
assert got.mail_from[0].email == username and got.blob_id == blob.id, got

# Changes, and learns of changes.
done = client.request(EmailSet(update={email: {"keywords/$seen": True}}), raise_errors=True)
assert email in done.updated, done
assert client.request(EmailGet(ids=[email]), raise_errors=True).data[0].keywords == {"$seen": True}
changes = client.request(EmailChanges(since_state=state), raise_errors=True)
assert email in changes.created, changes

# Sends.
identity = client.request(IdentityGet(), raise_errors=True).data[0]
assert identity.email == username, identity
envelope = jmapc.Envelope(mail_from=jmapc.Address(email=username), rcpt_to=[jmapc.Address(email=recipient)])
sent = client.request(
    EmailSubmissionSet(create={"s": jmapc.EmailSubmission(email_id=email, identity_id=identity.id, envelope=envelope)}),
    raise_errors=True,
)
assert sent.created["s"].id, sent
print("jmapc: listed, imported, read, changed, sent, followed push")
