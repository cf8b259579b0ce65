import { directoryCertificate } from "../support/directory";
import { Outsider } from "../support/outsider";
import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

const carol = new Outsider("Carol Outside", "carol@outside.example", "P-256");
test.use({ relayOptions: { trustAnchors: [carol.authority] } });

test("who carries a sealed letter neither gets the answer nor what it quotes", async ({ meet, relay }) => {
  const reader = await meet(bob);
  const recipient = carol.keep("bob.pem", await directoryCertificate(reader, bob.address));
  // As programs write it that know no header protection: the addresses stand outside alone.
  const entity = carol.signOpaque("Content-Type: text/plain\n\nMeet me at the bridge.\n");
  const carried = (headers: { from: string; to: string; subject: string }) => {
    const message = carol.encrypt(entity, recipient, { ...headers, messageId: `${headers.subject.length}@outside.example` }, ["-aes-256-cbc"]);
    send(relay.smtpPort, "mallory@evil.example", bob.address, message);
  };
  const text = reader.composer.getByRole("textbox", { name: "Message", exact: true });
  const recipients = reader.composer.getByRole("button", { name: /^Remove / });
  const outside = reader.composer.getByText("these addresses stood outside of the seal");

  carried({ from: carol.address, to: `${bob.address}\r\nCc: Alice Lin <mallory@evil.example>`, subject: "With one more reader" });
  await reader.open("With one more reader");
  await expect(reader.protection).toContainText("Signed by \u2068Carol Outside\u2069");
  await reader.button("Reply all").click();
  await expect(recipients).toHaveCount(1);
  await expect(recipients).toHaveAccessibleName(`Remove ${carol.address}`);
  await expect(text).toHaveValue(/> Meet me at the bridge\./);
  await expect(outside).toContainText("Alice Lin <mallory@evil.example>");
  await reader.findsItAccessible();
  // Who knows better says so.
  await reader.button("Answer them too").click();
  await expect(reader.composer.getByRole("button", { name: "Remove mallory@evil.example" })).toBeVisible();
  await expect(outside).toHaveCount(0);
  await reader.composer.getByRole("button", { name: "Discard draft" }).click();

  carried({ from: "Carol Outside <mallory@evil.example>", to: bob.address, subject: "In a message of their own" });
  await reader.open("In a message of their own");
  await expect(reader.protection).not.toContainText("Signed by");
  await reader.button("Reply").click();
  await expect(reader.composer.getByText("What you answer is not quoted. Nothing proves who wrote it")).toBeVisible();
  await expect(text).toHaveValue("");
  await reader.findsItAccessible();
  await reader.composer.getByRole("button", { name: "Close" }).click();
});
