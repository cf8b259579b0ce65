import { alice, bob } from "../support/person";
import { expect, test } from "../support/story";

test("a letter between citizens is sealed and answered", async ({ meet, secret, relay }) => {
  const [subject, text, answer, fileName, fileText] = [secret(), secret(), secret(), secret(), secret()];
  const wire: string[] = [];
  const writer = await meet(alice);
  const reader = await meet(bob);
  for (const person of [writer, reader]) {
    person.page.context().on("request", (request) => wire.push(`${request.url()} ${request.postDataBuffer()?.toString("latin1") ?? ""}`));
  }

  await writer.write({
    to: [bob.address],
    subject: `About ${subject}`,
    text: `Dear Bob, ${text}`,
    files: [{ name: `${fileName}.txt`, mimeType: "text/plain", buffer: Buffer.from(fileText) }],
  });
  await writer.findsItAccessible();
  await writer.send();

  // It arrives by push: nobody reloads.
  await reader.open(`About ${subject}`);
  await expect(reader.protection).toContainText("Confidential");
  await expect(reader.protection).toContainText("Signed by \u2068Alice Lin");
  await expect(reader.body.getByText(text)).toBeVisible();
  await reader.findsItAccessible();

  const [download] = await Promise.all([
    reader.page.waitForEvent("download"),
    reader.page.getByRole("button", { name: `Download ${fileName}.txt` }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`${fileName}.txt`);
  expect(await text_of(download)).toBe(fileText);

  await reader.button("Reply").click();
  await reader.fill({ text: answer });
  await reader.send();
  await writer.open(`Re: About ${subject}`);
  await expect(writer.protection).toContainText("Confidential");
  await expect(writer.body.getByText(answer)).toBeVisible();

  await writer.goTo("Sent");
  await expect(writer.row(`About ${subject}`)).toBeVisible();

  const seen = wire.filter((line) => [subject, text, answer, fileName, fileText].some((word) => line.includes(word)));
  expect(seen, "no word of the letters may cross the wire").toEqual([]);
  expect(wire.some((line) => line.includes(relay.url)), "requests were watched").toBe(true);
});

async function text_of(download: import("@playwright/test").Download): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
