import { directoryCertificate } from "../support/directory";
import { Outsider } from "../support/outsider";
import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
test.use({ relayOptions: { trustAnchors: [carol.authority] } });

const headers = (subject: string) => ({
  from: `Carol Outside <${carol.address}>`,
  to: bob.address,
  subject,
  messageId: `${subject.replace(/\W/g, "")}.${Date.now()}@outside.example`,
});

test("a flipped byte in a signed letter takes its seal away", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const entity = 'Content-Type: text/plain; charset="utf-8"\n\nPay 100 to Bob.\n';
  const intact = carol.signClear(entity, headers("Intact payment"));
  const changed = Buffer.from(carol.signClear(entity, headers("Changed payment")).toString("latin1").replace("Pay 100", "Pay 900"), "latin1");
  send(relay.smtpPort, carol.address, bob.address, intact);
  send(relay.smtpPort, carol.address, bob.address, changed);

  await reader.open("Intact payment");
  await expect(reader.protection).toContainText("Signed by \u2068Carol Outside\u2069");

  await reader.open("Changed payment");
  await expect(reader.body.getByText("Pay 900")).toBeVisible();
  await expect(reader.protection).toContainText("Not protected");
  await expect(reader.protection).not.toContainText("Signed by \u2068Carol Outside\u2069");
  await reader.findsItAccessible();
});

test("a flipped byte in an encrypted letter shows nothing of it", async ({ meet, secret, relay }) => {
  const [subject, text] = [secret(), secret()];
  const reader = await meet(bob);
  const recipient = carol.keep("bob.pem", await directoryCertificate(reader, bob.address));
  const entity = `From: Carol Outside <${carol.address}>\nTo: ${bob.address}\nSubject: ${subject}\nContent-Type: text/plain; charset="utf-8"; hp="cipher"\n\n${text}\n`;
  const sealed = carol.encrypt(carol.signOpaque(entity), recipient, headers("[...]")).toString("latin1");
  // The last base64 line with a full set of characters is ciphertext.
  const lines = sealed.split("\n");
  const index = lines.findLastIndex((line) => /^[A-Za-z0-9+/]{64}\r?$/.test(line));
  const line = lines[index] as string;
  lines[index] = (line[10] === "A" ? "B" : "A").padStart(11, line.slice(0, 10)) + line.slice(11);
  send(relay.smtpPort, carol.address, bob.address, lines.join("\n"));

  await reader.goTo("Inbox");
  await reader.page.getByRole("region", { name: "Messages" }).getByRole("link").first().click();
  await expect(reader.page.getByText("damaged or changed on its way")).toBeVisible();
  await expect(reader.page.getByText(text)).toHaveCount(0);
  await expect(reader.page.getByText(subject)).toHaveCount(0);
  await reader.findsItAccessible();
});
