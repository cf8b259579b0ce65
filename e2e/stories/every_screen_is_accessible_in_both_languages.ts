import { directoryCertificate } from "../support/directory";
import { Viewer, looks } from "../support/looks";
import { Outsider, der } from "../support/outsider";
import { type Person, alice, bob, password } from "../support/person";
import { send } from "../support/smtp";
import { expect, newcomer, test } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
test.use({ relayOptions: { trustAnchors: [carol.authority] } });
test.setTimeout(600_000);

const letter = "/mail/inbox";

/** The places of letters, by what there is to see in them. */
async function letters(writer: Person, reader: Person, smtpPort: number): Promise<Map<string, string>> {
  const files = [{ name: "lease.txt", mimeType: "text/plain", buffer: Buffer.from("lease") }, { name: "setup.exe", mimeType: "application/octet-stream", buffer: Buffer.from("x") }];
  await writer.write({ to: [bob.address], subject: "Sealed", text: "Dear Bob,\n\nI agree with all of it.\n\nAlice", files });
  await writer.button("Ask for receipt").click();
  await writer.send();
  const headers = (subject: string) => ({ from: `Carol Outside <${carol.address}>`, to: bob.address, subject, messageId: `${subject}@outside.example` });
  const entity = "Content-Type: text/plain\n\nIt waits for you.\n";
  const signed = carol.signClear(entity, headers("Signed"));
  const recipient = carol.keep("bob.pem", await directoryCertificate(reader, bob.address));
  for (const message of [
    `From: Library <post@library.example>\r\nTo: ${bob.address}\r\nSubject: Clear\r\nMessage-ID: <1@library.example>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\nContent-Type: text/html\r\n\r\n<p>It <b>waits</b>. <img src="https://library.example/x.png"></p>\r\n`,
    signed,
    Buffer.from(signed.toString("latin1").replace("It waits", "It lurks").replace("Subject: Signed", "Subject: Changed"), "latin1"),
    carol.encrypt(Buffer.from(`From: Carol <${carol.address}>\nTo: ${bob.address}\nSubject: Unsigned\nContent-Type: text/plain; hp="cipher"\n\nHello.\n`), recipient, headers("[...]")),
    carol.encrypt(Buffer.from("Content-Type: text/plain\n\nHello.\n"), recipient, { ...headers("Addressed"), to: `${bob.address}, dora@elsewhere.example` }),
  ]) {
    send(smtpPort, carol.address, bob.address, message);
  }
  const labelled = `From: Carol Outside <${carol.address}>\nTo: ${bob.address}\nSubject: Labelled\nMessage-ID: <labelled@outside.example>\nDate: ${new Date().toUTCString().replace("GMT", "+0000")}\n\nFor you alone.\n`;
  const label = ["--label", "1.2.156.10197.6.1", "--classification", "4", "--privacy-mark", "仅限本处 Department only", "--receipt-to", carol.address];
  send(smtpPort, carol.address, bob.address, carol.seal(labelled, recipient, ...label));
  const places = new Map<string, string>();
  for (const subject of ["Sealed", "Clear", "Signed", "Changed", "Unsigned", "Addressed", "Labelled"]) {
    await reader.open(subject);
    places.set(subject, reader.page.url());
  }
  return places;
}

test("every screen of a mailbox is accessible in both languages, light and dark, wide and narrow", async ({ meet, guard, relay }) => {
  guard.tolerate(/Failed to load resource: net::ERR_(FAILED|INTERNET_DISCONNECTED|CONNECTION_REFUSED)/);
  const writer = await meet(alice);
  const reader = await meet(bob);
  const places = await letters(writer, reader, relay.smtpPort);
  const { page } = reader;
  for (const look of looks) {
    const viewer = new Viewer(reader, look);
    await viewer.begin();
    await viewer.visit(letter, "a.row");
    await viewer.sees("list");
    await page.locator("#find").fill("nothing like it");
    await viewer.at(".rows .empty");
    await viewer.sees("list-nothing-found");
    if (look.width < 500) {
      await viewer.press(".list-pane .only-narrow");
      await viewer.sees("drawer");
    }
    await viewer.visit("/mail/drafts", ".rows .empty");
    await viewer.sees("list-empty");
    for (const [subject, place] of places) {
      await viewer.visit(place, "article");
      await viewer.sees(`read-${subject.toLowerCase()}`);
      await viewer.press(".protection summary");
      await viewer.press(".technical summary");
      await viewer.sees(`read-${subject.toLowerCase()}-details`);
    }
    // Neither quoted, since nobody signed it, nor for those that only its outside names.
    await viewer.visit(`${places.get("Addressed")}?write=reply-all`, "form.writing");
    await expect(page.locator(".omitted")).toHaveCount(2);
    await viewer.sees("write-omitted");
    await viewer.visit("/mail/inbox/nothing", "[role=alert]");
    await viewer.sees("read-not-there");
    await viewer.visit("/nowhere", "main .empty");
    await viewer.sees("nowhere");
    await viewer.visit("/settings", "main h2");
    await viewer.sees("settings");
    await viewer.press(".settings section:nth-of-type(4) > .button");
    await viewer.at(".recovery-code");
    await viewer.sees("settings-recovery-code");
    await page.keyboard.press("?");
    await viewer.at("dialog[open]");
    await viewer.sees("help");
  }
});

