/** A server of files for what is measured in a page. */
import { createReadStream, existsSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Record<string, string> = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

export interface Served {
  origin: string;
  close(): void;
}

/** Serves folders, each under its path. */
export function serve(folders: Record<string, string>): Promise<Served> {
  const server: Server = createServer((request, response) => {
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
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      resolve({ origin: `http://localhost:${port}`, close: () => server.close() });
    });
  });
}
