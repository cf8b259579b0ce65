import { directoryCertificate } from "../support/directory";
import { Outsider } from "../support/outsider";
import { bob } from "../support/person";
import { send } from "../support/smtp";
import { expect, test } from "../support/story";

for (const kind of ["P-256", "RSA-2048"] as const) {
  const carol = new Outsider("Carol Outside", "carol@outside.example", kind);

  test.describe(kind, () => {
    test.use({ relayOptions: { trustAnchors: [carol.authority] } });

    test(`a letter made with openssl and a ${kind} key opens`, async ({ meet, secret, relay }) => {
      const [subject, text] = [secret(), secret()];
      const reader = await meet(bob);
      const recipient = carol.keep("bob.pem", await directoryCertificate(reader, bob.address));
      const headers = { from: `Carol Outside <${carol.address}>`, to: bob.address, subject: "[...]", messageId: `${kind}@outside.example` };
      // RFC 9788: the real header fields are inside, and the seal covers them.
      const inside = [
        `From: ${headers.from}`,
        `To: ${headers.to}`,
        `Subject: ${subject}`,
        "HP-Outer: Subject: [...]",
        'Content-Type: text/plain; charset="utf-8"; hp="cipher"',
        "",
        `Good day, ${text}`,
        "",
      ];
      send(relay.smtpPort, carol.address, bob.address, carol.encrypt(carol.signOpaque(inside.join("\n")), recipient, headers));

      await reader.open(subject);
      await expect(reader.body.getByText(text)).toBeVisible();
      await expect(reader.protection).toContainText("Confidential");
      await expect(reader.protection).toContainText("Signed by \u2068Carol Outside\u2069");
    });
  });
}
