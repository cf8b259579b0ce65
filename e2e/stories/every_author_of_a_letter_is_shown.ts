import { Names } from "../support/names";
import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test as base } from "../support/story";

const strict = "bank.example";

const test = base.extend<{ names: Names }>({
  names: async ({}, use) => {
    const names = await Names.start([`${strict}. TXT "v=spf1 -all"`, `_dmarc.${strict}. TXT "v=DMARC1; p=reject"`]);
    await use(names);
    names.stop();
  },
  relayOptions: async ({ names }, use) => use({ nameServer: names.address }),
});

function letter(from: string, subject: string): string {
  return `${from}\r\nTo: ${bob.address}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@other.example>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n\r\nRead ${subject}.\r\n`;
}

test("every author of a letter is shown, and that nothing proves which of them wrote it", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const told = reader.letter.getByRole("note");
  const arrive = (from: string, subject: string): string =>
    send(relay.smtpPort, "mallory@other.example", bob.address, letter(from, subject), "203.0.113.66");

  // A domain that asks to refuse what is not its own is heard beside others, too.
  expect(() => arrive(`From: "Your Bank" <service@${strict}>, <mallory@other.example>`, "Refused")).toThrow(/550 5\.7\.1/);
  arrive('From: "Your Bank" <service@lenient.example>, <mallory@other.example>', "Twofold");
  await reader.open("Twofold");
  for (const who of ["Your Bank", "service@lenient.example", "mallory@other.example"]) {
    await expect(reader.letter.getByText(who, { exact: true })).toBeVisible();
  }
  await expect(told).toHaveText("This message names several authors. Nothing proves which of them it is from.");
  await reader.findsItAccessible();

  arrive("From: Mallory <mallory@other.example>", "Single");
  await reader.open("Single");
  await expect(reader.letter.getByText("mallory@other.example", { exact: true })).toBeVisible();
  await expect(told).toHaveCount(1);
  await expect(told).toHaveText("\u2068other.example\u2069 does not tell which mail in its name is genuine.");

  const others = Array.from({ length: 30 }, (_, at) => `author${at}@other.example`);
  arrive(`From: ${others.join(",\r\n ")}`, "Many");
  await reader.open("Many");
  await expect(reader.letter.getByText("author19@other.example")).toBeVisible();
  await expect(reader.letter.getByText("author20@other.example")).toHaveCount(0);
  await reader.button("Show 10 more").click();
  await expect(reader.letter.getByText("author29@other.example")).toBeVisible();
  await reader.findsItAccessible();
});
