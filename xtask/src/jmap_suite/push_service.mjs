// A push service on this machine, in the place of the public one that the suite asks for: what is posted
// to a channel comes out of its event stream.
import https from "node:https";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

const folder = process.env.PUSH_SERVICE;
const channels = new Map();

function take(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString());
    channels.get(request.url)?.write(`data: ${JSON.stringify({ body })}\n\n`);
    response.writeHead(201).end();
  });
}

function show(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("event: ready\ndata: {}\n\n");
  channels.set(request.url, response);
  request.on("close", () => channels.delete(request.url));
}

const keys = { key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`) };
const server = https.createServer(keys, (request, response) =>
  request.method === "GET" ? show(request, response) : take(request, response),
);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
server.unref();

const origin = `https://localhost:${server.address().port}`;
const fetchOverNet = globalThis.fetch;
globalThis.fetch = (url, options) => {
  if (url !== "https://smee.io/new") return fetchOverNet(url, options);
  const headers = { location: `${origin}/${randomUUID()}` };
  return Promise.resolve(new Response(null, { status: 307, headers }));
};
