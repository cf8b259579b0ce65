// PKI.js with its defaults where it has them. It has no AuthEnvelopedData, so its cipher is AES-256-CBC.
import * as asn1js from "asn1js";
import * as pkijs from "pkijs";

// Its parser refuses more than 16 MB, and what its own writer makes of that, unless told otherwise.
const limits = { maxContentLength: 64 << 20, maxNodes: 1_000_000 };

pkijs.setEngine("browser", new pkijs.CryptoEngine({ name: "browser", crypto }));

const people = {};

export async function prepare(rsa) {
  const curve = { namedCurve: "P-256" };
  const signing = await crypto.subtle.generateKey({ name: "ECDSA", ...curve }, true, ["sign", "verify"]);
  const agreeing = await crypto.subtle.generateKey({ name: "ECDH", ...curve }, true, ["deriveBits", "deriveKey"]);
  people["P-256"] = { signer: await person("Signer", signing, signing), recipient: await person("Reader", agreeing, signing) };
  const [signs, reads] = [rsa.signing.pair, rsa.encryption.pair];
  people["RSA-2048"] = { signer: await person("Signer", signs, signs), recipient: await person("Reader", reads, signs) };
}

export function refuses(keys, cipher) {
  return cipher === "CBC" ? undefined : "no AuthEnvelopedData";
}

/** What it leaves out of opening. */
export const omits = "checks no path";

/** A key pair with its certificate. */
async function person(name, keys, issuer) {
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  certificate.serialNumber = new asn1js.Integer({ value: name.length });
  for (const side of [certificate.issuer, certificate.subject]) {
    side.typesAndValues.push(new pkijs.AttributeTypeAndValue({ type: "2.5.4.3", value: new asn1js.Utf8String({ value: name }) }));
  }
  certificate.notBefore.value = new Date(Date.now() - 86_400_000);
  certificate.notAfter.value = new Date(Date.now() + 86_400_000);
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey);
  await certificate.sign(issuer.privateKey, "SHA-256");
  return { keys, certificate };
}

export async function seal(keys, cipher, content) {
  const { signer, recipient } = people[keys];
  const signed = new pkijs.SignedData({
    version: 1,
    encapContentInfo: new pkijs.EncapsulatedContentInfo({ eContentType: pkijs.ContentInfo.DATA, eContent: new asn1js.OctetString({ valueHex: content.buffer }) }),
    signerInfos: [new pkijs.SignerInfo({ version: 1, sid: new pkijs.IssuerAndSerialNumber({ issuer: signer.certificate.issuer, serialNumber: signer.certificate.serialNumber }) })],
    certificates: [signer.certificate],
  });
  signed.signerInfos[0].signedAttrs = new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes: await attributes(content) });
  await signed.sign(signer.keys.privateKey, 0, "SHA-256", content.buffer);
  const inner = new pkijs.ContentInfo({ contentType: pkijs.ContentInfo.SIGNED_DATA, content: signed.toSchema(true) }).toSchema().toBER(false);
  const enveloped = new pkijs.EnvelopedData();
  enveloped.addRecipientByCertificate(recipient.certificate, { oaepHashAlgorithm: "SHA-256" }, keys === "P-256" ? 2 : 1);
  await enveloped.encrypt({ name: "AES-CBC", length: 256 }, inner);
  return new pkijs.ContentInfo({ contentType: pkijs.ContentInfo.ENVELOPED_DATA, content: enveloped.toSchema() }).toSchema().toBER(false);
}

export async function open(keys, cipher, sealed) {
  const { recipient } = people[keys];
  const outer = new pkijs.ContentInfo({ schema: asn1js.fromBER(sealed, limits).result });
  const enveloped = new pkijs.EnvelopedData({ schema: outer.content });
  const inner = await enveloped.decrypt(0, { recipientCertificate: recipient.certificate, recipientPrivateKey: recipient.keys.privateKey });
  const info = new pkijs.ContentInfo({ schema: asn1js.fromBER(inner, limits).result });
  const signed = new pkijs.SignedData({ schema: info.content });
  if (!(await signed.verify({ signer: 0, checkChain: false }))) throw new Error("not verified");
  return signed.encapContentInfo.eContent.getValue().byteLength;
}

async function attributes(content) {
  const digest = await crypto.subtle.digest("SHA-256", content);
  return [
    new pkijs.Attribute({ type: "1.2.840.113549.1.9.3", values: [new asn1js.ObjectIdentifier({ value: pkijs.ContentInfo.DATA })] }),
    new pkijs.Attribute({ type: "1.2.840.113549.1.9.5", values: [new asn1js.UTCTime({ valueDate: new Date() })] }),
    new pkijs.Attribute({ type: "1.2.840.113549.1.9.4", values: [new asn1js.OctetString({ valueHex: digest })] }),
  ];
}
