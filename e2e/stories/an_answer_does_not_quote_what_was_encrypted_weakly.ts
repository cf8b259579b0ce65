import { directoryCertificate } from "../support/directory";
import { Outsider } from "../support/outsider";
import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
test.use({ relayOptions: { trustAnchors: [carol.authority] } });

test("an answer does not quote what was encrypted weakly, and says why", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const recipient = carol.keep("bob.pem", await directoryCertificate(reader, bob.address));
  const letter = (subject: string, cipher: string[]) => {
    const headers = { from: carol.address, to: bob.address, subject, messageId: `${subject.length}@outside.example` };
    const entity = carol.signOpaque("Content-Type: text/plain\n\nMeet me at the bridge.\n");
    send(relay.smtpPort, carol.address, bob.address, carol.encrypt(entity, recipient, headers, cipher));
  };
  const text = reader.composer.getByRole("textbox", { name: "Message", exact: true });
  const why = reader.composer.getByText("What you answer is not quoted.");

  // Triple DES, as programs of another age write it.
  letter("An old way", ["-des3", "-wrap", "aes128-wrap"]);
  await reader.open("An old way");
  await expect(reader.protection).toContainText("an outdated way that no longer protects");
  await reader.button("Reply").click();
  await expect(why).toBeVisible();
  await expect(text).toHaveValue("");
  await reader.findsItAccessible();

  await reader.composer.getByRole("button", { name: "Close" }).click();
  letter("A way of today", ["-aes-256-gcm"]);
  await reader.open("A way of today");
  await reader.button("Reply").click();
  await expect(text).toHaveValue(/> Meet me at the bridge\./);
  await expect(why).toBeHidden();
});
