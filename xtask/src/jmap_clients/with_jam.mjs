// jmap-jam (npm) against a relay: lists, imports, reads, changes, sends and follows push.
// Usage: node with_jam.mjs SESSION_URL USERNAME PASSWORD MESSAGE RECIPIENT
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import JamClient from "jmap-jam";

const [sessionUrl, username, bearerToken, message, recipient] = process.argv.slice(2);
const jam = new JamClient({ sessionUrl, bearerToken });
const accountId = await jam.getPrimaryAccount();

// Lists.
const [boxes] = await jam.api.Mailbox.get({ accountId, ids: null });
const inbox = boxes.list.find((box) => box.role === "inbox").id;
const [{ state }] = await jam.api.Email.get({ accountId, ids: [] });

// Follows push. The client leaves that to the platform's EventSource, which this one lacks: its URL is read as it is.
const { eventSourceUrl } = await jam.session;
const url = eventSourceUrl.replace("{types}", "*").replace("{closeafter}", "state").replace("{ping}", "0");
const stream = await fetch(url, { headers: { authorization: `Bearer ${bearerToken}` } });
const pushed = stream.text();

// Imports.
const { blobId } = await jam.uploadBlob(accountId, new Blob([await readFile(message)]));
const [imported] = await jam.api.Email.import({ accountId, emails: { k: { blobId, mailboxIds: { [inbox]: true } } } });
const email = imported.created.k.id;
const event = await pushed;
assert.equal(typeof JSON.parse(event.match(/^data: (.*)$/m)[1]).changed[accountId].Email, "string", event);

// Reads, by a back reference.
const [{ list, ids }] = await jam.requestMany((requests) => {
  const ids = requests.Email.query({ accountId, filter: { inMailbox: inbox } });
  const list = requests.Email.get({ accountId, ids: ids.$ref("/ids"), properties: ["id", "from", "blobId"] });
  return { ids, list };
});
assert.ok(ids.ids.includes(email));
const got = list.list.find((one) => one.id === email);
assert.deepEqual([got.from[0].email, got.blobId], [username, blobId]);
const download = await jam.downloadBlob({ accountId, blobId, mimeType: "message/rfc822", fileName: "letter.eml" });
assert.deepEqual(Buffer.from(await download.arrayBuffer()), await readFile(message));

// Changes, and learns of changes.
const [changed] = await jam.api.Email.set({ accountId, update: { [email]: { "keywords/$flagged": true } } });
assert.ok(email in changed.updated);
const [changes] = await jam.api.Email.changes({ accountId, sinceState: state });
assert.ok(changes.created.includes(email));

// Sends.
const [identities] = await jam.api.Identity.get({ accountId, ids: null });
const envelope = { mailFrom: { email: username, parameters: null }, rcptTo: [{ email: recipient, parameters: null }] };
const create = { s: { emailId: email, identityId: identities.list[0].id, envelope } };
const [sent] = await jam.api.EmailSubmission.set({ accountId, create });
assert.ok(sent.created?.s.id, JSON.stringify(sent));
console.log("jmap-jam: listed, imported, read, changed, sent, followed push");
