/** What a page's process holds, as Linux counts it: everything, also what no script can see. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

import type { Page } from "@playwright/test";

/** Begins to count what a process holds; the function that it gives tells the most bytes meanwhile, beyond what it held at first. */
export function countHeld(process: number): () => number {
  // The kernel forgets the highest mark, which it does not always keep either.
  writeFileSync(`/proc/${process}/clear_refs`, "5");
  const before = held(process, "VmRSS");
  let most = before;
  const look = setInterval(() => (most = Math.max(most, held(process, "VmRSS"))), 2);
  return () => {
    clearInterval(look);
    return Math.max(most, held(process, "VmHWM")) - before;
  };
}

/** Does something and gives the most bytes that the page's process held meanwhile, beyond what it held before. */
export async function heldBy<T>(page: Page, work: () => Promise<T>): Promise<{ result: T; peak: number }> {
  const process = await processOf(page);
  await page.evaluate(() => (window as never as { gc?: () => void }).gc?.());
  const most = countHeld(process);
  const result = await work();
  return { result, peak: most() };
}

/** The process that renders the page: the one of this browser that is busy when the page is. */
export async function processOf(page: Page): Promise<number> {
  const busy = () => new Map(renderers().map((process) => [process, ticks(process)]));
  const before = busy();
  await page.evaluate(() => {
    const until = performance.now() + 300;
    while (performance.now() < until);
  });
  const spent = [...busy()].map(([process, now]) => ({ process, spent: now - (before.get(process) ?? now) }));
  const most = spent.sort((a, b) => b.spent - a.spent)[0];
  if (!most) throw new Error("the page has no process");
  return most.process;
}

function renderers(): number[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
  return numbers.filter((process) => {
    try {
      const command = readFileSync(`/proc/${process}/cmdline`, "utf8");
      return command.includes("--type=renderer") && descends(process);
    } catch {
      return false;
    }
  });
}

/** Whether a process was started by this one, through whatever others. */
function descends(process: number): boolean {
  for (let at = process, steps = 0; at > 1 && steps < 12; steps += 1) {
    if (at === globalThis.process.pid) return true;
    at = Number(fields(at)[1]);
  }
  return false;
}

function ticks(process: number): number {
  const all = fields(process);
  return Number(all[11]) + Number(all[12]);
}

/** The fields of /proc/N/stat after the name. */
function fields(process: number): string[] {
  const text = readFileSync(`/proc/${process}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function held(process: number, field: string): number {
  const line = readFileSync(`/proc/${process}/status`, "utf8").match(new RegExp(`${field}:\\s+(\\d+) kB`));
  return Number(line?.[1]) * 1024;
}
