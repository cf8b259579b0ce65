import { Person, alice, bob, password } from "../support/person";
import { expect, test } from "../support/story";

test("a Chinese reader uses it in Chinese", async ({ browser, meet, guard, relay, secret }) => {
  const subject = `关于房屋租赁合同 ${secret()}`;
  const text = `陈先生您好：合同已经看过，没有意见。${secret()}`;
  const writer = await meet(alice);
  const context = await browser.newContext({ locale: "zh-CN" });
  guard.watch(context, "陈博");
  const reader = new Person(bob, await context.newPage(), relay.url);
  await reader.page.goto(relay.url);
  await expect(reader.page.locator("html")).toHaveAttribute("lang", /^zh/);
  await reader.page.getByLabel("邮箱地址").fill(bob.address);
  await reader.page.getByLabel("密码").fill(password);
  await reader.button("登录").click();
  await expect(reader.button("写信")).toBeVisible({ timeout: 60_000 });

  await writer.write({ to: [bob.address], subject, text });
  await writer.send();
  await reader.page.getByRole("link", { name: new RegExp(subject) }).click();
  await expect(reader.page.getByRole("article").frameLocator("iframe").getByText(text)).toBeVisible();
  await expect(reader.page.getByRole("region").filter({ hasText: "Alice Lin" }).first()).toContainText("签名");
  await reader.findsItAccessible();
  await context.close();
});
