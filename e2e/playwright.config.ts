import { defineConfig } from "@playwright/test";

// Chromium refuses its sandbox to root; the other switches keep it from calling home.
const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** One story at a time: each starts relays and browsers of its own, on a machine that may be small. */
export default defineConfig({
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"], ["json", { outputFile: "test-results/report.json" }]],
  outputDir: "test-results/stories",
  use: {
    actionTimeout: 20_000,
    locale: "en-GB",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [...sandbox, ...quiet],
    },
  },
  projects: [
    { name: "stories", testDir: "stories", testMatch: "*.ts" },
    { name: "pictures", testDir: "pictures", testMatch: "*.ts" },
    { name: "bench", testDir: "bench", testMatch: "*.bench.ts" },
  ],
});
