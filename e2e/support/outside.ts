/** Stories with a mail server elsewhere, to which the relay sends. */
import { Postfix } from "./postfix";
import { test as base } from "./story";

export const test = base.extend<{ postfix: Postfix }>({
  postfix: async ({}, use) => {
    test.skip(process.getuid?.() !== 0, "only root can run a Postfix of its own");
    const postfix = await Postfix.start();
    await use(postfix);
    postfix.stop();
  },
  relayOptions: async ({ postfix }, use) => use({ smarthost: postfix.address }),
});
