import { type Person, bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const from = "archive@elsewhere.example";
// More than is shown of a letter.
const lines = Array.from({ length: 45_000 }, (_, at) => `Line ${at + 1} of a record that goes on and on and on.`);
const record = `${lines.join("\n")}\nThe end.`;
const letter = `From: ${from}\nTo: ${bob.address}\nSubject: A record\nMessage-ID: <record@elsewhere.example>\n\n${record}\n`;

async function seesAll(writer: Person): Promise<void> {
  const text = writer.composer.getByRole("textbox", { name: "Message", exact: true });
  await expect(text).toBeVisible();
  expect((await text.inputValue()).includes(record), "the text of the composer holds the whole record").toBe(true);
}

test("a text longer than what is shown of a letter is passed on whole, and its draft stays whole", async ({ meet, relay }) => {
  const reader = await meet(bob);
  send(relay.smtpPort, from, bob.address, letter.replaceAll("\n", "\r\n"));
  await reader.open("Unread.");
  await expect(reader.letter.getByText("Here is its beginning.")).toBeVisible();
  await reader.button("Forward").click();
  await seesAll(reader);
  // Each time it is kept anew in place of what was kept before.
  for (const address of ["one@elsewhere.example", "two@elsewhere.example"]) {
    await reader.fill({ to: [address] });
    await expect(reader.page.getByText("Draft saved, sealed")).toBeVisible();
    await reader.page.goto(new URL("/mail/drafts", reader.url).href);
    await reader.row("Fwd: A record").click();
    await seesAll(reader);
  }
});
