/** The pictures of the README: main screens in both languages, light and dark, wide and narrow. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { Person, alice, bob, registry } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const folder = join(import.meta.dirname, "../../docs");

test("pictures", async ({ meet, relay }) => {
  mkdirSync(folder, { recursive: true });
  const office = await meet(registry);
  const writer = await meet(alice);
  const reader = await meet(bob);
  await reader.page.setViewportSize({ width: 1360, height: 850 });

  send(relay.smtpPort, "post@library.example", bob.address, clear("Book waiting for you", "The book that you reserved can be fetched until Friday.", bob.address));
  await office.write({
    to: [bob.address],
    subject: "Your certificate of residence 居住证明",
    text: "Dear Mr Chen,\n\nyour certificate of residence is attached. It is signed, and valid for six months.\n\n陈先生：\n\n随信附上您的居住证明，已签名，有效期六个月。\n\nCivil Registry 民政登记处",
    files: [{ name: "certificate-of-residence.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(18_200, "%PDF-1.7 ") }],
  });
  await office.send();
  await writer.write({ to: [bob.address], subject: "The lease", text: "Dear Bob,\n\nI have read the lease and agree with all of it. Shall we sign on Thursday?\n\nAlice" });
  await writer.send();

  await reader.open("The lease");
  await reader.open("Your certificate of residence");
  await settled(reader);
  await picture(reader, "read-en");

  await reader.button("Reply").click();
  await reader.fill({ text: "Thank you, I have received it.\n\nBob Chen" });
  await picture(reader, "write-en");
  await reader.composer.getByRole("button", { name: "Close" }).click();

  await reader.page.getByRole("link", { name: "Settings" }).click();
  await reader.page.getByRole("button", { name: "简体中文" }).click();
  await reader.page.getByRole("link", { name: /^收件箱/ }).click();
  await reader.page.emulateMedia({ colorScheme: "dark" });
  await reader.row("Your certificate of residence").click();
  await settled(reader);
  await picture(reader, "read-zh-dark");
  await reader.page.emulateMedia({ colorScheme: "light" });

  await reader.page.setViewportSize({ width: 390, height: 844 });
  // A letter takes the theme that it was opened in.
  await reader.page.reload();
  await settled(reader);
  await picture(reader, "phone-read-zh");
  await reader.page.goto(`${relay.url}/mail/inbox`);
  await expect(reader.row("The lease")).toBeVisible();
  await reader.page.emulateMedia({ colorScheme: "dark" });
  await picture(reader, "phone-list-zh-dark");
});

async function settled(person: Person): Promise<void> {
  await expect(person.letter).toBeVisible();
  // Notices about what was sent go away by themselves.
  await person.page.waitForTimeout(1500);
}

async function picture(person: Person, name: string): Promise<void> {
  await person.page.waitForTimeout(400);
  await person.page.screenshot({ path: join(folder, `${name}.png`) });
}

function clear(subject: string, text: string, to: string): string {
  return `From: City Library <post@library.example>\r\nTo: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${Date.now()}@library.example>\r\nDate: ${new Date().toUTCString().replace("GMT", "+0000")}\r\n\r\n${text}\r\n`;
}
