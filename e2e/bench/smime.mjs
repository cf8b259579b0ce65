// Each contender signs with SHA-256 over the content, opaque, and encrypts the result with AES-256 to one
// recipient; opening decrypts and verifies. One job is one kind of keys, one cipher and one size.
import * as bare from "./bare.mjs";
import * as forge from "./forge.mjs";
import { rsaKeys } from "./keys.mjs";
import * as pkijs from "./pkijs.mjs";
import * as sealpost from "./sealpost.mjs";
import { watched } from "./stages.mjs";

const contenders = { bare, sealpost, "PKI.js": pkijs, forge };
const rsa = await rsaKeys();
for (const contender of Object.values(contenders)) await contender.prepare(rsa);

/** Times in milliseconds by contender and operation, or the reason why a contender cannot do the job. */
globalThis.measure = async ({ keys, cipher, bytes, rounds }) => {
  const content = noise(bytes);
  const times = {};
  const cannot = {};
  const isWarm = warmth();
  for (let counted = 0; counted < rounds; ) {
    const warm = isWarm();
    for (const [name, contender] of Object.entries(contenders)) {
      cannot[name] ??= contender.refuses(keys, cipher);
      if (cannot[name]) continue;
      // Once for nothing, so that a small job does not pay for what the contender before left in the caches.
      if (bytes < 100_000) await contender.open(keys, cipher, await contender.seal(keys, cipher, content));
      const [sealing, sealed] = await timed(() => contender.seal(keys, cipher, content));
      const [opening, opened] = await timed(() => contender.open(keys, cipher, sealed));
      if (opened !== bytes) throw new Error(`${name} opened ${opened} of ${bytes} bytes`);
      if (!warm) continue;
      ((times[name] ??= {}).seal ??= []).push(sealing);
      times[name].open ??= [];
      times[name].open.push(opening);
    }
    if (warm) counted += 1;
  }
  return { times, cannot };
};

/** Whole letters with an attachment: MIME and base64 as well, as the engine makes and reads them. */
globalThis.measureLetter = async ({ bytes, rounds }) => {
  const file = noise(bytes);
  const times = { seal: [], open: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const [sealing, letter] = await timed(() => sealpost.sealLetter(file));
    const [opening, opened] = await timed(() => sealpost.openLetter(letter));
    if (opened !== bytes) throw new Error(`opened ${opened} of ${bytes} bytes`);
    if (round === 0) continue;
    times.seal.push(sealing);
    times.open.push(opening);
  }
  return times;
};

/** Sealing to many P-256 recipients, beside as many bare ECDH operations. */
globalThis.measureCrowd = async ({ people, bytes, rounds }) => {
  const content = noise(bytes);
  const points = await bare.crowd(people);
  await sealpost.invite(points.map((one) => one.spki));
  const times = { agree: [], "import and agree": [], seal: [] };
  const before = sealpost.memory();
  for (let round = 0; round <= rounds; round += 1) {
    const agreeing = await timed(() => bare.agreeWithAll(points.map((one) => one.key)));
    const importing = await timed(() => bare.importAndAgree(points.map((one) => one.raw)));
    const sealing = await timed(() => sealpost.sealToAll(content));
    if (round === 0) continue;
    times.agree.push(agreeing[0]);
    times["import and agree"].push(importing[0]);
    times.seal.push(sealing[0]);
  }
  return { times, grown: sealpost.memory() - before };
};

/** Where the time of Sealpost goes: each WebCrypto operation, and everything outside of them. */
globalThis.measureStages = async ({ keys, cipher, bytes, rounds }) => {
  const content = noise(bytes);
  const stages = { seal: [], open: [] };
  for (let round = 0; round <= rounds; round += 1) {
    let sealed;
    const sealing = await watched(async () => (sealed = await sealpost.seal(keys, cipher, content)));
    const opening = await watched(() => sealpost.open(keys, cipher, sealed));
    if (round === 0) continue;
    stages.seal.push(sealing);
    stages.open.push(opening);
  }
  return stages;
};

/** Does one thing over and over, to be looked at from outside. */
globalThis.repeat = async ({ keys, cipher, bytes, rounds }) => {
  const content = noise(bytes);
  for (let round = 0; round < rounds; round += 1) {
    await sealpost.open(keys, cipher, await sealpost.seal(keys, cipher, content));
  }
};

/** One half of a letter's way, alone: what it holds in memory is looked at from outside. */
globalThis.letter = {
  file: undefined,
  prepare(bytes) {
    this.file = noise(bytes);
    return sealpost.memory();
  },
  async seal() {
    this.sealed = await sealpost.sealLetter(this.file);
    return { length: this.sealed.byteLength, memory: sealpost.memory() };
  },
  async open() {
    return { length: await sealpost.openLetter(this.sealed), memory: sealpost.memory() };
  },
};

/**
 * Tells at the start of each round whether it counts: what is compiled while it runs is not what is compared.
 *
 * For all contenders alike, at least one round does not, and no more than 1000 or than begin in two seconds.
 */
function warmth() {
  const began = performance.now();
  let round = -1;
  return () => {
    round += 1;
    return round > 0 && (round >= 1000 || performance.now() - began > 2000);
  };
}

function noise(bytes) {
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65536) crypto.getRandomValues(content.subarray(at, Math.min(at + 65536, bytes)));
  return content;
}

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

globalThis.ready = true;
