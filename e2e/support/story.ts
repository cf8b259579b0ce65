/** What every story has: a relay of its own, people with browsers, and checks at its end. */
import { type Browser, test as base, expect } from "@playwright/test";

import { canary, search } from "./canary";
import { Guard } from "./guard";
import { type Account, Person } from "./person";
import { Relay, type RelayOptions } from "./relay";

interface Fixtures {
  /** Set by `test.use` where a story needs them. */
  relayOptions: RelayOptions;
  relay: Relay;
  guard: Guard;
  /** Gives somebody a fresh browser profile and signs them in. */
  meet: (account: Account) => Promise<Person>;
  /** Makes a word that must not be readable on the relay's disk when the story ends. */
  secret: () => string;
}

export const test = base.extend<Fixtures>({
  relayOptions: [{}, { option: true }],

  relay: async ({ relayOptions }, use) => {
    const relay = await Relay.start(relayOptions);
    await use(relay);
    await relay.remove();
  },

  guard: async ({}, use) => {
    const guard = new Guard();
    await use(guard);
    guard.check();
  },

  meet: async ({ browser, relay, guard }, use) => {
    const people: Person[] = [];
    await use(async (account) => {
      const person = await newcomer(browser, relay, guard, account);
      await person.signIn();
      people.push(person);
      return person;
    });
    for (const person of people) if (!person.page.isClosed()) await person.findsItAccessible();
    for (const person of people) await person.context.close();
  },

  secret: async ({ relay }, use) => {
    const words: string[] = [];
    await use(() => {
      const word = canary();
      words.push(word);
      return word;
    });
    expect(search([relay.folder], words), "the relay's disk and output must not hold a readable word").toEqual([]);
  },
});

export { expect };

/** Somebody with a fresh browser profile who has not come to the page yet. */
export async function newcomer(browser: Browser, relay: Relay, guard: Guard, account: Account): Promise<Person> {
  const context = await browser.newContext();
  guard.watch(context, account.name);
  return new Person(account, await context.newPage(), relay.url);
}
