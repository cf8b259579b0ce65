import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

// Larger than what a list opens by itself.
const text = "A line of a long letter.\r\n".repeat(10_000);

test("a letter that was left as soon as it was drawn counts as read, and the list knows its subject", async ({ meet, relay }) => {
  const reader = await meet(bob);
  send(relay.smtpPort, "outside@elsewhere.example", bob.address, `From: outside@elsewhere.example\r\nTo: ${bob.address}\r\nSubject: Briefly\r\nMessage-ID: <briefly@elsewhere.example>\r\n\r\n${text}`);
  await expect(reader.row("Unread.")).toBeVisible({ timeout: 30_000 });
  await reader.page.evaluate(() => {
    const leave = new MutationObserver(() => {
      if (document.querySelector("article.letter") === null) return;
      leave.disconnect();
      document.querySelector<HTMLElement>("nav a")?.click();
    });
    leave.observe(document.body, { childList: true, subtree: true });
  });
  await reader.row("Unread.").click();
  await expect(reader.row("Briefly")).toBeVisible();
  await expect(reader.row("Unread.")).toHaveCount(0);
  await expect(reader.letter).toHaveCount(0);
});
