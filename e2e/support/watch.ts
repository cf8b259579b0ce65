/** How long a page's thread was busy at one stretch, from the browser's own trace. */
import type { Browser, Page } from "@playwright/test";

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

/** One task of a page's thread, in milliseconds. */
export interface Task {
  /** What the thread computed. */
  cpu: number;
  /** From begin to end: longer than `cpu` where other threads and programs had the processor meanwhile. */
  wall: number;
  /** What took longest in it, with the time from begin to end. */
  parts: string[];
}

/** The name of a task in the trace. */
const task = "ThreadControllerImpl::RunTask";

/** Begins to watch: the pages that a browser has open count together. */
export async function watchThread(browser: Browser, page: Page): Promise<void> {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "v8", "__metadata"] });
}

/** Ends it: the tasks that computed most and those that took longest, in no order. */
export async function seenOfThread(browser: Browser): Promise<Task[]> {
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const named = traceEvents.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const pages = new Set(named.map(thread));
  const events = traceEvents.filter((event) => event.ph === "X" && event.dur !== undefined && pages.has(thread(event)));
  const tasks = events.filter(({ name }) => name === task);
  const most = (of: (event: TraceEvent) => number) => [...tasks].sort((a, b) => of(b) - of(a)).slice(0, 5);
  return [...new Set([...most(computed), ...most(({ dur = 0 }) => dur)])].map((one) => {
    const end = one.ts + (one.dur ?? 0);
    const within = events.filter((event) => thread(event) === thread(one) && event.ts >= one.ts && event.ts < end && event.name !== task);
    const parts = within.sort((a, b) => (b.dur ?? 0) - (a.dur ?? 0)).slice(0, 4);
    return { cpu: milliseconds(computed(one)), wall: milliseconds(one.dur), parts: parts.map(({ name, dur }) => `${name} ${milliseconds(dur)}`) };
  });
}

/** The thread's clock is read later than the other now and then; nothing computes for longer than it lasts. */
function computed({ tdur = 0, dur = 0 }: TraceEvent): number {
  return Math.min(tdur, dur);
}

function milliseconds(micros = 0): number {
  return micros / 1000;
}
