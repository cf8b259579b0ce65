import { timestamped } from "../support/cms";
import { anchors } from "../support/directory";
import { test as base } from "../support/outside";
import { Outsider } from "../support/outsider";
import { type Person, alice, bob } from "../support/person";
import { run } from "../support/process";
import type { Relay } from "../support/relay";
import { send } from "../support/smtp";
import { expect } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
const rosa = new Outsider("Rosa Outside", "rosa@outside.example", "RSA-2048");

const test = base.extend({
  relayOptions: async ({ postfix }, use) => use({ smarthost: postfix.address, trustAnchors: [carol.authority, rosa.authority] }),
});

test("a letter to an outsider whose certificate came by signed mail opens in openssl", async ({ meet, secret, relay, postfix }) => {
  const [subject, text] = [secret(), secret()];
  const writer = await meet(bob);

  await certificateComes(relay, carol, writer);

  await writer.write({ to: [carol.address], subject: `Re ${subject}`, text: `Dear Carol, ${text}` });
  await expect(writer.composer.getByText("Will be sealed and signed")).toBeVisible();
  await writer.send();

  const [received] = (await postfix.received("carol", 1)) as [Buffer];
  expect(received.toString(), "the outer subject says nothing").toMatch(/^Subject: \[\.\.\.\]\r?$/m);
  expect(received.includes(subject) || received.includes(text)).toBe(false);

  const signed = carol.decrypt(received);
  const trusted = carol.keep("anchors.pem", await anchors(writer, "trustAnchors"));
  const content = carol.verify(signed, trusted).toString();
  expect(content).toContain(`Subject: Re ${subject}`);
  expect(content).toContain(text);

  const { signature, token } = timestamped(run("openssl", ["cms", "-cmsout", "-outform", "DER", "-in", carol.keep("signed.eml", signed)]));
  const authority = carol.keep("timestamp-anchors.pem", await anchors(writer, "timestampAnchors"));
  const verdict = run("openssl", ["ts", "-verify", "-data", carol.keep("signature.bin", signature), "-in", carol.keep("token.der", token), "-token_in", "-CAfile", authority]);
  expect(verdict.toString()).toContain("Verification: OK");
});

// NSS 3.87.1 refuses a message in which anybody is given the key by key agreement, also where another entry is its own.
test("a letter to an outsider with an RSA key opens in NSS, whoever else reads it", async ({ meet, secret, relay, postfix }) => {
  const [subject, text] = [secret(), secret()];
  const [writer, colleague] = [await meet(bob), await meet(alice)];
  await certificateComes(relay, rosa, writer);

  for (const to of [[rosa.address], [rosa.address, alice.address]]) {
    await writer.write({ to, subject: `Re ${subject}`, text: `Dear Rosa, ${text}` });
    await expect(writer.composer.getByText("Will be sealed and signed")).toBeVisible();
    await writer.send();
  }
  for (const received of await postfix.received("rosa", 2)) {
    const signed = rosa.decryptWithNss(received);
    expect(signed.equals(rosa.decrypt(received)), "NSS and OpenSSL read the same").toBe(true);
    const trusted = rosa.keep("anchors.pem", await anchors(writer, "trustAnchors"));
    expect(rosa.verify(signed, trusted).toString()).toContain(text);
  }
  await colleague.open(`Re ${subject}`);
  await expect(colleague.body.getByText(text)).toBeVisible();
});

/** A signed letter brings its sender's certificate. */
async function certificateComes(relay: Relay, outsider: Outsider, to: Person) {
  const headers = { from: `${outsider.name} <${outsider.address}>`, to: to.account.address, subject: "My certificate", messageId: `certificate@${outsider.address}` };
  send(relay.smtpPort, outsider.address, to.account.address, outsider.signClear('Content-Type: text/plain; charset="utf-8"\n\nHere it is.\n', headers));
  await to.open("My certificate");
  await expect(to.protection).toContainText(`Signed by \u2068${outsider.name}\u2069`);
}