test("every screen of a composer is accessible in both languages, light and dark, wide and narrow", async ({ meet, guard }) => {
  guard.tolerate(/Failed to load resource: net::ERR_FAILED/);
  const person = await meet(bob);
  await meet(alice);
  const { page } = person;
  for (const look of looks) {
    const viewer = new Viewer(person, look);
    await viewer.begin();
    await viewer.visit("/mail/inbox?write=new", "form.writing");
    await viewer.sees("write");
    await page.locator("#to").pressSequentially("ali");
    await viewer.at(".suggestions [role=option]");
    await viewer.sees("write-suggestions");
    await page.keyboard.press("Enter");
    await page.locator("form.writing .subject").fill("Lease");
    await page.locator("form.writing textarea").fill("Agreed.");
    await page.locator("form.writing input[type=file]").setInputFiles([{ name: "lease.txt", mimeType: "text/plain", buffer: Buffer.from("lease") }]);
    await viewer.press("form.writing [aria-pressed]");
    await viewer.at(".chip > .seal");
    await viewer.sees("write-filled");

    // Under way: the relay takes its time.
    await page.route("**/jmap/upload/**", () => undefined);
    await viewer.press("form.writing button[type=submit]");
    await viewer.at(".sending progress");
    await viewer.sees("sending");
    await viewer.press(".sending button");
    await viewer.at(".toast");
    await viewer.sees("sending-cancelled");
    await viewer.press(".toast button");
    await expect(page.locator(".toast")).toHaveCount(0);
    await page.unroute("**/jmap/upload/**");
    await page.route("**/jmap/upload/**", (route) => route.abort());
    await viewer.press("form.writing button[type=submit]");
    await viewer.at(".refused");
    await viewer.sees("sending-failed");
    await page.unroute("**/jmap/upload/**");

    await page.locator("#to").fill("dora@elsewhere.example,not one,");
    await page.keyboard.press("Enter");
    await viewer.at(".chip.open");
    await viewer.at(".chip.wrong");
    await viewer.sees("write-open-recipients");
    await viewer.press(".chip.wrong .remove");
    await viewer.press("form.writing button[type=submit]");
    await viewer.at("dialog[open]");
    await viewer.sees("caution");
    await page.keyboard.press("Escape");
    await viewer.press("form.writing .bar .icon-button");
    await viewer.at(".toast");
    await viewer.sees("discarded");
  }
});

test("every screen before a mailbox is accessible in both languages, light and dark, wide and narrow", async ({ browser, meet, guard, relay }) => {
  guard.tolerate(/Failed to load resource: (net::ERR_FAILED|the server responded with a status of 401)/);
  const known = await meet(alice);
  for (const look of looks) {
    const viewer = new Viewer(await newcomer(browser, relay, guard, alice), look);
    const { page } = viewer.person;
    await page.goto(relay.url);
    await viewer.begin();
    await viewer.visit("/", "#password");
    await viewer.sees("sign-in");
    await page.locator("#username").fill(alice.address);
    await page.locator("#password").fill("wrong");
    await page.keyboard.press("Enter");
    await expect(page.locator(".complaint")).not.toBeEmpty();
    await viewer.sees("sign-in-refused");
    await page.locator("#password").fill(password);
    await page.keyboard.press("Enter");
    await viewer.at("#code");
    await viewer.sees("keys-elsewhere");
    await page.locator("#code").fill("WRONG-CODE");
    await page.keyboard.press("Enter");
    await expect(page.locator(".complaint")).not.toBeEmpty();
    await viewer.sees("keys-elsewhere-refused");
    await page.route("**/.well-known/jmap", (route) => route.abort());
    await page.reload();
    await viewer.at(".gate .complaint");
    await viewer.sees("no-connection");
    await page.context().close();
  }
  // The relay names another authority than the browser knows.
  await known.page.route("**/.well-known/jmap", async (route) => {
    const response = await route.fetch();
    const { "content-length": _, ...headers } = response.headers();
    await route.fulfill({ response, headers, body: (await response.text()).replace(/"trustAnchors":\["[^"]+"/, `"trustAnchors":["${der(carol.authority).toString("base64")}"`) });
  });
  for (const look of looks) {
    const viewer = new Viewer(known, look);
    await viewer.begin();
    await viewer.visit("/", ".prints");
    await viewer.sees("trust-changed");
  }
  await known.page.unroute("**/.well-known/jmap");
});
