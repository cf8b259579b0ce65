// The engine's own code, compiled as `app/src/bin/bench.rs`.
import init from "/sealpost/bench.js";

await init({ module_or_path: "/sealpost/bench.wasm" });
let program;

export async function prepare(rsa) {
  program = await globalThis.sealpostBench(rsa);
}

export function refuses() {
  return undefined;
}

export const seal = (keys, cipher, content) => program.seal(keys, cipher, content);
export const open = (keys, cipher, sealed) => program.open(keys, sealed);
export const sealLetter = (file) => program.seal_letter(file);
export const openLetter = (letter) => program.open_letter(letter);
export const invite = (spkis) => program.invite(spkis);
export const sealToAll = (content) => program.seal_to_all(content);
export const memory = () => program.memory();
