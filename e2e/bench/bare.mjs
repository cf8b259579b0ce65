// The primitives alone, with no structure around them: what no S/MIME in a browser can beat.
const { subtle } = crypto;
const curve = "P-256";
const ecdsa = { name: "ECDSA", hash: "SHA-256" };
const signer = await subtle.generateKey({ name: "ECDSA", namedCurve: curve }, false, ["sign", "verify"]);
const recipient = await subtle.generateKey({ name: "ECDH", namedCurve: curve }, false, ["deriveBits"]);

export async function seal(content) {
  // Signed attributes hold the content's digest, and the signature is over them.
  const digest = await subtle.digest("SHA-256", content);
  const signature = await subtle.sign(ecdsa, signer.privateKey, digest);
  const ephemeral = await subtle.generateKey({ name: "ECDH", namedCurve: curve }, false, ["deriveBits"]);
  const key = await agreed(ephemeral.privateKey, recipient.publicKey, "encrypt");
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const ciphertext = await subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, content);
  return { signature, ephemeral: ephemeral.publicKey, nonce, ciphertext };
}

export async function open({ signature, ephemeral, nonce, ciphertext }) {
  const key = await agreed(recipient.privateKey, ephemeral, "decrypt");
  const content = await subtle.decrypt({ name: "AES-GCM", iv: nonce }, key, ciphertext);
  const digest = await subtle.digest("SHA-256", content);
  if (!(await subtle.verify(ecdsa, signer.publicKey, signature, digest))) throw new Error("not verified");
  return content.byteLength;
}

async function agreed(privateKey, publicKey, use) {
  const secret = await subtle.deriveBits({ name: "ECDH", public: publicKey }, privateKey, 256);
  return subtle.importKey("raw", await subtle.digest("SHA-256", secret), "AES-GCM", false, [use]);
}
