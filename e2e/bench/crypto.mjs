// Each contender signs with ECDSA P-256 and SHA-256 over the content inside, and encrypts the result to
// one ECDH P-256 recipient with AES-256; opening decrypts and verifies the signature.
import * as bare from "./bare.mjs";
import * as pkijs from "./pkijs.mjs";
import * as sealpost from "./sealpost.mjs";

const contenders = { sealpost, "PKI.js": pkijs, bare };

globalThis.measure = async (bytes, rounds) => {
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65536) crypto.getRandomValues(content.subarray(at, Math.min(at + 65536, bytes)));
  const times = {};
  // The first round is warmth for all and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, contender] of Object.entries(contenders)) {
      const [sealing, sealed] = await timed(() => contender.seal(content));
      const [opening, opened] = await timed(() => contender.open(sealed));
      if (opened !== bytes) throw new Error(`${name} opened ${opened} of ${bytes} bytes`);
      if (round === 0) continue;
      (times[`${name} seal`] ??= []).push(sealing);
      (times[`${name} open`] ??= []).push(opening);
    }
  }
  return times;
};

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}
