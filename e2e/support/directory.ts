/** What a signed-in person's browser can ask the relay for, without the interface between. */
import { X509Certificate } from "node:crypto";

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

/** The encryption certificates of `address` in the directory, the newest first. */
export async function directoryCertificates(person: Person, address: string): Promise<X509Certificate[]> {
  const found = (await call(person, "Certificate/lookup", { addresses: [address] })) as { list: { encryption: string[][] }[] };
  const leaves = (found.list[0]?.encryption ?? []).flatMap((chain) => chain.slice(0, 1));
  expect(leaves, `the directory has a certificate for ${address}`).not.toEqual([]);
  return leaves.map((leaf) => new X509Certificate(Buffer.from(leaf, "base64")));
}

/** The newest of them, as PEM. */
export async function directoryCertificate(person: Person, address: string): Promise<string> {
  const newest = (await directoryCertificates(person, address))[0] as X509Certificate;
  return pem(newest.raw);
}

/** Whether the newest letter of a person is sealed to a certificate, as the relay has both. */
export async function isSealedTo(person: Person, certificate: X509Certificate): Promise<boolean> {
  const newest = { sort: [{ property: "receivedAt", isAscending: false }], limit: 1 };
  const { ids } = await call(person, "Email/query", newest);
  const { list } = (await call(person, "Email/get", { ids, properties: ["blobId"] })) as { list: { blobId: string }[] };
  const account = (await session(person)).primaryAccounts[mail];
  const letter = await person.context.request.get(`${person.url}/jmap/download/${account}/${list[0]?.blobId}/letter.eml?type=message/rfc822`);
  const cms = Buffer.from((await letter.text()).split("\r\n\r\n")[1] ?? "", "base64");
  // RecipientInfos name a certificate by its number (RFC 5652 6.2), which is random.
  return cms.includes(Buffer.from(certificate.serialNumber, "hex"));
}

/** The authorities that the relay names, as one PEM file's text. */
export async function anchors(person: Person, kind: "trustAnchors" | "timestampAnchors"): Promise<string> {
  const list = (await session(person)).capabilities[sealed][kind];
  return list.map((certificate) => pem(Buffer.from(certificate, "base64"))).join("");
}
