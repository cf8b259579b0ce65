// node-forge, which knows RSA and CBC only and is written in JavaScript throughout. It signs, but has no
// verification of signatures in CMS: it opens without knowing who signed.
const { forge } = globalThis;
let signer;
let reader;

export async function prepare(rsa) {
  signer = person(rsa.signing, "Signer");
  reader = person(rsa.encryption, "Reader");
}

export function refuses(keys, cipher) {
  if (keys !== "RSA-2048") return "no elliptic curves in CMS";
  return cipher === "CBC" ? undefined : "no AuthEnvelopedData";
}

/** What it leaves out of opening. */
export const omits = "decrypts, cannot verify";

export async function seal(keys, cipher, content) {
  const signed = forge.pkcs7.createSignedData();
  signed.content = forge.util.createBuffer(content);
  signed.addCertificate(signer.certificate);
  const { contentType, messageDigest, signingTime, data } = forge.pki.oids;
  const authenticatedAttributes = [{ type: contentType, value: data }, { type: messageDigest }, { type: signingTime, value: new Date() }];
  signed.addSigner({ key: signer.key, certificate: signer.certificate, digestAlgorithm: forge.pki.oids.sha256, authenticatedAttributes });
  signed.sign();
  const enveloped = forge.pkcs7.createEnvelopedData();
  enveloped.addRecipient(reader.certificate);
  enveloped.content = forge.asn1.toDer(signed.toAsn1());
  enveloped.encrypt();
  return forge.util.binary.raw.decode(forge.asn1.toDer(enveloped.toAsn1()).getBytes());
}

export async function open(keys, cipher, sealed) {
  const enveloped = forge.pkcs7.messageFromAsn1(forge.asn1.fromDer(forge.util.createBuffer(sealed)));
  enveloped.decrypt(enveloped.recipients[0], reader.key);
  const signed = forge.pkcs7.messageFromAsn1(forge.asn1.fromDer(enveloped.content.getBytes()));
  return signed.rawCapture.content.value[0].value.length;
}

function person({ pkcs8, spki }, name) {
  const key = forge.pki.privateKeyFromAsn1(forge.asn1.fromDer(forge.util.createBuffer(pkcs8)));
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromAsn1(forge.asn1.fromDer(forge.util.createBuffer(spki)));
  certificate.serialNumber = "01";
  certificate.validity.notBefore = new Date(Date.now() - 86_400_000);
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  certificate.setSubject([{ name: "commonName", value: name }]);
  certificate.setIssuer([{ name: "commonName", value: name }]);
  certificate.sign(key, forge.md.sha256.create());
  return { key, certificate };
}
