/**
 * Sealing and opening in Chromium: Sealpost, PKI.js, node-forge and bare WebCrypto, interleaved in one run. Small jobs
 * are measured hot: each contender does its own once unmeasured right before.
 */
import { join } from "node:path";

import { type Page, expect, test } from "@playwright/test";

import { type Figure, median, p95, report } from "./figures";
import { heldBy } from "./memory";
import { profile } from "./profile";
import { type Served, serve } from "./serve";

const quick = Boolean(process.env.SEALPOST_QUICK);
const sizes = [
  { name: "10 KB", bytes: 10_000, rounds: quick ? 15 : 101, target: 2.5 },
  { name: "1 MB", bytes: 1_000_000, rounds: quick ? 7 : 31, target: undefined },
  { name: "25 MB", bytes: 25_000_000, rounds: quick ? 3 : 9, target: 1.6 },
];
const kinds = ["P-256", "RSA-2048"].flatMap((keys) => ["GCM", "CBC"].map((cipher) => ({ keys, cipher })));
const operations = ["seal", "open"] as const;
type Times = Record<(typeof operations)[number], number[]>;

interface Job {
  keys: string;
  cipher: string;
  bytes: number;
  rounds: number;
}

interface Stages {
  total: number;
  outside: number;
  stages: Record<string, { count: number; ms: number }>;
}

/** What `smime.mjs` puts on the page. */
interface Bench {
  measure(job: Job): Promise<{ times: Record<string, Times>; cannot: Record<string, string> }>;
  measureLetter(job: { bytes: number; rounds: number }): Promise<Times>;
  measureCrowd(job: { people: number; bytes: number; rounds: number }): Promise<{ times: Record<string, number[]>; grown: number }>;
  measureStages(job: Job): Promise<Record<(typeof operations)[number], Stages[]>>;
  repeat(job: Job): Promise<void>;
  letter: Record<"seal" | "open", () => Promise<{ length: number; memory: number }>> & { prepare(bytes: number): number };
}

test.setTimeout(3_600_000);
let site: Served;
test.beforeAll(async () => {
  const module = process.env.SEALPOST_BENCH ?? join(import.meta.dirname, "../../target/front-end/bench");
  site = await serve({ "/bench/": import.meta.dirname, "/sealpost/": module, "/node_modules/": join(import.meta.dirname, "../node_modules") });
});
test.afterAll(() => site.close());

test("smime", async ({ page, browser }) => {
  const figures: Figure[] = [];
  await visit(page);
  for (const size of sizes) {
    for (const kind of kinds) figures.push(...(await compare(page, size, kind)));
  }
  for (const size of sizes) figures.push(...(await letters(page, size)));
  for (const size of sizes) figures.push(...(await stages(page, size)));
  figures.push(...(await functions(page)));
  for (const people of [10, 100, 1000]) {
    const fresh = await browser.newPage();
    await visit(fresh);
    figures.push(...(await crowd(fresh, people)));
    await fresh.close();
  }
  for (const bytes of [25_000_000, 100_000_000]) {
    const fresh = await browser.newPage();
    await visit(fresh);
    figures.push(...(await memory(fresh, bytes)));
    await fresh.close();
  }
  expect(figures.length).toBeGreaterThan(0);
  report(figures);
});

async function visit(page: Page): Promise<void> {
  page.on("console", (message) => message.type() === "error" && console.log(message.text(), message.location().url));
  page.on("pageerror", (error) => console.log(error.message));
  await page.goto(`${site.origin}/bench/smime.html`);
  await page.waitForFunction(() => "ready" in window, null, { timeout: 60_000 });
}

/** Asks one function of the page. */
function ask<K extends "measure" | "measureLetter" | "measureCrowd" | "measureStages" | "repeat">(page: Page, name: K, job: Parameters<Bench[K]>[0]): Promise<Awaited<ReturnType<Bench[K]>>> {
  const call = ([name, job]: [string, unknown]) => (window as never as Record<string, (job: unknown) => unknown>)[name]?.(job);
  return page.evaluate(call, [name, job] as [string, unknown]) as Promise<Awaited<ReturnType<Bench[K]>>>;
}

async function compare(page: Page, { name, bytes, rounds, target }: (typeof sizes)[number], kind: { keys: string; cipher: string }): Promise<Figure[]> {
  const { times, cannot } = await ask(page, "measure", { ...kind, bytes, rounds });
  const figures: Figure[] = [];
  for (const operation of operations) {
    const of = (contender: string) => median(times[contender]?.[operation] ?? []);
    for (const contender of ["bare", "sealpost", "PKI.js", "forge"]) {
      const what = `${name} ${kind.keys} ${kind.cipher} ${operation}: ${contender}`;
      const detail = { size: bytes, ...kind, operation, contender, rounds };
      const list = times[contender]?.[operation];
      if (!list) {
        figures.push({ what, unit: "ms", beside: `cannot: ${cannot[contender]}`, detail: { ...detail, cannot: cannot[contender] } });
        continue;
      }
      const ofBare = of(contender) / of("bare");
      const notes = contender === "bare" ? [] : [`${ofBare.toFixed(2)} x bare`];
      if (contender === "sealpost" && target) notes.push(verdict(ofBare, target));
      if (contender === "sealpost" && times["PKI.js"]) notes.push(`${(of("PKI.js") / of("sealpost")).toFixed(1)} times as fast as PKI.js (target 4)`);
      if (contender === "forge" && operation === "open") notes.push("decrypts, cannot verify");
      if (contender === "PKI.js" && operation === "open") notes.push("checks no path");
      notes.push(`p95 ${p95(list).toFixed(2)}`);
      figures.push({ what, value: median(list), unit: "ms", beside: notes.join(", "), detail: { ...detail, median: median(list), p95: p95(list), ofBare, target } });
    }
  }
  return figures;
}

