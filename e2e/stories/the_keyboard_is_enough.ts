import { alice, bob } from "../support/person";
import { expect, test } from "../support/story";

test("the keyboard is enough to read and to answer", async ({ meet, secret }) => {
  const [subject, answer] = [secret(), secret()];
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject, text: "Please answer." });
  await writer.send();

  const { keyboard } = reader.page;
  await expect(reader.row(subject)).toBeVisible({ timeout: 30_000 });
  await keyboard.press("j");
  await keyboard.press("Enter");
  await expect(reader.protection).toContainText("Confidential");
  await keyboard.press("r");
  await expect(reader.composer).toBeVisible();
  await expect(reader.page.locator(":focus")).toHaveAccessibleName(/Message/);
  await keyboard.type(answer);
  await keyboard.press("Control+Enter");
  await expect(reader.page.getByText("Message sent, sealed and signed")).toBeVisible({ timeout: 60_000 });
  await writer.open(`Re: ${subject}`);
  await expect(writer.body.getByText(answer)).toBeVisible();
});
