/** What a signed-in person's browser can ask the relay for, without the interface between. */
import { expect } from "@playwright/test";

import { pem } from "./outsider";
import type { Person } from "./person";

const mail = "urn:ietf:params:jmap:mail";
const sealed = "https://sealpost.dev/ns/jmap/sealed";

interface Session {
  primaryAccounts: Record<string, string>;
  capabilities: { [sealed]: { trustAnchors: string[]; timestampAnchors: string[] } };
}

type Invocation = [name: string, arguments: Record<string, unknown>, call: string];

/** The JMAP session (RFC 8620, section 2). */
export async function session(person: Person): Promise<Session> {
  const answer = await person.context.request.get(`${person.url}/.well-known/jmap`);
  expect(answer.status()).toBe(200);
  return (await answer.json()) as Session;
}

/** Calls one JMAP method and returns the arguments of its response. */
export async function call(person: Person, method: string, given: Record<string, unknown>): Promise<Record<string, unknown>> {
  const accountId = (await session(person)).primaryAccounts[mail];
  const answer = await person.context.request.post(`${person.url}/jmap/api`, {
    headers: { Origin: person.url },
    data: { using: ["urn:ietf:params:jmap:core", mail, sealed], methodCalls: [[method, { accountId, ...given }, "0"]] },
  });
  expect(answer.status()).toBe(200);
  const [name, result] = ((await answer.json()) as { methodResponses: [Invocation] }).methodResponses[0];
  expect(name, JSON.stringify(result)).toBe(method);
  return result;
}

/** The newest encryption certificate of `address` in the directory, as PEM. */
export async function directoryCertificate(person: Person, address: string): Promise<string> {
  const found = (await call(person, "Certificate/lookup", { addresses: [address] })) as { list: { encryption: string[][] }[] };
  const leaf = found.list[0]?.encryption[0]?.[0];
  expect(leaf, `the directory has a certificate for ${address}`).toBeDefined();
  return pem(Buffer.from(leaf as string, "base64"));
}

/** The authorities that the relay names, as one PEM file's text. */
export async function anchors(person: Person, kind: "trustAnchors" | "timestampAnchors"): Promise<string> {
  const list = (await session(person)).capabilities[sealed][kind];
  return list.map((certificate) => pem(Buffer.from(certificate, "base64"))).join("");
}
