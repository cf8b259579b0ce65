/** Somebody in front of a browser, who sees what is on the page and nothing else. */
import { AxeBuilder } from "@axe-core/playwright";
import { type BrowserContext, type FrameLocator, type Locator, type Page, expect } from "@playwright/test";

export interface Account {
  name: string;
  address: string;
}

export const alice: Account = { name: "Alice Lin", address: "alice@sealpost.example" };
export const bob: Account = { name: "Bob Chen", address: "bob@sealpost.example" };
export const registry: Account = { name: "Civil Registry", address: "registry@sealpost.example" };
export const password = "sealpost-demo";

export interface Letter {
  to?: string[];
  subject?: string;
  text?: string;
  files?: { name: string; mimeType: string; buffer: Buffer }[];
}

export class Person {
  constructor(
    readonly account: Account,
    readonly page: Page,
    readonly url: string,
  ) {}

  get context(): BrowserContext {
    return this.page.context();
  }

  /** Comes to the page and signs in; the first time the keys are made, with no question. */
  async signIn(): Promise<void> {
    await this.page.goto(this.url);
    await this.enterPassword();
    await this.seesMailbox();
  }

  async enterPassword(): Promise<void> {
    await this.page.getByLabel("Email address").fill(this.account.address);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async seesMailbox(): Promise<void> {
    await expect(this.button("New message")).toBeVisible({ timeout: 60_000 });
  }

  /** Loses a record of the engine's, as a browser that clears old data does, and comes back. */
  async forgets(record: string): Promise<void> {
    await this.comesBackWith(record);
  }

  /** Comes back after other values stand in a record of the engine's, or without the record. */
  async comesBackWith(record: string, values?: Record<string, unknown>): Promise<void> {
    await this.keeps(record, values);
    await this.comesBack();
  }

  /** Loads the page anew. */
  async comesBack(): Promise<void> {
    await this.page.reload();
    await this.seesMailbox();
  }

  /** Has other values in a record of the engine's, or none, from when the page is loaded anew. */
  async keeps(record: string, values?: Record<string, unknown>): Promise<void> {
    await this.page.evaluate(async ({ name, record, values }) => {
      const done = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const database = await done(indexedDB.open(name));
      const records = database.transaction("records", "readwrite").objectStore("records");
      if (values === undefined) await done(records.delete(record));
      else await done(records.put(JSON.stringify({ ...JSON.parse(await done(records.get(record))), ...values }), record));
      database.close();
    }, { name: `sealpost-${this.account.address}`, record, values });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  /** Goes to a mailbox by its name. */
  async goTo(mailbox: string): Promise<void> {
    await this.page.getByRole("navigation", { name: "Mailboxes" }).getByRole("link", { name: new RegExp(`^${mailbox}`) }).click();
  }

  /** The row of a letter in the list. */
  row(subject: string): Locator {
    return this.page.getByRole("listitem").getByRole("link", { name: new RegExp(escape(subject)) }).first();
  }

  /** Opens a letter from the list, once it is there, and waits until it can be read or cannot. */
  async open(subject: string): Promise<void> {
    await this.row(subject).click({ timeout: 30_000 });
    await expect(this.letter.or(this.unopened).first()).toBeVisible();
  }

  /** The open letter. */
  get letter(): Locator {
    return this.page.getByRole("article");
  }

  /** What is said in its place if it cannot be opened. */
  get unopened(): Locator {
    return this.page.getByRole("alert").filter({ hasText: "This message cannot be opened" });
  }

  /** The text of the open letter, which lives in a frame without scripts. */
  get body(): FrameLocator {
    return this.letter.frameLocator("iframe[title='Message text']");
  }

  /** What the program says about the protection of the open letter, outside of its content. */
  get protection(): Locator {
    return this.page.getByRole("region", { name: "Message protection" });
  }

  /** Begins a letter and fills it in. */
  async write(letter: Letter): Promise<void> {
    await this.button("New message").click();
    await this.fill(letter);
  }

  /** Fills in the fields of the composer that `letter` names. */
  async fill(letter: Letter): Promise<void> {
    for (const address of letter.to ?? []) {
      await this.composer.getByRole("combobox", { name: "To" }).fill(address);
      await this.page.keyboard.press("Enter");
    }
    if (letter.subject !== undefined) await this.composer.getByLabel("Subject").fill(letter.subject);
    if (letter.text !== undefined) await this.composer.getByRole("textbox", { name: "Message", exact: true }).fill(letter.text);
    if (letter.files) await this.composer.locator("input[type=file]").setInputFiles(letter.files);
  }

  get composer(): Locator {
    return this.page.getByRole("form").first();
  }

  /** Sends, and waits until it is sent. */
  async send(): Promise<void> {
    await this.composer.getByRole("button", { name: "Send", exact: true }).click();
    await expect(this.page.getByText("Message sent, sealed and signed")).toBeVisible({ timeout: 60_000 });
  }

  /** Checks what is on the page now against WCAG 2.2 A and AA. */
  async findsItAccessible(): Promise<void> {
    const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const result = await new AxeBuilder({ page: this.page }).withTags(rules).exclude("iframe").analyze();
    const violations = result.violations.map((violation) => `${violation.id}: ${violation.help} at ${violation.nodes.map((node) => node.target).join(", ")}`);
    expect(violations, "WCAG 2.2 AA").toEqual([]);
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
