import { Outsider } from "../support/outsider";
import { alice, bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
test.use({ relayOptions: { trustAnchors: [carol.authority] } });

test("a revoked certificate vouches for nothing new, and still for what was signed before", async ({ meet, relay }) => {
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject: "Before", text: "Signed in time." });
  await writer.send();
  await expect(reader.row("Before")).toBeVisible();

  const paths = ["/crl/people", "/crl/authorities"];
  const lists = await Promise.all(paths.map(async (path) => [path, await (await reader.page.request.get(relay.url + path)).body()] as const));
  const before = new Map(lists);

  // Times are whole seconds, and what was signed in the same one as the revocation is lost.
  await writer.page.waitForTimeout(2_000);
  expect(relay.run("account", "revoke-certificates", alice.address).match(/revoked/g)).toHaveLength(2);
  // Her browser still has the list from before.
  await writer.write({ to: [bob.address], subject: "After", text: "Signed too late." });
  await writer.send();

  // The reader's next look at the list is an hour away; a browser that forgot it asks at once.
  await reader.forgets("revocations");
  await reader.open("Before");
  await expect(reader.protection).toContainText("Signed by \u2068Alice Lin");
  await reader.open("After");
  await expect(reader.protection).toContainText("Encrypted, sender unknown");
  await reader.protection.locator("summary").first().click();
  await expect(reader.protection).toContainText("the certificate was withdrawn");
  await reader.findsItAccessible();

  // A relay that goes back to the lists from before, which are in force for days, hides nothing any more.
  const asked = new Set<string>();
  await reader.context.route("**/crl/**", (route) => {
    const { pathname } = new URL(route.request().url());
    asked.add(pathname);
    return route.fulfill({ body: before.get(pathname) ?? "" });
  });
  await reader.comesBackWith("revocations", { fetched: 1 });
  await reader.open("After");
  await expect(reader.protection).toContainText("Encrypted, sender unknown");
  expect([...asked].sort()).toEqual([...paths].sort());

  await reader.write({ to: [alice.address] });
  await expect(reader.page.getByText(/Cannot be sealed: (the certificate has been revoked|no certificate is known)/)).toBeAttached();
});

test("without a list a letter says by itself that its signer was good, and it is said where nobody knows", async ({ meet, guard, relay }) => {
  guard.tolerate(/Failed to load resource: net::ERR_FAILED/);
  const writer = await meet(alice);
  const reader = await meet(bob);
  await writer.write({ to: [bob.address], subject: "From within", text: "With the list of the day." });
  await writer.send();
  send(relay.smtpPort, carol.address, bob.address, carol.signClear("Content-Type: text/plain\n\nHello.\n", { from: carol.address, to: bob.address, subject: "From outside", messageId: "1@outside.example" }));
  await reader.context.route("**/crl/**", (route) => route.abort());
  await reader.forgets("revocations");
  await reader.open("From within");
  await expect(reader.protection).toContainText("Signed by \u2068Alice Lin");
  await expect(reader.protection).not.toContainText("not known whether withdrawn");
  await reader.open("From outside");
  await expect(reader.protection).toContainText("Signed by \u2068Carol Outside\u2069 · not known whether withdrawn");
});
