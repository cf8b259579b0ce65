/** Where a page's thread spends its time, from Chromium's sampling profiler. */
import type { Page } from "@playwright/test";

interface Node {
  id: number;
  callFrame: { functionName: string; url: string };
}

const idle = ["(idle)", "(root)", "(program)"];

/** Does something; gives the functions with the largest share of the time in which the thread was busy, in percent. */
export async function profile(page: Page, work: () => Promise<unknown>): Promise<{ function: string; share: number }[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Profiler.enable");
  await session.send("Profiler.setSamplingInterval", { interval: 200 });
  await session.send("Profiler.start");
  await work();
  const { profile } = await session.send("Profiler.stop");
  await session.detach();
  const names = new Map((profile.nodes as Node[]).map((node) => [node.id, name(node)]));
  const spent = new Map<string, number>();
  (profile.samples ?? []).forEach((id, index) => {
    const where = names.get(id) ?? "";
    if (!idle.includes(where)) spent.set(where, (spent.get(where) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  });
  const busy = [...spent.values()].reduce((sum, part) => sum + part, 0);
  const sorted = [...spent].sort((a, b) => b[1] - a[1]).slice(0, 10);
  return sorted.map(([where, time]) => ({ function: where, share: (100 * time) / busy }));
}

function name({ callFrame: { functionName, url } }: Node): string {
  const file = url.split("/").at(-1) ?? "";
  return `${functionName || "(nameless)"}${file ? ` in ${file.split("?")[0]}` : ""}`.replace(/^(\(\w+\)) in $/, "$1");
}
