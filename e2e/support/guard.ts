/** Nothing may go wrong unseen: errors on a page's or worker's console, uncaught ones, CSP violations. */
import { type BrowserContext, type ConsoleMessage, expect } from "@playwright/test";

/** Before sign-in the engine asks whether there is a session, and Chromium reports the answer "no". */
const expected = [/Failed to load resource: the server responded with a status of 401/];

export class Guard {
  private readonly complaints: string[] = [];
  private readonly tolerated: RegExp[] = [...expected];

  /** Watches every page of `context`, from its first script on. */
  watch(context: BrowserContext, who: string): void {
    context.on("console", (message: ConsoleMessage) => {
      if (["error", "warning", "assert"].includes(message.type())) this.note(`${who}: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => this.note(`${who}: uncaught ${error.error()}`));
  }

  /** For stories in which the network fails on purpose. */
  tolerate(pattern: RegExp): void {
    this.tolerated.push(pattern);
  }

  check(): void {
    expect(this.complaints, "nothing may be complained about on any console").toEqual([]);
  }

  private note(complaint: string): void {
    if (!this.tolerated.some((pattern) => pattern.test(complaint))) this.complaints.push(complaint);
  }
}
