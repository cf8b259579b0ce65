// Notes when each WebCrypto operation was under way, for one piece of work at a time.
const operations = ["digest", "sign", "verify", "encrypt", "decrypt", "importKey", "exportKey", "generateKey", "deriveBits"];
const originals = Object.fromEntries(operations.map((name) => [name, SubtleCrypto.prototype[name]]));

/** Milliseconds by operation and their number; `outside` is what no operation was under way in. */
export async function watched(work) {
  const spans = [];
  for (const name of operations) SubtleCrypto.prototype[name] = noted(name, spans);
  const began = performance.now();
  try {
    await work();
  } finally {
    Object.assign(SubtleCrypto.prototype, originals);
  }
  const total = performance.now() - began;
  const stages = {};
  let covered = 0;
  let until = began;
  for (const { name, began: from, ended } of spans.sort((a, b) => a.began - b.began)) {
    const fresh = Math.max(0, ended - Math.max(from, until));
    until = Math.max(until, ended);
    covered += fresh;
    stages[name] ??= { count: 0, ms: 0 };
    stages[name].count += 1;
    stages[name].ms += fresh;
  }
  return { total, outside: total - covered, stages };
}

function noted(name, spans) {
  return function (...args) {
    const span = { name, began: performance.now(), ended: Number.NaN };
    spans.push(span);
    const end = () => {
      span.ended = performance.now();
    };
    const promise = originals[name].apply(this, args);
    promise.then(end, end);
    return promise;
  };
}
