import { test } from "../support/outside";
import { bob } from "../support/person";
import { expect } from "../support/story";

const dan = "dan@plain.example";

test("nothing is sent in clear unless it is confirmed", async ({ meet, secret, postfix }) => {
  const [subject, text] = [secret(), secret()];
  const writer = await meet(bob);
  await writer.write({ to: [dan], subject, text });
  await expect(writer.composer.getByText("Cannot be sealed for everyone")).toBeVisible();

  await writer.button("Send").click();
  const warning = writer.page.getByRole("alertdialog").or(writer.page.getByRole("dialog")).filter({ hasText: "cannot receive sealed mail" });
  await expect(warning).toBeVisible();
  await writer.findsItAccessible();
  await warning.getByRole("button", { name: "Cancel" }).click();
  await writer.page.waitForTimeout(2000);
  expect(postfix.mail("dan")).toEqual([]);

  await writer.button("Send").click();
  await warning.getByRole("checkbox").check();
  await warning.getByRole("button", { name: "Send unsealed" }).click();
  await expect(writer.page.getByText("Message sent unsealed")).toBeVisible({ timeout: 60_000 });
  const [received] = (await postfix.received("dan", 1)) as [Buffer];
  expect(received.toString()).toContain(`Subject: ${subject}`);
  expect(received.toString()).toContain("multipart/signed");

  await writer.goTo("Sent");
  await expect(writer.row(subject)).toBeVisible();
});
