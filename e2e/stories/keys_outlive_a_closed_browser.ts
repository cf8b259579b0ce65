import type { BrowserContext } from "@playwright/test";

import { alice, bob, Person } from "../support/person";
import { scratch } from "../support/scratch";
import { expect, newcomer, test } from "../support/story";

test("keys outlive a reload and a closed browser", async ({ meet, guard, relay, secret, playwright }, info) => {
  const [subject, text] = [secret(), secret()];
  const profile = scratch("profile");
  const launch = async (): Promise<BrowserContext> => {
    const options = { ...info.project.use.launchOptions, locale: "en-GB" };
    const context = await playwright.chromium.launchPersistentContext(profile, options);
    guard.watch(context, "Bob's own profile");
    return context;
  };
  const writer = await meet(alice);
  let context = await launch();
  let reader = new Person(bob, context.pages()[0] ?? (await context.newPage()), relay.url);
  await reader.signIn();
  await writer.write({ to: [bob.address], subject, text });
  await writer.send();
  await reader.open(subject);
  await expect(reader.body.getByText(text)).toBeVisible();

  await reader.page.reload();
  await expect(reader.body.getByText(text)).toBeVisible();

  await context.close();
  context = await launch();
  reader = new Person(bob, context.pages()[0] ?? (await context.newPage()), relay.url);
  await reader.page.goto(relay.url);
  // The session may or may not outlive the browser; the keys must.
  const signIn = reader.page.getByLabel("Password");
  await expect(signIn.or(reader.button("New message"))).toBeVisible();
  if (await signIn.isVisible()) await reader.enterPassword();
  await reader.seesMailbox();
  await reader.open(subject);
  await expect(reader.body.getByText(text)).toBeVisible();
  await context.close();
});

test("a browser without the keys says what to do, and a recovery code brings them", async ({ browser, meet, guard, relay, secret }) => {
  const [subject, text] = [secret(), secret()];
  const writer = await meet(bob);
  const first = await meet(alice);
  await writer.write({ to: [alice.address], subject, text });
  await writer.send();
  await first.open(subject);
  await first.page.getByRole("link", { name: "Settings" }).click();
  await first.button("Make a recovery code").click();
  const shown = first.page.locator("output, code").first();
  await expect(shown).toBeVisible();
  const code = await shown.innerText();
  await first.findsItAccessible();

  const second = await newcomer(browser, relay, guard, alice);
  await second.page.goto(relay.url);
  await second.enterPassword();
  await expect(second.page.getByRole("heading", { name: "Your keys are in another browser" })).toBeVisible();
  await second.findsItAccessible();

  await second.page.getByRole("textbox", { name: "Recovery code" }).fill("WRONG-CODE");
  await second.button("Open my mailbox").click();
  await expect(second.page.getByText("This is not your recovery code")).toBeVisible();
  await second.page.getByRole("textbox", { name: "Recovery code" }).fill(code.toLowerCase().replaceAll("-", " "));
  await second.button("Open my mailbox").click();
  await second.seesMailbox();
  await second.open(subject);
  await expect(second.body.getByText(text)).toBeVisible();
  await expect(second.protection).toContainText("Confidential");
  await second.context.close();
});
