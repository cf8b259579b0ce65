// JMAP over WebSocket as a client that nobody here wrote sees it: node's own WebSocket.
// Usage: node --experimental-websocket websocket.mjs SESSION_URL AUTHORIZATION; it speaks of what it is about to see.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";

const [sessionUrl, authorization] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const CORE = "urn:ietf:params:jmap:core", MAIL = "urn:ietf:params:jmap:mail";
const session = await (await fetch(sessionUrl, { headers: { authorization } })).json();
const account = session.primaryAccounts[MAIL];
const capability = session.capabilities["urn:ietf:params:jmap:websocket"];
assert.equal(capability.url, `${sessionUrl.replace("http", "ws").replace("/.well-known/jmap", "/jmap/websocket")}`);
assert.equal(capability.supportsPush, true);

class Socket {
  constructor(options = {}) {
    this.heard = [];
    this.waiting = [];
    this.socket = new WebSocket(capability.url, { protocols: ["jmap"], headers: { authorization }, ...options });
    this.open = new Promise((done) => {
      this.socket.onopen = () => done(true);
      this.socket.onerror = () => done(false);
    });
    this.closed = new Promise((done) => (this.socket.onclose = done));
    this.socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      const waiting = this.waiting.shift();
      waiting ? waiting(message) : this.heard.push(message);
    };
  }
  send(message) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }
  async next() {
    const heard = this.heard.shift() ?? new Promise((done) => this.waiting.push(done));
    const nothing = new Error("nothing came");
    const late = new Promise((_, fail) => setTimeout(() => fail(nothing), 20_000).unref());
    return Promise.race([heard, late]);
  }
  async ask(message) {
    this.send(message);
    return this.next();
  }
}

const request = (id, ...methodCalls) => ({ "@type": "Request", id, using: [CORE, MAIL], methodCalls });
const makeMailbox = (name) => ["Mailbox/set", { accountId: account, create: { k: { name } } }, "c"];

// Who may not open a socket.
assert.equal(await new Socket({ headers: {} }).open, false, "nobody is signed in");
assert.equal(await new Socket({ headers: { authorization: "Bearer wrong" } }).open, false, "a wrong password");
assert.equal(await new Socket({ protocols: ["other"] }).open, false, "another subprotocol");
assert.equal(await new Socket({ headers: { authorization, origin: "https://evil.example" } }).open, false, "another site");

const one = new Socket();
assert.equal(await one.open, true);
assert.equal(one.socket.protocol, "jmap");

// Requests and their answers.
const echo = await one.ask(request("R1", ["Core/echo", { hello: "好" }, "c1"]));
assert.deepEqual([echo["@type"], echo.requestId, echo.methodResponses], ["Response", "R1", [["Core/echo", { hello: "好" }, "c1"]]]);
assert.equal(echo.sessionState, session.state);
const nameless = await one.ask(request(undefined, ["Core/echo", {}, "c1"]));
assert.equal("requestId" in nameless, false);
const unknown = await one.ask(request("R2", ["No/such", {}, "c1"]));
assert.equal(unknown.methodResponses[0][1].type, "unknownMethod");

// What is no request.
const refusal = async (message) => {
  const { "@type": kind, requestId, type, status } = await one.ask(message);
  assert.equal(kind, "RequestError");
  return [requestId, type.split(":").at(-1), status];
};
assert.deepEqual(await refusal("{"), [undefined, "notJSON", 400]);
assert.deepEqual(await refusal({ id: "R3" }), ["R3", "notRequest", 400]);
assert.deepEqual(await refusal({ ...request("R4"), using: ["urn:x"] }), ["R4", "unknownCapability", 400]);
const many = Array.from({ length: 33 }, (_, place) => ["Core/echo", {}, `c${place}`]);
assert.deepEqual(await refusal(request("R5", ...many)), ["R5", "limit", 400]);
assert.deepEqual(await refusal(" ".repeat(session.capabilities[CORE].maxSizeRequest + 1)), [undefined, "limit", 413]);

// Many at once: each is answered, or refused for the announced limit.
for (let place = 0; place < 40; place++) one.send(request(`M${place}`, ["Mailbox/get", { accountId: account, ids: null }, "c"]));
const answers = await Promise.all(Array.from({ length: 40 }, () => one.next()));
assert.equal(new Set(answers.map((answer) => answer.requestId)).size, 40);
for (const answer of answers) {
  if (answer["@type"] === "RequestError") assert.equal(answer.limit, "maxConcurrentRequests");
  else assert.equal(answer.methodResponses[0][0], "Mailbox/get");
}

// Push: only to whom wants it, of what they want.
const two = new Socket();
await two.open;
two.send({ "@type": "WebSocketPushEnable", dataTypes: ["Mailbox"] });
await two.ask(request("ready", ["Core/echo", {}, "c"]));
await one.ask(request("R6", makeMailbox("first")));
const change = await two.next();
assert.equal(change["@type"], "StateChange");
assert.deepEqual(Object.keys(change.changed), [account]);
assert.deepEqual(Object.keys(change.changed[account]), ["Mailbox"]);
assert.equal(typeof change.pushState, "string");

// What was missed between is told when the client comes back with its push state.
two.send({ "@type": "WebSocketPushDisable" });
await two.ask(request("off", ["Core/echo", {}, "c"]));
await one.ask(request("R7", makeMailbox("second")));
two.send({ "@type": "WebSocketPushEnable", dataTypes: null, pushState: change.pushState });
const missed = await two.next();
assert.notEqual(missed.changed[account].Mailbox, change.changed[account].Mailbox);
assert.notEqual(missed.pushState, change.pushState);
two.send({ "@type": "WebSocketPushEnable", dataTypes: null, pushState: missed.pushState });
assert.equal((await two.ask(request("quiet", ["Core/echo", {}, "c"])))["@type"], "Response", "nothing was missed");

// Only text is taken.
const three = new Socket();
await three.open;
three.socket.send(new Uint8Array([123, 125]));
assert.equal((await three.closed).code, 1003);

// A revoked password asks nothing and hears nothing any more.
console.log("revoke");
await lines.next();
one.send(request("R8", ["Core/echo", {}, "c"]));
assert.equal((await one.closed).code, 1008);
console.log("touch");
await two.closed;
assert.equal(two.heard.length, 0);
console.log("done");
process.exit(0);
