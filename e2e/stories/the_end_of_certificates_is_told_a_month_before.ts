import { alice, bob, Person } from "../support/person";
import { expect, test } from "../support/story";

const soon = /^Your certificates are good until \d+ \w+ \d{4}/;
const past = /^Your certificates ended on \d+ \w+ \d{4}/;
const day = 24 * 3600 * 1000;
const noon = () => new Date().setHours(12, 0, 0, 0);

test.describe("certificates that end within ten days", () => {
  // They are for three years, by the clock of the relay.
  test.use({ relayOptions: { daysBehind: 3 * 365 - 10 } });

  test("the end of certificates is told a month before, each day until it is put away", async ({ meet }) => {
    const owner = await meet(alice);
    const told = owner.page.getByRole("status").filter({ hasText: soon });
    // Its day does not end before the story does.
    await owner.page.clock.install({ time: noon() });
    await owner.comesBack();
    await expect(told).toBeVisible();
    await owner.findsItAccessible();
    await owner.button("Remind me tomorrow").click();
    await expect(told).toHaveCount(0);
    await owner.page.reload();
    await owner.seesMailbox();
    await expect(told).toHaveCount(0);
    // The next day, in a page that stays open until they have ended.
    await owner.page.clock.fastForward(day);
    await owner.page.reload();
    await owner.seesMailbox();
    await expect(told).toBeVisible();
    await owner.page.clock.fastForward(20 * day);
    await expect(owner.page.getByRole("status").filter({ hasText: past })).toBeVisible();
  });

  test("who puts the end of certificates away does so for nobody else who uses the browser", async ({ meet, relay }) => {
    const owner = await meet(alice);
    await owner.page.clock.install({ time: noon() });
    const told = owner.page.getByRole("status").filter({ hasText: soon });
    const another = new Person(bob, owner.page, relay.url);
    for (const person of [owner, another]) {
      await (person === owner ? owner.comesBack() : person.signIn());
      await expect(told).toBeVisible();
      await person.button("Remind me tomorrow").click();
      await expect(told).toHaveCount(0);
      await person.button("Sign out").click();
    }
    await owner.signIn();
    await expect(told).toHaveCount(0);
  });
});

test("nothing is told of certificates that last", async ({ meet }) => {
  const owner = await meet(alice);
  await expect(owner.page.getByText(/^Your certificates/)).toHaveCount(0);
});
