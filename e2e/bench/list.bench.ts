/** How long it takes until the list with 1000 messages can be read, cold and warm. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Page, test } from "@playwright/test";

import { Person, bob } from "../support/person";
import { Relay } from "../support/relay";
import { Session } from "../support/smtp";
import { median, p95, report } from "./figures";

const messages = 1000;
const rounds = 9;
test.setTimeout(600_000);

test("list", async ({ playwright }, info) => {
  const relay = await Relay.start();
  const profile = mkdtempSync(join(tmpdir(), "sealpost-bench-"));
  const browser = async () => {
    const context = await playwright.chromium.launchPersistentContext(profile, { ...info.project.use.launchOptions, locale: "en-GB" });
    await context.addInitScript(watch);
    const page = context.pages()[0] ?? (await context.newPage());
    return { context, page };
  };
  try {
    const first = await browser();
    const reader = new Person(bob, first.page, relay.url);
    await reader.signIn();
    await deliver(relay);
    // Whatever a browser keeps of its mail, it has kept after this.
    await first.page.reload();
    await shown(first.page);
    await first.page.waitForTimeout(5000);
    await first.context.close();

    const [cold, warm]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      const { context, page } = await browser();
      const network = await context.newCDPSession(page);
      await network.send("Network.clearBrowserCache");
      await page.goto(relay.url);
      cold.push(await shown(page));
      await page.reload();
      warm.push(await shown(page));
      await context.close();
    }
    report([
      { what: "cold: new browser, empty cache", value: median(cold), unit: "ms", beside: `p95 ${p95(cold).toFixed(0)} ms, ${rounds} rounds` },
      { what: "warm: reload", value: median(warm), unit: "ms", beside: `p95 ${p95(warm).toFixed(0)} ms, ${rounds} rounds` },
    ]);
  } finally {
    await relay.remove();
    rmSync(profile, { recursive: true, force: true });
  }
});

/** Notes when a whole screen of subjects has been painted. */
function watch(): void {
  const look = () => {
    const subjects = document.body?.innerText.match(/Letter \d+ of many/g)?.length ?? 0;
    if (subjects < 8) return void requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => Object.assign(window, { listShown: performance.now() })));
  };
  look();
}

async function shown(page: Page): Promise<number> {
  const handle = await page.waitForFunction(() => (window as never as { listShown?: number }).listShown, null, { timeout: 60_000 });
  return (await handle.jsonValue()) as number;
}

async function deliver(relay: Relay): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: 4 }, () => Session.open(relay.smtpPort)));
  let next = 0;
  const work = sessions.map(async (session) => {
    while (next < messages) {
      const number = (next += 1);
      const text = `From: Sender ${number % 40} <sender${number % 40}@elsewhere.example>\r\nTo: ${bob.address}\r\nMessage-ID: <${number}@elsewhere.example>\r\nDate: Thu, 26 Nov 2026 04:00:00 +0000\r\nSubject: Letter ${number} of many\r\n\r\n${"Some words of this letter. ".repeat(40)}`;
      if (!(await session.deliver("sender@elsewhere.example", bob.address, text))) throw new Error(`letter ${number} was refused`);
    }
    session.close();
  });
  await Promise.all(work);
}
