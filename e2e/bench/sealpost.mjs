// The engine's own code, compiled as `app/src/bin/bench.rs`.
import init from "/sealpost/bench.js";

await init({ module_or_path: "/sealpost/bench.wasm" });
const program = await globalThis.sealpostBench();

export const seal = (content) => program.seal(content);
export const open = (sealed) => program.open(sealed);
