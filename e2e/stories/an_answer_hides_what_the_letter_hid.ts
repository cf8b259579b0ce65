import { search } from "../support/canary";
import { directoryCertificate } from "../support/directory";
import { Outsider } from "../support/outsider";
import { alice, bob, type Person } from "../support/person";
import type { Relay } from "../support/relay";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
test.use({ relayOptions: { trustAnchors: [carol.authority] } });

/** A letter to Bob that hides from everybody outside how it calls Alice, and its own id (RFC 9788). */
async function hidden(reader: Person, relay: Relay, subject: string, name: string, id: string): Promise<void> {
  const recipient = carol.keep("bob.pem", await directoryCertificate(reader, bob.address));
  const outside = { from: carol.address, to: `${bob.address}, ${alice.address}`, subject: "[...]", messageId: "outside@outside.example" };
  const inside = [
    `From: ${carol.address}`,
    `To: ${bob.address}, ${name} <${alice.address}>`,
    `Subject: ${subject}`,
    `Message-ID: <${id}@outside.example>`,
    `HP-Outer: From: ${outside.from}`,
    `HP-Outer: To: ${outside.to}`,
    "HP-Outer: Subject: [...]",
    'Content-Type: text/plain; charset="utf-8"; hp="cipher"',
    "",
    "Good day.",
    "",
  ];
  send(relay.smtpPort, carol.address, bob.address, carol.encrypt(carol.signOpaque(inside.join("\n")), recipient, outside));
}

for (const gone of [false, true]) {
  test(`an answer that waited as a draft hides what the letter hid${gone ? ", which is gone" : ""}`, async ({ meet, secret, relay }) => {
    const [subject, name, id, answer, more] = [secret(), secret(), secret(), secret(), secret()];
    const other = await meet(alice);
    const reader = await meet(bob);
    await hidden(reader, relay, subject, name, id);
    await reader.open(subject);
    await expect(reader.protection).toContainText("Confidential");

    await reader.button("Reply all").click();
    await expect(reader.composer.getByRole("button", { name: `Remove ${alice.address}` })).toBeVisible();
    await reader.composer.getByRole("button", { name: `Remove ${carol.address}` }).click();
    await reader.fill({ text: answer });
    await expect(reader.page.getByText("Draft saved, sealed")).toBeVisible();
    expect(search([relay.folder], [name, id]), "nor does the draft show it").toEqual([]);
    await reader.page.reload();
    await reader.seesMailbox();
    if (gone) await destroy(reader, subject);

    await reader.goTo("Drafts");
    await reader.row(subject).click();
    const text = reader.composer.getByRole("textbox", { name: "Message", exact: true });
    await expect(text).toHaveValue(new RegExp(answer));
    await text.fill(`${answer} ${more}`);
    await reader.send();
    expect(search([relay.folder], [name, id]), "nor does what was sent").toEqual([]);

    await other.open(subject);
    await expect(other.body.getByText(more)).toBeVisible();
    await expect(other.protection).toContainText("Confidential");
    if (!gone) {
      await reader.goTo("Inbox");
      await expect(reader.row(subject).getByText("Answered")).toBeAttached();
    }
  });
}

async function destroy(reader: Person, subject: string): Promise<void> {
  await reader.goTo("Inbox");
  await reader.open(subject);
  await reader.button("Move to trash").click();
  await reader.goTo("Trash");
  await reader.open(subject);
  await reader.button("Delete for good").click();
  await reader.button("Delete for good").click();
  await expect(reader.row(subject)).toHaveCount(0);
}
