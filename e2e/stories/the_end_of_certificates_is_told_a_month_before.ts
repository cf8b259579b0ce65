import { alice } from "../support/person";
import { expect, test } from "../support/story";

const soon = /^Your certificates are good until \d+ \w+ \d{4}/;
const past = /^Your certificates ended on \d+ \w+ \d{4}/;
const day = 24 * 3600 * 1000;

test.describe("certificates that end within ten days", () => {
  // They are for three years, by the clock of the relay.
  test.use({ relayOptions: { daysBehind: 3 * 365 - 10 } });

  test("the end of certificates is told a month before, each day until it is put away", async ({ meet }) => {
    const owner = await meet(alice);
    const told = owner.page.getByRole("status").filter({ hasText: soon });
    await expect(told).toBeVisible();
    await owner.findsItAccessible();
    await owner.button("Remind me tomorrow").click();
    await expect(told).toHaveCount(0);
    await owner.page.reload();
    await owner.seesMailbox();
    await expect(told).toHaveCount(0);
    // The next day, in a page that stays open until they have ended.
    await owner.page.clock.install({ time: Date.now() + day });
    await owner.page.reload();
    await owner.seesMailbox();
    await expect(told).toBeVisible();
    await owner.page.clock.fastForward(20 * day);
    await expect(owner.page.getByRole("status").filter({ hasText: past })).toBeVisible();
  });
});

test("nothing is told of certificates that last", async ({ meet }) => {
  const owner = await meet(alice);
  await expect(owner.page.getByText(/^Your certificates/)).toHaveCount(0);
});
