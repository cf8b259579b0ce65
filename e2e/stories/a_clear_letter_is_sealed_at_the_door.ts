import { alice, bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const from = "Erin Elsewhere <erin@elsewhere.example>";

function letter(subject: string, text: string, fileName: string, fileText: string, to: string): string {
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    "Date: Thu, 26 Nov 2026 04:00:00 +0000",
    `Message-ID: <${subject.length}.${Date.now()}@elsewhere.example>`,
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    'Content-Type: text/html; charset="utf-8"',
    "",
    `<p>Hello, <b>${text}</b></p><script>document.title = "script"</script><img src="http://127.0.0.1:9/pixel.png">`,
    "--b",
    `Content-Type: text/plain; name="${fileName}"`,
    `Content-Disposition: attachment; filename="${fileName}"`,
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(fileText).toString("base64"),
    "--b--",
    "",
  ].join("\r\n");
}

test("a clear letter is sealed at the door and shown as not protected by its sender", async ({ meet, secret, relay }) => {
  const [subject, text, fileName, fileText] = [secret(), secret(), secret(), secret()];
  const reader = await meet(bob);
  const asked: string[] = [];
  reader.context.on("request", (request) => asked.push(request.url()));
  send(relay.smtpPort, "erin@elsewhere.example", bob.address, letter(subject, text, `${fileName}.txt`, fileText, bob.address));

  await reader.open(subject);
  await expect(reader.body.getByText(text)).toBeVisible();
  await expect(reader.protection).toContainText("Not protected");
  await expect(reader.protection).toContainText("It arrived unsealed");
  await expect(reader.button(`Download ${fileName}.txt`)).toBeVisible();
  await reader.findsItAccessible();
  expect(asked.filter((url) => !url.startsWith(relay.url) && !/^(blob|data):/.test(url)), "nothing is fetched from elsewhere").toEqual([]);
});

test("a letter that came before the first sign-in opens after it", async ({ meet, secret, relay }) => {
  const [subject, text] = [secret(), secret()];
  send(relay.smtpPort, "erin@elsewhere.example", alice.address, letter(subject, text, "note.txt", "note", alice.address));

  const reader = await meet(alice);
  await reader.open(subject);
  await expect(reader.body.getByText(text)).toBeVisible();
  await expect(reader.protection).toContainText("Not protected");
});
