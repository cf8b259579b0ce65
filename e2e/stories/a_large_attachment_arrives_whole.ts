import { createHash, randomBytes } from "node:crypto";

import { alice, bob } from "../support/person";
import { expect, test } from "../support/story";

test("an attachment of 24 MB arrives whole, and both sides see how far it is", async ({ meet, secret }) => {
  const [subject, name] = [secret(), `${secret()}.bin`];
  const content = randomBytes(24_000_000);
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject, text: "See the attachment.", files: [{ name, mimeType: "application/octet-stream", buffer: content }] });
  await writer.composer.getByRole("button", { name: "Send", exact: true }).click();
  await expect(writer.page.getByRole("progressbar")).toBeVisible();
  await expect(writer.page.getByText("Message sent, sealed and signed")).toBeVisible({ timeout: 120_000 });

  // A letter of this size is not fetched for the list, so its subject is read when it is opened.
  await reader.row("Sealed. Open it to read.").click({ timeout: 60_000 });
  await expect(reader.letter).toContainText(subject, { timeout: 60_000 });
  await expect(reader.row(subject)).toBeVisible();
  await expect(reader.protection).toContainText("Confidential");
  const [download] = await Promise.all([reader.page.waitForEvent("download", { timeout: 60_000 }), reader.button(`Download ${name}`).click()]);
  const hash = createHash("sha256");
  for await (const chunk of await download.createReadStream()) hash.update(chunk as Buffer);
  expect(hash.digest("hex")).toBe(createHash("sha256").update(content).digest("hex"));
});
