// The RSA keys that every contender uses; P-256 keys are cheap, so each makes its own.
const { subtle } = crypto;
const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };

/** One key pair to sign and one to encrypt, as CryptoKeys and as bytes. */
export async function rsaKeys() {
  const signing = await subtle.generateKey({ name: "RSASSA-PKCS1-v1_5", ...rsa }, true, ["sign", "verify"]);
  const encryption = await subtle.generateKey({ name: "RSA-OAEP", ...rsa }, true, ["encrypt", "decrypt"]);
  return { signing: await exported(signing), encryption: await exported(encryption) };
}

async function exported(pair) {
  const pkcs8 = await subtle.exportKey("pkcs8", pair.privateKey);
  const spki = await subtle.exportKey("spki", pair.publicKey);
  return { ...pair, pair, pkcs8: new Uint8Array(pkcs8), spki: new Uint8Array(spki) };
}
