import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const from = "mallory@elsewhere.example";

function letter(subject: string, mediaType: string, text: string): string {
  const fields = [`From: ${from}`, `To: ${bob.address}`, `Subject: ${subject}`, `Message-ID: <${subject.replaceAll(" ", ".")}@elsewhere.example>`];
  const type = [`Content-Type: ${mediaType}; charset="utf-8"`, "Content-Transfer-Encoding: base64", "MIME-Version: 1.0"];
  const lines = Buffer.from(text).toString("base64").match(/.{1,76}/g) ?? [];
  return [...fields, ...type, "", ...lines, ""].join("\r\n");
}

// Each stops a browser for half a minute or more if it is laid out as it stands.
const hostile = {
  "Boxes in boxes": ["text/html", `<p>Seen</p>${"<div style=\"display: flex; padding: 1%\">".repeat(18)}x`],
  "Both directions": ["text/plain", `Seen\n${"a\u{5d0}".repeat(300_000)}`],
  "Tones on hands": ["text/plain", `Seen\n${"\u{1f44d}\u{1f3fb}".repeat(20_000)}`],
  "Marks on marks": ["text/html", `<p>Seen</p><p>a${"\u{301}".repeat(150_000)}`],
} as const;

test("a letter that is made to stop the page does not", async ({ meet, relay }) => {
  const reader = await meet(bob);
  for (const [subject, [mediaType, text]] of Object.entries(hostile)) {
    send(relay.smtpPort, from, bob.address, letter(subject, mediaType, text));
    // A letter this large tells its subject only when it is opened.
    await reader.open("Unread.");
    await expect(reader.letter.getByRole("heading", { name: subject })).toBeVisible();
    await expect(reader.body.getByText("Seen")).toBeVisible();
    // So it does where the letter is passed on.
    await reader.button("Forward").click();
    await expect(reader.composer.getByLabel("Subject")).toHaveValue(`Fwd: ${subject}`);
    await reader.button("Discard draft").click();
    // The page answers: it goes back to the list and opens the letter again.
    await reader.goTo("Inbox");
    await expect(reader.row(subject)).toBeVisible();
  }
});

test("the last line of a long text can be read", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const lines = Array.from({ length: 20_000 }, (_, at) => `Line ${at + 1} of a long record.`);
  send(relay.smtpPort, from, bob.address, letter("A long record", "text/plain", `${lines.join("\n")}\nThe end.`));
  await reader.open("Unread.");
  await expect(reader.body.getByText("Line 1 of a long record.")).toBeInViewport();
  const end = reader.body.getByText("The end.");
  await expect(async () => {
    await end.scrollIntoViewIfNeeded();
    await expect(end).toBeInViewport({ timeout: 500 });
  }).toPass();
});

test("of many attachments some are drawn, and the others when they are asked for", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const part = (name: string): string => `--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\nx\r\n`;
  const parts = Array.from({ length: 250 }, (_, at) => part(`file${at}.txt`)).join("");
  const head = `From: ${from}\r\nTo: ${bob.address}\r\nSubject: Files\r\nMessage-ID: <files@elsewhere.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n`;
  send(relay.smtpPort, from, bob.address, `${head}${parts}--b--\r\n`);
  await reader.open("Files");
  const files = reader.letter.getByRole("button", { name: /^Download file/ });
  await expect(files).toHaveCount(200);
  await reader.letter.getByRole("button", { name: "Show 50 more" }).click();
  await expect(files).toHaveCount(250);
});
