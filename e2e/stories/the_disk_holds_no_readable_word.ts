import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { canary, chineseCanary, disguises, search, sizeOf } from "../support/canary";
import { alice, bob } from "../support/person";
import { scratch } from "../support/scratch";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

test("the search finds a planted word in every disguise", () => {
  for (const word of [canary(), chineseCanary()]) {
    for (const [disguise, bytes] of disguises(word)) {
      const folder = scratch("planted");
      writeFileSync(join(folder, "page.db"), Buffer.concat([Buffer.alloc(5000, 0xa5), bytes, Buffer.alloc(5000, 0x5a)]));
      const found = search([folder], [word]).map((finding) => finding.disguise);
      expect(found, `${word} as ${disguise}`).toContain(disguise);
    }
    const folder = scratch("planted");
    const lines = Buffer.from(`some words before ${word} and some after it`.repeat(20)).toString("base64").match(/.{1,76}/g) ?? [];
    writeFileSync(join(folder, "mail.eml"), lines.join("\r\n"));
    expect(search([folder], [word]), "also across the lines of a base64 body").not.toEqual([]);
  }
});

test("the disk of the relay holds no readable word of letters, drafts and attachments", async ({ meet, relay }) => {
  const words = Array.from({ length: 9 }, canary);
  const [subject, text, fileName, fileText, draftSubject, draftText, clearSubject, clearText, answer] = words as [string, string, string, string, string, string, string, string, string];
  const chinese = chineseCanary();
  const writer = await meet(alice);
  const reader = await meet(bob);

  await writer.write({
    to: [bob.address],
    subject: `${subject} ${chinese}`,
    text: `${text} ${chinese}`,
    files: [{ name: `${fileName} ${chinese}.txt`, mimeType: "text/plain", buffer: Buffer.from(`${fileText} ${chinese}`) }],
  });
  await writer.send();
  await reader.open(subject);
  await expect(reader.body.getByText(text)).toBeVisible();
  await reader.button("Reply").click();
  await reader.fill({ text: answer });
  await reader.send();

  await writer.write({ to: [bob.address], subject: draftSubject, text: draftText });
  await expect(writer.page.getByText("Draft saved, sealed")).toBeVisible();
  send(relay.smtpPort, "erin@elsewhere.example", bob.address, `From: erin@elsewhere.example\r\nTo: ${bob.address}\r\nSubject: ${clearSubject}\r\n\r\n${clearText}\r\n`);
  await reader.open(clearSubject);
  await expect(reader.body.getByText(clearText)).toBeVisible();
  await expect(reader.row(clearSubject)).toBeVisible();

  // As it lies while the relay runs, after a power cut, and after an orderly end.
  const look = (when: string) => expect(search([relay.folder], [...words, chinese]), when).toEqual([]);
  look("while it runs");
  await relay.kill();
  look("after SIGKILL");
  await relay.start();
  await relay.stop();
  look("after it has stopped");
  expect(sizeOf([relay.folder]), "there is something to search").toBeGreaterThan(20_000);

  writeFileSync(join(relay.data, "planted"), Buffer.from(draftText, "utf16le"));
  expect(search([relay.folder], words), "and a planted word is found there").toHaveLength(1);
  await relay.start();
});
