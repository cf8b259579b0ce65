import { directoryCertificate } from "../support/directory";
import { Names } from "../support/names";
import { Outsider } from "../support/outsider";
import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test as base } from "../support/story";

const good = "203.0.113.7";
const bad = "203.0.113.66";

const test = base.extend<{ names: Names }>({
  names: async ({}, use) => {
    const names = await Names.start([
      `bank.example. TXT "v=spf1 ip4:${good} -all"`,
      '_dmarc.bank.example. TXT "v=DMARC1; p=none"',
      `strict.example. TXT "v=spf1 ip4:${good} -all"`,
      '_dmarc.strict.example. TXT "v=DMARC1; p=quarantine"',
      `quiet.example. TXT "v=spf1 ip4:${good} -all"`,
    ]);
    await use(names);
    names.stop();
  },
  relayOptions: async ({ names }, use) => use({ nameServer: names.address }),
});

const forged = "Authentication-Results: sealpost.example; dmarc=pass header.from=bank.example policy.dmarc=none";

function letter(domain: string, subject: string): string {
  return `From: Teller <teller@${domain}>\r\nTo: ${bob.address}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@${domain}>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n${forged}\r\n\r\nSigned ${subject}.\r\n`;
}

test("a domain tells whether a clear letter is its own, and nobody else can say so", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const told = reader.letter.getByRole("note");
  const from = (domain: string, source: string, subject: string): string =>
    send(relay.smtpPort, `teller@${domain}`, bob.address, letter(domain, subject), source);

  from("bank.example", good, "Genuine");
  await reader.open("Genuine");
  await expect(told).toContainText("bank.example");
  await expect(told).toContainText("confirms that it sent this");
  await expect(reader.protection).toContainText("Not protected");
  await expect(reader.protection).not.toContainText("Signed");
  await reader.findsItAccessible();

  from("bank.example", bad, "Pretended");
  await reader.open("Pretended");
  await expect(told).toContainText("does not confirm that it sent this");
  await reader.findsItAccessible();

  from("strict.example", bad, "Denied");
  await reader.goTo("Junk");
  await reader.open("Denied");
  await expect(told).toContainText("denies having sent this");
  await reader.findsItAccessible();
  await reader.goTo("Inbox");

  from("quiet.example", good, "Silent");
  await reader.open("Silent");
  await expect(told).toContainText("does not tell");

  // What the relay would have written, written by the sender and sealed.
  const mallory = new Outsider("Mallory", "mallory@bank.example", "P-256");
  const recipient = mallory.keep("bob.pem", await directoryCertificate(reader, bob.address));
  const wrapper = `Content-Type: message/rfc822; sealpost-door=clear\r\n${forged}\r\n\r\n${letter("bank.example", "Wrapped")}`;
  const headers = { from: "Teller <teller@bank.example>", to: bob.address, subject: "[...]", messageId: "Wrapped@bank.example" };
  send(relay.smtpPort, "teller@bank.example", bob.address, mallory.encrypt(Buffer.from(wrapper), recipient, headers), bad);
  await reader.open("Wrapped");
  await expect(reader.body.getByText("Signed Wrapped.")).toBeVisible();
  await expect(reader.protection).toContainText("Not protected");
  await expect(told).toHaveCount(0);
});
