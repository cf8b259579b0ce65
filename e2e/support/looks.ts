/** The ways in which a screen is looked at, and what is done with each: it is checked, and perhaps photographed. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { type Locator, expect } from "@playwright/test";

import type { Person } from "./person";

interface Look {
  language: "en" | "zh-Hans";
  colorScheme: "light" | "dark";
  width: number;
}

/** Where the pictures go, if anywhere; then every look is taken. */
const pictures = process.env.SEALPOST_PICTURES;

const all: Look[] = ([1280, 390] as const).flatMap((width) =>
  (["light", "dark"] as const).flatMap((colorScheme) => (["en", "zh-Hans"] as const).map((language) => ({ language, colorScheme, width }))),
);

/** Each language, each theme and each width twice. */
export const looks: Look[] = pictures ? all : all.filter(({ language, colorScheme, width }) => (language === "en") === ((colorScheme === "light") === (width === 1280)));

/** Somebody who looks at screens in one way. */
export class Viewer {
  constructor(
    readonly person: Person,
    readonly look: Look,
  ) {}

  /** Takes on the look; a page that is open already has to be loaded again. */
  async begin(): Promise<void> {
    const { page } = this.person;
    await page.evaluate((tag) => localStorage.setItem("language", tag), this.look.language);
    await page.setViewportSize({ width: this.look.width, height: 844 });
    await page.emulateMedia({ colorScheme: this.look.colorScheme });
  }

  /** Goes somewhere and waits until it is there. */
  async visit(path: string, ready: string): Promise<void> {
    const { page } = this.person;
    await page.goto(new URL(path, this.person.url).href);
    await expect(page.locator(ready).first()).toBeVisible({ timeout: 30_000 });
    await expect(page.locator("html")).toHaveAttribute("lang", this.look.language);
  }

  async at(selector: string): Promise<Locator> {
    const found = this.person.page.locator(selector).first();
    await expect(found).toBeVisible({ timeout: 30_000 });
    return found;
  }

  async press(selector: string): Promise<void> {
    await (await this.at(selector)).click();
  }

  /** What is on screen now is a screen of its own. */
  async sees(name: string): Promise<void> {
    const { page } = this.person;
    await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((one) => one.effect?.getTiming().iterations === 1).map((one) => one.finished)));
    await this.person.findsItAccessible();
    if (!pictures) return;
    const { language, colorScheme, width } = this.look;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}-${language.slice(0, 2)}-${colorScheme}-${width}.png`) });
  }
}
