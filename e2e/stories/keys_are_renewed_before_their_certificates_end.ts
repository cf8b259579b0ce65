import { alice, bob } from "../support/person";
import { expect, newcomer, test } from "../support/story";

const notice = /^Your certificates are good until/;

// Certificates are for three years, by the clock of the relay: these end within ten days.
test.use({ relayOptions: { daysBehind: 3 * 365 - 10 } });

test("keys are renewed before their certificates end, and old letters open", async ({ meet, relay, secret }) => {
  const [before, after] = [secret(), secret()];
  const reader = await meet(alice);
  const writer = await meet(bob);
  await writer.write({ to: [alice.address], subject: before, text: before });
  await writer.send();
  await reader.open(before);
  await expect(reader.page.getByText(notice)).toBeVisible();

  await relay.startOnTime();
  for (const person of [reader, writer]) {
    await person.signIn();
    // What was renewed by a wrong clock would rest for a week.
    await person.forgets("renewed");
  }
  await expect(reader.page.getByText(notice)).toHaveCount(0);
  await writer.write({ to: [alice.address], subject: after, text: after });
  await writer.send();
  for (const subject of [before, after]) {
    await reader.open(subject);
    await expect(reader.body.getByText(subject)).toBeVisible();
    await expect(reader.protection).toContainText("Confidential");
  }
});

test("what is sealed to keys that another browser made opens where that was open meanwhile", async ({ browser, meet, guard, relay, secret }) => {
  const subject = secret();
  const first = await meet(alice);
  const writer = await meet(bob);
  await first.page.getByRole("link", { name: "Settings" }).click();
  await first.button("Make a recovery code").click();
  const code = await first.page.locator("output, code").first().innerText();
  await first.goTo("Inbox");

  // The other one finds that the certificates end soon.
  const second = await newcomer(browser, relay, guard, alice);
  await second.page.goto(relay.url);
  await second.enterPassword();
  await second.page.getByRole("textbox", { name: "Recovery code" }).fill(code);
  await second.button("Open my mailbox").click();
  await second.seesMailbox();

  await writer.write({ to: [alice.address], subject, text: subject });
  await writer.send();
  for (const reader of [first, second]) {
    await reader.open(subject);
    await expect(reader.body.getByText(subject)).toBeVisible();
    await expect(reader.protection).toContainText("Confidential");
  }
  await second.context.close();
});
