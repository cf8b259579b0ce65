import type { X509Certificate } from "node:crypto";

import { directoryCertificates, isSealedTo } from "../support/directory";
import { atOneMoment } from "../support/moment";
import { alice, bob, type Person } from "../support/person";
import { expect, newcomer, test } from "../support/story";

const notice = /^Your certificates are good until/;

// Certificates are for three years, by the clock of the relay: these end within ten days.
test.use({ relayOptions: { daysBehind: 3 * 365 - 10 } });

test("keys are renewed before their certificates end, and old letters open", async ({ meet, relay, secret }) => {
  const [before, after] = [secret(), secret()];
  const reader = await meet(alice);
  const writer = await meet(bob);
  await writer.write({ to: [alice.address], subject: before, text: before });
  await writer.send();
  await reader.open(before);
  await expect(reader.page.getByText(notice)).toBeVisible();

  await relay.startOnTime();
  for (const person of [reader, writer]) {
    await person.signIn();
    // What was renewed by a wrong clock would rest for a week.
    await person.forgets("renewed");
  }
  await expect(reader.page.getByText(notice)).toHaveCount(0);
  await writer.write({ to: [alice.address], subject: after, text: after });
  await writer.send();
  for (const subject of [before, after]) {
    await reader.open(subject);
    await expect(reader.body.getByText(subject)).toBeVisible();
    await expect(reader.protection).toContainText("Confidential");
  }
});

test("what is sealed to keys that another browser made opens where that was open meanwhile", async ({ browser, meet, guard, relay, secret }) => {
  const subject = secret();
  const first = await meet(alice);
  const writer = await meet(bob);
  const [old] = await directoryCertificates(writer, alice.address);
  // The other one finds that the certificates end soon.
  const second = await inAnotherBrowser(first, await newcomer(browser, relay, guard, alice));
  const [renewed] = (await directoryCertificates(writer, alice.address)) as [X509Certificate];
  expect(renewed.fingerprint256).not.toBe(old?.fingerprint256);

  await writer.write({ to: [alice.address], subject, text: subject });
  await writer.send();
  expect(await isSealedTo(first, renewed)).toBe(true);
  for (const reader of [first, second]) {
    await reader.open(subject);
    await expect(reader.body.getByText(subject)).toBeVisible();
    await expect(reader.protection).toContainText("Confidential");
  }
  await second.context.close();
});

test("two browsers that renew keys at the same moment come to one set of them", async ({ browser, meet, guard, relay, secret }) => {
  const letters = [secret(), secret(), secret()];
  const [earlier, before, after] = letters as [string, string, string];
  const first = await meet(alice);
  const writer = await meet(bob);
  const write = async (subject: string) => {
    await writer.write({ to: [alice.address], subject, text: subject });
    await writer.send();
    await expect(first.row(subject)).toBeVisible({ timeout: 30_000 });
  };
  await write(earlier);
  const second = await inAnotherBrowser(first, await newcomer(browser, relay, guard, alice));
  await write(before);

  await relay.startOnTime();
  const both = [first, second];
  for (const person of [...both, writer]) await person.signIn();
  // What was renewed by a wrong clock would rest for a week.
  for (const person of both) await person.keeps("renewed");
  const moment = await atOneMoment(both, "Vault/set");
  await Promise.all([...both.map((person) => person.comesBack()), moment.reached]);
  const lasting = async () => {
    const year = Date.now() + 365 * 24 * 3600 * 1000;
    return (await directoryCertificates(writer, alice.address)).filter((certificate) => Date.parse(certificate.validTo) > year);
  };
  await expect.poll(async () => (await lasting()).length).toBe(1);
  const [renewed] = (await lasting()) as [X509Certificate];

  await write(after);
  expect(await isSealedTo(first, renewed)).toBe(true);
  for (const reader of both) {
    for (const subject of letters) {
      await reader.open(subject);
      await expect(reader.body.getByText(subject)).toBeVisible();
      await expect(reader.protection).toContainText("Confidential");
    }
  }
  // Nor does either renew once more when it comes the next time.
  for (const person of both) await person.comesBack();
  expect((await lasting()).map((certificate) => certificate.fingerprint256)).toEqual([renewed.fingerprint256]);
  await second.context.close();
});

/** Brings the keys of somebody to another browser of theirs, by a recovery code. */
async function inAnotherBrowser(first: Person, second: Person): Promise<Person> {
  await first.page.getByRole("link", { name: "Settings" }).click();
  await first.button("Make a recovery code").click();
  const code = await first.page.locator("output, code").first().innerText();
  await first.goTo("Inbox");
  await second.page.goto(second.url);
  await second.enterPassword();
  await second.page.getByRole("textbox", { name: "Recovery code" }).fill(code);
  await second.button("Open my mailbox").click();
  await second.seesMailbox();
  return second;
}
