import { alice, bob } from "../support/person";
import { expect, test } from "../support/story";

test("technical details show how a letter is built", async ({ meet, secret }) => {
  const subject = secret();
  const writer = await meet(alice);
  const reader = await meet(bob);
  const files = [{ name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("a plan") }];
  await writer.write({ to: [bob.address], subject, text: "See the plan.", files });
  await writer.send();

  await reader.open(subject);
  // By the keyboard alone.
  await reader.protection.locator("summary").first().press("Enter");
  await reader.protection.getByText("Technical details").press("Enter");
  const layer = (text: RegExp) => reader.protection.getByRole("listitem").filter({ has: reader.page.getByText(text) });
  // The reader's and the writer's, who keeps the same message in Sent.
  await expect(layer(/^Encrypted with AES-256-GCM to 2 keys/).first()).toBeVisible();
  await expect(layer(/^Signed, readable without S\/MIME/).first()).toContainText("P-256");
  await expect(layer(/^Signed, readable without S\/MIME/).first()).toContainText("timestamp of CN=Sealpost timestamp authority");
  await expect(layer(/^multipart\/mixed/).last().getByRole("listitem")).toHaveCount(2);
  await reader.findsItAccessible();
});
