import { alice, bob, type Person } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const looks = [
  { language: "en", colorScheme: "light", width: 1280 },
  { language: "zh-Hans", colorScheme: "dark", width: 1280 },
  { language: "en", colorScheme: "dark", width: 390 },
  { language: "zh-Hans", colorScheme: "light", width: 390 },
] as const;

test("every main screen is accessible in both languages, light and dark, wide and narrow", async ({ meet, relay }) => {
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject: "Lease", text: "Agreed.", files: [{ name: "lease.txt", mimeType: "text/plain", buffer: Buffer.from("lease") }] });
  await writer.button("Ask for receipt").click();
  await writer.send();
  send(relay.smtpPort, "post@library.example", bob.address, `From: Library <post@library.example>\r\nTo: ${bob.address}\r\nSubject: Book\r\nMessage-ID: <1@library.example>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n\r\nIt waits.\r\n`);
  await expect(reader.row("Book")).toBeVisible();
  await reader.row("Lease").click();
  const letter = reader.page.url();

  for (const { language, colorScheme, width } of looks) {
    const page = reader.page;
    await page.evaluate((tag) => localStorage.setItem("language", tag), language);
    await page.setViewportSize({ width, height: 844 });
    await page.emulateMedia({ colorScheme });
    const screen = async (path: string, ready: string): Promise<Person> => {
      await page.goto(new URL(path, relay.url).href);
      await expect(page.locator(ready).first()).toBeVisible({ timeout: 30_000 });
      await expect(page.locator("html")).toHaveAttribute("lang", language);
      return reader;
    };
    await (await screen("/mail/inbox", "a.row")).findsItAccessible();
    await screen(letter, "article");
    await page.locator(".protection summary").first().click();
    await page.locator(".technical summary").click();
    await reader.findsItAccessible();
    await (await screen("/mail/inbox?write=new", "form.writing")).findsItAccessible();
    await page.locator("#to").fill("dora@elsewhere.example,not one,");
    await page.keyboard.press("Enter");
    await expect(page.locator(".chip.open")).toBeVisible();
    await reader.findsItAccessible();
    await page.locator(".chip.wrong .remove").click();
    await page.locator("form.writing button[type=submit]").click();
    await expect(page.locator("dialog[open]")).toBeVisible();
    await reader.findsItAccessible();
    await page.keyboard.press("Escape");
    await (await screen("/settings", "main h2")).findsItAccessible();
    await (await screen("/mail/inbox/nothing", "[role=alert]")).findsItAccessible();
    await (await screen("/nowhere", "main .empty")).findsItAccessible();
  }
});
