import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders: string[] = [];

process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Makes a folder that is gone when the tests have ended. */
export function scratch(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `sealpost-${purpose}-`));
  folders.push(folder);
  return folder;
}
