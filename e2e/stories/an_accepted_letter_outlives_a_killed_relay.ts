import { call } from "../support/directory";
import { bob } from "../support/person";
import { Session } from "../support/smtp";
import { expect, test } from "../support/story";

const senders = 6;
const rounds = 3;

test("each letter that was answered with 250 is there after the relay was killed", async ({ meet, guard, relay }) => {
  // The browser loses its connection on purpose.
  guard.tolerate(/net::ERR_|Failed to load resource|EventSource/);
  const reader = await meet(bob);
  const accepted: string[] = [];
  let attempted = 0;

  for (let round = 0; round < rounds; round += 1) {
    let running = true;
    const deliver = async (sender: number): Promise<void> => {
      const session = await Session.open(relay.smtpPort);
      for (let number = 0; running; number += 1) {
        const id = `${round}.${sender}.${number}@elsewhere.example`;
        attempted += 1;
        const letter = `From: erin@elsewhere.example\r\nTo: ${bob.address}\r\nMessage-ID: <${id}>\r\nSubject: Letter ${id}\r\n\r\nText of ${id}.`;
        if (!(await session.deliver("erin@elsewhere.example", bob.address, letter))) break;
        accepted.push(id);
      }
      session.close();
    };
    const work = Array.from({ length: senders }, (_, sender) => deliver(sender));
    await reader.page.waitForTimeout(1000 + 300 * round);
    await relay.kill();
    running = false;
    await Promise.all(work);
    await relay.start();
  }

  expect(accepted.length, "letters were accepted").toBeGreaterThan(20);
  expect(attempted, "the relay was killed while letters arrived").toBeGreaterThan(accepted.length);
  const stored = new Set(await messageIds());
  expect(accepted.filter((id) => !stored.has(id)), "accepted but lost").toEqual([]);

  await reader.page.reload();
  await reader.seesMailbox();
  const last = accepted.at(-1) as string;
  await reader.open(`Letter ${last}`);
  await expect(reader.body.getByText(`Text of ${last}.`)).toBeVisible();

  async function messageIds(): Promise<string[]> {
    const found: string[] = [];
    for (;;) {
      const { ids } = (await call(reader, "Email/query", { position: found.length, limit: 200 })) as { ids: string[] };
      if (ids.length === 0) return found;
      const { list } = (await call(reader, "Email/get", { ids, properties: ["messageId"] })) as { list: { messageId: string[] }[] };
      found.push(...list.flatMap((email) => email.messageId));
    }
  }
});
