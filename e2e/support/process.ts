/** Programs that a story starts, and ports for them. */
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";

/** Runs a program to its end and returns what it printed; throws with its complaint if it fails. */
export function run(program: string, args: string[], input?: string | Buffer): Buffer {
  const done = spawnSync(program, args, { input, maxBuffer: 256 << 20 });
  if (done.error) throw done.error;
  if (done.status !== 0) {
    throw new Error(`${program} ${args.join(" ")} ended with ${done.status}: ${done.stderr}${done.stdout}`);
  }
  return done.stdout;
}

/** Like `run`, but the answer may be a failure. */
export function attempt(program: string, args: string[], input?: string | Buffer) {
  const done = spawnSync(program, args, { input, maxBuffer: 256 << 20 });
  if (done.error) throw done.error;
  return { status: done.status, output: `${done.stdout}${done.stderr}` };
}

/** Waits until `ready` says so, or gives up with what was waited for. */
export async function until(what: string, ready: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await ready())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A port on loopback that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
