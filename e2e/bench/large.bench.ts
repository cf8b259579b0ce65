/** Large letters through the program itself: how long they take, and how long the page stands still meanwhile. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Browser, type Page, expect, test } from "@playwright/test";

import { type Account, Person, alice, bob } from "../support/person";
import { Relay } from "../support/relay";
import { seenOfThread, watchThread } from "../support/watch";
import { LoneBrowser, choose, clickSoon } from "./alone";
import { type Figure, report } from "./figures";

const sizes = process.env.SEALPOST_QUICK ? [25] : [25, 100];
const maxMessageSize = 220 * 1024 * 1024;
test.setTimeout(1_200_000);

test("large", async ({ browser }) => {
  const folder = mkdtempSync(join(tmpdir(), "sealpost-bench-"));
  // Apart, for the trace takes memory, too.
  const figures = await held(folder);
  const relay = await Relay.start({ maxMessageSize });
  try {
    const writer = await come(browser, relay, alice);
    const reader = await come(browser, relay, bob);
    const through = async (size: number) => {
      await writer.write({ to: [bob.address], subject: `Letter of ${size} MB`, text: "See the attachment." });
      await writer.composer.locator("input[type=file]").setInputFiles(fileOf(size, folder));
      if (size === 25) figures.push(await cancelled(writer));
      figures.push(...(await timed(browser, writer.page, size, "seal and send", "Message sent, sealed and signed", () =>
        writer.composer.getByRole("button", { name: "Send", exact: true }).click(),
      )));
      await writer.page.locator(".toast", { hasText: "Message sent" }).getByRole("button", { name: "Dismiss" }).click();
      const row = reader.row("Sealed. Open it to read.");
      await expect(row).toBeVisible({ timeout: 60_000 });
      figures.push(...(await timed(browser, reader.page, size, "fetch and open", `${size}.bin`, () => row.click())));
    };
    for (const size of sizes) await through(size);
    report(figures);
  } finally {
    await relay.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** How long it takes, and what the page's thread did meanwhile. */
async function timed(browser: Browser, page: Page, size: number, name: string, text: string, action: () => Promise<void>): Promise<Figure[]> {
  await watchThread(browser, page);
  const shown = until(page, text);
  await action();
  const took = await shown;
  const tasks = await seenOfThread(browser);
  const longest = (by: "cpu" | "wall") => Math.max(0, ...tasks.map((task) => task[by]));
  const beside = `target 16; at one stretch the thread computed at most ${longest("cpu").toFixed(1)}, in the rest others had the processor`;
  const what = `${size} MB: ${name}`;
  return [
    { what, value: took, unit: "ms", beside: "" },
    { what: `${what}, page still at most`, value: longest("wall"), unit: "ms", beside, detail: { tasks } },
  ];
}

/** What page and engine hold while a letter is sent and while it is opened. */
async function held(folder: string): Promise<Figure[]> {
  const size = 25;
  const relay = await Relay.start({ maxMessageSize });
  const { launchOptions = {} } = test.info().project.use;
  const [writing, reading] = ["writer", "reader"].map((name) => new LoneBrowser(launchOptions, join(folder, name))) as [LoneBrowser, LoneBrowser];
  const person = async (account: Account, browser: LoneBrowser) => new Person(account, await browser.page(), relay.url);
  try {
    let writer = await person(alice, writing);
    let reader = await person(bob, reading);
    await writer.signIn();
    await reader.signIn();
    // Code that runs for the first time is compiled, which takes memory, too.
    await writer.write({ to: [bob.address], subject: "A first letter", text: "Hello." });
    await choose(writer.page, fileOf(0.3, folder));
    await writer.send();
    await reader.open("Sealed. Open it to read.");
    await writer.write({ to: [bob.address], subject: `Letter of ${size} MB`, text: "See the attachment." });
    const sending = await writing.heldAfter(async () => {
      await choose(writer.page, fileOf(size, folder));
      await clickSoon(writer.composer.getByRole("button", { name: "Send", exact: true }));
    });
    reader = await person(bob, reading);
    const row = reader.row("Sealed. Open it to read.");
    await expect(row).toBeVisible();
    const opening = await reading.heldAfter(() => clickSoon(row));
    reader = await person(bob, reading);
    await expect(reader.letter.getByText(`${size}.bin`)).toBeVisible();
    return [figure("seal and send", sending), figure("fetch and open", opening)];
  } finally {
    writing.end();
    reading.end();
    await relay.remove();
  }

  function figure(name: string, peak: number): Figure {
    // Lines of 57 bytes become 78 characters, once as a part and once as ciphertext.
    const letter = size * 1e6 * (78 / 57) ** 2;
    const beside = `${(peak / letter).toFixed(2)} x the letter, target 3${peak <= 3 * letter ? "" : ", missed"}`;
    return { what: `${size} MB: ${name}, most that the process held beyond its start`, value: peak / 1e6, unit: "MB", beside, detail: { peak, letter } };
  }
}

/** A file of so many MB: Playwright takes larger ones from the disk alone. */
function fileOf(size: number, folder: string): string {
  const file = join(folder, `${size}.bin`);
  writeFileSync(file, randomBytes(size * 1_000_000));
  return file;
}

/** How long it takes until the page shows a text. */
function until(page: Page, text: string): Promise<number> {
  return page.evaluate(
    (text) =>
      new Promise<number>((resolve) => {
        const begun = performance.now();
        const look = () => {
          if (!document.body.textContent?.includes(text)) return;
          watcher.disconnect();
          resolve(performance.now() - begun);
        };
        const watcher = new MutationObserver(look);
        watcher.observe(document.body, { childList: true, subtree: true, characterData: true });
      }),
    text,
  );
}

/** From the press on Cancel until the page says that nothing was sent. */
async function cancelled(writer: Person): Promise<Figure> {
  await writer.composer.getByRole("button", { name: "Send", exact: true }).click();
  await expect(writer.page.getByText("Signing and sealing")).toBeVisible({ timeout: 60_000 });
  const took = await writer.page.evaluate(async () => {
    const button = [...document.querySelectorAll<HTMLButtonElement>(".sending button")].at(-1);
    const pressed = performance.now();
    button?.click();
    while (document.querySelector(".sending")) await new Promise((turn) => setTimeout(turn));
    return performance.now() - pressed;
  });
  await expect(writer.page.getByText("Not sent. Your message is still here.")).toBeVisible();
  return { what: "25 MB: cancel while it is sealed", value: took, unit: "ms", beside: "target 100" };
}

async function come(browser: Browser, relay: Relay, account: Account): Promise<Person> {
  const context = await browser.newContext();
  const person = new Person(account, await context.newPage(), relay.url);
  await person.signIn();
  return person;
}
