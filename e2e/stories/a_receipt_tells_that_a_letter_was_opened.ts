import { alice, bob, registry } from "../support/person";
import { expect, test } from "../support/story";

test("a receipt tells that a letter was opened", async ({ meet, secret }) => {
  const subject = secret();
  const writer = await meet(alice);
  const reader = await meet(bob);

  await writer.write({ to: [bob.address], subject, text: "Please confirm." });
  await writer.button("Ask for receipt").click();
  await expect(writer.button("Ask for receipt")).toHaveAttribute("aria-pressed", "true");
  await writer.findsItAccessible();
  await writer.send();

  await writer.goTo("Sent");
  await writer.open(subject);
  await expect(writer.page.getByText("You asked for a receipt. None has come yet.")).toBeVisible();
  await writer.goTo("Inbox");

  // Nothing is sent before the reader says so.
  await reader.open(subject);
  await expect(reader.page.getByText(`It would go to ${alice.address}`)).toBeVisible();
  await reader.findsItAccessible();
  await expect(writer.row(`Receipt: ${subject}`)).toHaveCount(0);
  await reader.button("Send receipt").click();
  await expect(reader.page.getByText("You sent a signed receipt for this letter.")).toBeVisible();

  await writer.open(`Receipt: ${subject}`);
  await expect(writer.protection).toContainText("Confidential");
  await expect(writer.letter.getByRole("heading", { name: /^Opened by .Bob Chen.* on / })).toBeVisible();
  await writer.findsItAccessible();
  await writer.letter.getByRole("link", { name: subject }).click();
  await expect(writer.page.getByText(/^Opened by .Bob Chen.* on /)).toBeVisible();
  await expect(writer.body.getByText("Please confirm.")).toBeVisible();

  // It is asked once, whatever becomes of the page.
  await reader.page.reload();
  await expect(reader.page.getByText("You sent a signed receipt for this letter.")).toBeVisible();
  await expect(reader.button("Send receipt")).toHaveCount(0);
});

test("a reader who sends no receipt is not asked again, and a draft remembers the wish", async ({ meet, secret }) => {
  const subject = secret();
  const writer = await meet(alice);
  const reader = await meet(bob);

  await writer.write({ to: [bob.address], subject, text: "Please confirm." });
  await writer.button("Ask for receipt").click();
  await expect(writer.page.getByText("Draft saved, sealed")).toBeVisible();
  await writer.composer.getByRole("button", { name: "Close" }).click();
  await writer.goTo("Drafts");
  await writer.row(subject).click();
  await expect(writer.button("Ask for receipt")).toHaveAttribute("aria-pressed", "true");
  await writer.send();

  await reader.open(subject);
  await reader.button("Don’t send").click();
  await expect(reader.page.getByText("You sent no receipt for this letter.")).toBeVisible();
  await reader.page.reload();
  await expect(reader.page.getByText("You sent no receipt for this letter.")).toBeVisible();
});

test("a hidden reader sends a receipt too, and only the sender hears of it", async ({ meet, secret }) => {
  const subject = secret();
  const writer = await meet(alice);
  const office = await meet(registry);
  const reader = await meet(bob);

  await writer.write({ to: [registry.address], subject, text: "Please confirm." });
  await writer.button("Add Bcc").click();
  await writer.composer.getByRole("combobox", { name: "Bcc" }).fill(bob.address);
  await writer.page.keyboard.press("Enter");
  await writer.button("Ask for receipt").click();
  await writer.send();

  for (const someone of [office, reader]) {
    await someone.open(subject);
    // One's own and the writer's, as in a letter without hidden readers: the count does not tell of them.
    await someone.protection.locator("summary").first().press("Enter");
    await someone.protection.getByText("Technical details").press("Enter");
    await expect(someone.protection.getByText(/^Encrypted with AES-256-GCM to 2 keys/)).toBeVisible();
    await someone.button("Send receipt").click();
    await expect(someone.page.getByText("You sent a signed receipt for this letter.")).toBeVisible();
    await expect(someone.row(`Receipt: ${subject}`)).toHaveCount(0);
  }
  await expect(writer.page.getByRole("listitem").getByRole("link", { name: new RegExp(`Receipt: ${subject}`) })).toHaveCount(2);
  await writer.goTo("Sent");
  await writer.open(subject);
  await expect(writer.letter).toContainText(bob.address);
  const told = writer.page.getByText(/^Opened by/);
  await expect(told).toContainText("Opened by \u2068Bob Chen");
  await expect(told).toContainText("Opened by \u2068Civil Registry");
});

test("whoever has a letter open twice sends one receipt", async ({ meet, secret }) => {
  const subject = secret();
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject, text: "Please confirm." });
  await writer.button("Ask for receipt").click();
  await writer.send();

  await reader.open(subject);
  const again = await reader.context.newPage();
  await again.goto(reader.page.url());
  const late = await reader.context.newPage();
  await late.goto(reader.page.url());
  const pages = [reader.page, again, late];
  for (const page of pages) await expect(page.getByRole("button", { name: "Send receipt" })).toBeVisible({ timeout: 60_000 });
  await Promise.all([reader.page, again].map((page) => page.getByRole("button", { name: "Send receipt" }).click()));
  for (const page of [reader.page, again]) await expect(page.getByText("You sent a signed receipt for this letter.")).toBeVisible();
  // What was decided first stands.
  await late.getByRole("button", { name: "Don’t send" }).click();
  await expect(late.getByText("You sent a signed receipt for this letter.")).toBeVisible();

  const receipts = writer.page.getByRole("listitem").getByRole("link", { name: new RegExp(`Receipt: ${subject}`) });
  await expect(receipts).toHaveCount(1);
  await writer.write({ to: [alice.address], subject: "Afterwards", text: "Whatever was sent before has come." });
  await writer.send();
  await expect(writer.row("Afterwards")).toBeVisible();
  await expect(receipts).toHaveCount(1);
});

test("what was sent counts, whatever is decided in another window at the same moment", async ({ meet, secret }) => {
  const writer = await meet(alice);
  const reader = await meet(bob);
  for (const givenFirst of [true, false]) {
    const subject = secret();
    await writer.write({ to: [bob.address], subject, text: "Please confirm." });
    await writer.button("Ask for receipt").click();
    await writer.send();

    await reader.open(subject);
    const other = await reader.context.newPage();
    await other.goto(reader.page.url());
    const given = reader.page.getByText("You sent a signed receipt for this letter.");
    const declined = other.getByText("You sent no receipt for this letter.");
    const [give, decline] = [reader.button("Send receipt"), other.getByRole("button", { name: "Don’t send" })];
    // Both are under way before either is noted: of the one the note is held back until the other has its own.
    const [late, lateClick, click, noted] = givenFirst ? [other, decline, give, given] : [reader.page, give, decline, declined];
    let hold: () => void;
    const held = new Promise<void>((resolve) => (hold = resolve));
    await late.route("**/jmap/api", async (route) => {
      if (route.request().postData()?.includes("keywords/$mdnsent")) {
        hold();
        await noted.waitFor({ timeout: 60_000 });
      }
      await route.continue();
    });
    await lateClick.click({ timeout: 60_000 });
    await held;
    await click.click({ timeout: 60_000 });
    await expect(given).toBeVisible();
    await other.reload();
    await expect(other.getByText("You sent a signed receipt for this letter.")).toBeVisible({ timeout: 60_000 });
    await expect(writer.row(`Receipt: ${subject}`)).toBeVisible();
    await late.unrouteAll({ behavior: "wait" });
    await other.close();
  }
});