async function letters(page: Page, { name, bytes, rounds }: (typeof sizes)[number]): Promise<Figure[]> {
  const times = await ask(page, "measureLetter", { bytes, rounds });
  return operations.map((operation) => {
    const list = times[operation];
    const beside = `MIME and base64 included, P-256 GCM, p95 ${p95(list).toFixed(2)}`;
    return { what: `${name} as an attachment, whole letter, ${operation}`, value: median(list), unit: "ms", beside, detail: { size: bytes, operation, rounds, p95: p95(list) } };
  });
}

/** Where the median run's time goes. */
async function stages(page: Page, { name, bytes, rounds }: (typeof sizes)[number]): Promise<Figure[]> {
  const runs = await ask(page, "measureStages", { keys: "P-256", cipher: "GCM", bytes, rounds });
  return operations.flatMap((operation) => {
    const sorted = [...runs[operation]].sort((a, b) => a.total - b.total);
    const run = sorted[sorted.length >> 1] as Stages;
    const part = (ms: number) => `${((100 * ms) / run.total).toFixed(0)} % of ${run.total.toFixed(2)} ms`;
    const what = (stage: string) => `where ${operation} of ${name} (P-256 GCM) goes: ${stage}`;
    const operationsOf = Object.entries(run.stages).map(([stage, { count, ms }]): Figure => {
      return { what: what(`${stage} x${count}`), value: ms, unit: "ms", beside: part(ms), detail: { size: bytes, operation, stage, count, total: run.total } };
    });
    return [...operationsOf, { what: what("WebAssembly, glue and copies"), value: run.outside, unit: "ms", beside: part(run.outside), detail: { size: bytes, operation, stage: "outside", total: run.total } }];
  });
}

/** The functions that the page's own thread spends most time in, from Chromium's profiler. */
async function functions(page: Page): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, bytes, rounds } of sizes) {
    const top = await profile(page, () => ask(page, "repeat", { keys: "P-256", cipher: "GCM", bytes, rounds: rounds * (bytes < 100_000 ? 10 : 1) }));
    for (const { function: where, share } of top) figures.push({ what: `profile of ${name}: ${where}`, value: share, unit: "%", beside: "of the thread's busy time" });
  }
  return figures;
}

async function crowd(page: Page, people: number): Promise<Figure[]> {
  const rounds = quick ? 5 : 21;
  const { times, grown } = await ask(page, "measureCrowd", { people, bytes: 10_000, rounds });
  const of = (name: string) => median(times[name] ?? []);
  const ratio = of("seal") / of("agree");
  const notes: Record<string, string> = {
    agree: "bare ECDH, keys imported already, all asked for at once",
    "import and agree": "the same from the points in certificates",
    seal: `${ratio.toFixed(2)} x bare ECDH, ${people === 1000 ? verdict(ratio, 2) : ""} ${((1000 * of("seal")) / people).toFixed(0)} µs a recipient`,
  };
  const figures = Object.entries(times).map(([name, list]): Figure => {
    return { what: `10 KB to ${people} P-256 recipients: ${name}`, value: median(list), unit: "ms", beside: `${notes[name]}, p95 ${p95(list).toFixed(1)}`, detail: { people, rounds, p95: p95(list), ofBare: median(list) / of("agree") } };
  });
  return [...figures, { what: `10 KB to ${people} P-256 recipients: memory`, value: grown / 1e6, unit: "MB", beside: "by which the program's memory grew", detail: { people, grown } }];
}

async function memory(page: Page, bytes: number): Promise<Figure[]> {
  const start = await page.evaluate((bytes) => (window as never as Bench).letter.prepare(bytes), bytes);
  const figures: Figure[] = [];
  for (const operation of operations) {
    const { result, peak } = await heldBy(page, () => page.evaluate((operation) => (window as never as Bench).letter[operation](), operation));
    const letter = operation === "seal" ? result.length : (figures[0]?.detail?.letter as number);
    const detail = { bytes, operation, letter, peak, programMemory: result.memory, programMemoryBefore: start };
    const beside = `${(peak / letter).toFixed(2)} x the letter of ${(letter / 1e6).toFixed(0)} MB, ${verdict(peak / letter, 3)}; of which the program's own memory ${(result.memory / 1e6).toFixed(0)} MB`;
    figures.push({ what: `${bytes / 1e6} MB attachment, ${operation}: most that the process held beyond its start`, value: peak / 1e6, unit: "MB", beside, detail });
  }
  return figures;
}

function verdict(value: number, target: number): string {
  return `target ${target}${value <= target ? "" : ", missed"}`;
}
