import { timestamped } from "../support/cms";
import { anchors } from "../support/directory";
import { Outsider } from "../support/outsider";
import { bob } from "../support/person";
import { Postfix } from "../support/postfix";
import { run } from "../support/process";
import { send } from "../support/smtp";
import { expect, test as base } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");

const test = base.extend<{ postfix: Postfix }>({
  postfix: async ({}, use) => {
    test.skip(process.getuid?.() !== 0, "only root can run a Postfix of its own");
    const postfix = await Postfix.start();
    await use(postfix);
    postfix.stop();
  },
  relayOptions: async ({ postfix }, use) => use({ smarthost: postfix.address, trustAnchors: [carol.authority] }),
});

test("a letter to an outsider whose certificate came by signed mail opens in openssl", async ({ meet, secret, relay, postfix }) => {
  const [subject, text] = [secret(), secret()];
  const writer = await meet(bob);

  // Her signed letter brings her certificate.
  const headers = { from: `Carol Outside <${carol.address}>`, to: bob.address, subject: "My certificate", messageId: "certificate@outside.example" };
  send(relay.smtpPort, carol.address, bob.address, carol.signClear('Content-Type: text/plain; charset="utf-8"\n\nHere it is.\n', headers));
  await writer.open("My certificate");
  await expect(writer.protection).toContainText("Signed by Carol Outside");

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
