/** Sealing and opening in Chromium: Sealpost, PKI.js and bare WebCrypto, interleaved in one run. */
import { createReadStream, existsSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

import { expect, test } from "@playwright/test";

import { type Figure, median, report } from "./figures";

const sizes = [
  { name: "10 KB", bytes: 10_000, rounds: 41 },
  { name: "1 MB", bytes: 1_000_000, rounds: 21 },
  { name: "25 MB", bytes: 25_000_000, rounds: 7 },
];
const types: Record<string, string> = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
test.setTimeout(900_000);

test("crypto", async ({ page }) => {
  const bench = process.env.SEALPOST_BENCH ?? join(import.meta.dirname, "../../target/front-end/bench");
  const server = await serve({ "/bench/": import.meta.dirname, "/sealpost/": bench, "/node_modules/": join(import.meta.dirname, "../node_modules") });
  const figures: Figure[] = [];
  try {
    page.on("console", (message) => message.type() === "error" && console.log(message.text(), message.location().url));
    page.on("pageerror", (error) => console.log(error.message));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/bench/crypto.html`);
    await page.waitForFunction(() => "measure" in window, null, { timeout: 60_000 });
    for (const size of sizes) {
      const times = await page.evaluate(async ({ bytes, rounds }) => {
        const { measure } = window as never as { measure: (bytes: number, rounds: number) => Promise<Record<string, number[]>> };
        return measure(bytes, rounds);
      }, size);
      const medians = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
      for (const [name, value] of Object.entries(medians)) {
        const bare = medians[name.includes("open") ? "bare open" : "bare seal"] as number;
        figures.push({ what: `${size.name}: ${name}`, value, beside: `${(value / bare).toFixed(2)} of bare WebCrypto` });
      }
    }
    expect(figures.length).toBeGreaterThan(0);
    report(figures);
  } finally {
    server.close();
  }
});

function serve(folders: Record<string, string>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const [prefix, folder] = Object.entries(folders).find(([known]) => path.startsWith(known)) ?? [];
    const file = folder && prefix ? join(folder, path.slice(prefix.length)) : "";
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, {
      "Content-Type": types[extname(file)] ?? "application/octet-stream",
      // An isolated page has a clock fine enough for 10 KB.
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
