/** A browser that can be left alone: one that is watched over holds copies of what its pages send and receive. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type Browser, type LaunchOptions, type Locator, type Page, chromium } from "@playwright/test";

import { until } from "../support/process";
import { countHeld, processOf } from "./memory";

/** How long a page is left alone, in milliseconds: enough for all that it does meanwhile, on a slow machine, too. */
const alone = 20_000;

export class LoneBrowser {
  private readonly child: ChildProcess;
  private browser: Browser | undefined;

  /** Starts one that keeps its profile in this folder. */
  constructor(
    { executablePath, args }: LaunchOptions,
    private readonly profile: string,
  ) {
    const options = [...(args ?? []), "--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
    this.child = spawn(executablePath as string, options, { stdio: "ignore" });
  }

  /** Its page, watched over from now on. */
  async page(): Promise<Page> {
    const port = join(this.profile, "DevToolsActivePort");
    await until("the browser listens", () => existsSync(port) && readFileSync(port, "utf8").includes("\n"));
    this.browser ??= await chromium.connectOverCDP(`http://127.0.0.1:${readFileSync(port, "utf8").split("\n")[0]}`);
    return this.browser.contexts()[0]?.pages()[0] as Page;
  }

  /** The most bytes that the page's process held while nobody watched, beyond what it held before `prepare`. */
  async heldAfter(prepare: () => Promise<void>): Promise<number> {
    const most = countHeld(await processOf(await this.page()));
    await prepare();
    await this.browser?.close();
    this.browser = undefined;
    await new Promise((over) => setTimeout(over, alone));
    return most();
  }

  end(): void {
    this.child.kill();
  }
}

/** Clicks on something in a moment, when nobody watches any more. */
export function clickSoon(what: Locator): Promise<void> {
  return what.evaluate((element: HTMLElement) => void setTimeout(() => element.click(), 700));
}

/** Chooses a file of the disk, as the user would; Playwright would send it to a browser that it did not start. */
export async function choose(page: Page, file: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { result } = await session.send("Runtime.evaluate", { expression: "document.querySelector('input[type=file]')" });
  await session.send("DOM.setFileInputFiles", { files: [file], objectId: result.objectId as string });
}
