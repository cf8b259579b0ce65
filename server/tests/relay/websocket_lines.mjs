// Asks each line of the input over one WebSocket and writes what is answered, a line each.
// Usage: node --experimental-websocket websocket_lines.mjs URL AUTHORIZATION
import { createInterface } from "node:readline";

const [url, authorization] = process.argv.slice(2);
const socket = new WebSocket(url, { protocols: ["jmap"], headers: { authorization } });
await new Promise((open) => (socket.onopen = open));
for await (const line of createInterface({ input: process.stdin })) {
  const answer = new Promise((heard) => (socket.onmessage = heard));
  socket.send(line);
  console.log((await answer).data);
}
process.exit(0);
