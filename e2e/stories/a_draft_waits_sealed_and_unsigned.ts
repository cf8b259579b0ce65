import { alice, bob } from "../support/person";
import { expect, test } from "../support/story";

test("a draft waits, outlives a reload, and is gone once sent", async ({ meet, secret }) => {
  const [subject, first, second] = [secret(), secret(), secret()];
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject, text: first });
  await expect(writer.page.getByText("Draft saved, sealed")).toBeVisible();
  await writer.page.reload();
  await writer.seesMailbox();

  await writer.page.goto(new URL("/mail/drafts", writer.url).href);
  await writer.row(subject).click();
  const text = writer.composer.getByRole("textbox", { name: "Message", exact: true });
  await expect(text).toHaveValue(new RegExp(first));
  await text.fill(`${first} ${second}`);
  await writer.send();

  await reader.open(subject);
  await expect(reader.body.getByText(second)).toBeVisible();
  await expect(reader.protection).toContainText("Confidential");
  await writer.goTo("Drafts");
  await expect(writer.row(subject)).toHaveCount(0);
});
