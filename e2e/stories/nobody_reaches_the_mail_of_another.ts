import { call, session } from "../support/directory";
import { alice, bob, registry } from "../support/person";
import { expect, test } from "../support/story";

const mail = "urn:ietf:params:jmap:mail";

test("nobody reaches the mail of another", async ({ browser, meet, relay }) => {
  const writer = await meet(alice);
  const reader = await meet(bob);
  const other = await meet(registry);
  await writer.write({ to: [bob.address], subject: "For Bob", text: "Only for him." });
  await writer.send();
  await reader.open("For Bob");
  const { ids } = (await call(reader, "Email/query", { limit: 1 })) as { ids: string[] };
  const { list } = (await call(reader, "Email/get", { ids, properties: ["blobId"] })) as { list: { blobId: string }[] };
  const hisAccount = (await session(reader)).primaryAccounts[mail];
  const herAccount = (await session(writer)).primaryAccounts[mail];
  const otherAccount = (await session(other)).primaryAccounts[mail];
  const blob = (account: string | undefined) => `${relay.url}/jmap/download/${account}/${list[0]?.blobId}/letter.eml?type=message/rfc822`;

  expect((await reader.context.request.get(blob(hisAccount))).status()).toBe(200);
  // What she sent, she keeps: the same octets, in her own account alone.
  expect((await writer.context.request.get(blob(herAccount))).status()).toBe(200);
  for (const person of [writer, other]) {
    expect((await person.context.request.get(blob(hisAccount))).status()).toBeGreaterThanOrEqual(400);
    const got = (await call(person, "Email/get", { ids })) as { list: unknown[]; notFound: string[] };
    expect([got.list, got.notFound]).toEqual([[], ids]);
  }
  expect((await other.context.request.get(blob(herAccount))).status()).toBeGreaterThanOrEqual(400);
  expect((await other.context.request.get(blob(otherAccount))).status()).toBe(404);

  const stranger = await browser.newContext();
  for (const path of ["/.well-known/jmap", "/jmap/eventsource?types=*&closeafter=no&ping=0", new URL(blob(hisAccount)).pathname]) {
    expect((await stranger.request.get(`${relay.url}${path}`)).status(), path).toBe(401);
  }
  await stranger.close();
  // A page elsewhere can make a browser send its cookie, but not hide where it comes from.
  const forged = await writer.context.request.post(`${relay.url}/jmap/api`, {
    headers: { Origin: "https://elsewhere.example", "Sec-Fetch-Site": "cross-site" },
    data: { using: ["urn:ietf:params:jmap:core"], methodCalls: [["Core/echo", {}, "0"]] },
  });
  expect(forged.status()).toBe(403);
});
