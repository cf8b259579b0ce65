import { createHash, randomBytes } from "node:crypto";
import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";

import { alice, bob } from "../support/person";
import { expect, test } from "../support/story";

test.use({ relayOptions: { maxMessageSize: 200 * 1024 * 1024 } });
test.setTimeout(400_000);

test("a letter of 100 MB arrives where the relay takes it", async ({ meet, relay }) => {
  const file = join(relay.folder, "large.bin");
  const content = randomBytes(100_000_000);
  writeFileSync(file, content);
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject: "Large", text: "See the attachment." });
  await writer.composer.locator("input[type=file]").setInputFiles(file);
  await writer.composer.getByRole("button", { name: "Send", exact: true }).click();
  await expect(writer.page.getByRole("progressbar")).toBeVisible();
  await expect(writer.page.getByText("Message sent, sealed and signed")).toBeVisible({ timeout: 300_000 });

  await reader.row("Sealed. Open it to read.").click({ timeout: 60_000 });
  await expect(reader.letter).toContainText("Large", { timeout: 200_000 });
  await expect(reader.protection).toContainText("Confidential");
  const [download] = await Promise.all([reader.page.waitForEvent("download", { timeout: 120_000 }), reader.button("Download large.bin").click()]);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(await download.path())) hash.update(chunk as Buffer);
  expect(hash.digest("hex")).toBe(createHash("sha256").update(content).digest("hex"));
});

test("what is too large is said before anything is sealed", async ({ meet, relay }) => {
  const file = join(relay.folder, "larger.bin");
  writeFileSync(file, Buffer.alloc(115_000_000));
  const writer = await meet(alice);
  await writer.write({ to: [bob.address], subject: "Too large", text: "It does not fit." });
  await writer.composer.locator("input[type=file]").setInputFiles(file);
  await expect(writer.page.getByText("Attachments can be 110 MB in all.")).toBeVisible();
  await writer.findsItAccessible();
});
