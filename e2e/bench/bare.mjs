// The WebCrypto operations that the job cannot do without, and nothing around them: what no S/MIME in a
// browser can beat.
//
// Counted: the digest of the content, the signature over it and its check; the check of the certificate's
// signature by the root; the ephemeral key and its export or import; the key agreement and one digest to
// derive a key, or RSA-OAEP; the import of the content key; the cipher.
// Not counted, although the job needs it: AES key wrap (RFC 3394), which Sealpost does in WebAssembly; the
// import of public keys out of certificates, since a program may keep those; every structure.
const { subtle } = crypto;
const curve = "P-256";
const ecdsa = { name: "ECDSA", hash: "SHA-256" };
const pkcs1 = { name: "RSASSA-PKCS1-v1_5" };
const oaep = { name: "RSA-OAEP" };
const ecdh = { name: "ECDH", namedCurve: curve };
const root = await subtle.generateKey({ name: "ECDSA", namedCurve: curve }, false, ["sign", "verify"]);
const signer = await subtle.generateKey({ name: "ECDSA", namedCurve: curve }, false, ["sign", "verify"]);
const recipient = await subtle.generateKey(ecdh, false, ["deriveBits"]);
const certificate = crypto.getRandomValues(new Uint8Array(500));
const certified = await subtle.sign(ecdsa, root.privateKey, certificate);
let rsa;

export async function prepare(keys) {
  rsa = keys;
}

export function refuses() {
  return undefined;
}

export async function seal(keys, cipher, content) {
  const parameters = parametersOf(cipher);
  // Signed attributes hold the content's digest, and the signature is over them.
  const digest = await subtle.digest("SHA-256", content);
  const elliptic = keys === "P-256";
  const signature = elliptic ? await subtle.sign(ecdsa, signer.privateKey, digest) : await subtle.sign(pkcs1, rsa.signing.privateKey, digest);
  const { key, carried } = elliptic ? await agreed(parameters) : await transported(parameters);
  return { parameters, digest, signature, carried, ciphertext: await subtle.encrypt(parameters, key, content) };
}

export async function open(keys, cipher, { parameters, signature, carried, ciphertext }) {
  const elliptic = keys === "P-256";
  let raw;
  if (elliptic) {
    const ephemeral = await subtle.importKey("raw", carried, ecdh, false, []);
    raw = await derived(recipient.privateKey, ephemeral);
  } else {
    raw = await subtle.decrypt(oaep, rsa.encryption.privateKey, carried);
  }
  const key = await subtle.importKey("raw", raw, parameters.name, false, ["decrypt"]);
  const content = await subtle.decrypt(parameters, key, ciphertext);
  const digest = await subtle.digest("SHA-256", content);
  const valid = elliptic ? await subtle.verify(ecdsa, signer.publicKey, signature, digest) : await subtle.verify(pkcs1, rsa.signing.publicKey, signature, digest);
  if (!valid || !(await subtle.verify(ecdsa, root.publicKey, certified, certificate))) throw new Error("not verified");
  return content.byteLength;
}

/** Public keys of many, each as a CryptoKey, as a point and as SubjectPublicKeyInfo. */
export async function crowd(people) {
  return Promise.all(
    Array.from({ length: people }, async () => {
      const { publicKey: key } = await subtle.generateKey(ecdh, false, ["deriveBits"]);
      const [raw, spki] = await Promise.all([subtle.exportKey("raw", key), subtle.exportKey("spki", key)]);
      return { key, raw: new Uint8Array(raw), spki: new Uint8Array(spki) };
    }),
  );
}

/** One key agreement with each, all of them asked for at once. */
export async function agreeWithAll(points) {
  const { privateKey } = await subtle.generateKey(ecdh, false, ["deriveBits"]);
  await Promise.all(points.map((point) => subtle.deriveBits({ name: "ECDH", public: point }, privateKey, 256)));
}

/** The same from the points that certificates hold. */
export async function importAndAgree(raw) {
  await agreeWithAll(await Promise.all(raw.map((point) => subtle.importKey("raw", point, ecdh, false, []))));
}

async function agreed(parameters) {
  const ephemeral = await subtle.generateKey(ecdh, false, ["deriveBits"]);
  const carried = await subtle.exportKey("raw", ephemeral.publicKey);
  const raw = await derived(ephemeral.privateKey, recipient.publicKey);
  return { key: await subtle.importKey("raw", raw, parameters.name, false, ["encrypt"]), carried };
}

async function transported(parameters) {
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const carried = await subtle.encrypt(oaep, rsa.encryption.publicKey, raw);
  return { key: await subtle.importKey("raw", raw, parameters.name, false, ["encrypt"]), carried };
}

async function derived(privateKey, publicKey) {
  const secret = await subtle.deriveBits({ name: "ECDH", public: publicKey }, privateKey, 256);
  return subtle.digest("SHA-256", secret);
}

function parametersOf(cipher) {
  const iv = crypto.getRandomValues(new Uint8Array(cipher === "GCM" ? 12 : 16));
  return { name: `AES-${cipher}`, iv };
}
