/** What is inside of a SignedData, read with a library that knows nothing of Sealpost. */
import { fromBER, type AsnType } from "asn1js";
import { ContentInfo, SignedData } from "pkijs";

/** id-aa-timeStampToken (RFC 3161, appendix A). */
const timeStampToken = "1.2.840.113549.1.9.16.2.14";

/** The first signer's signature, and the timestamp token over it. */
export function timestamped(signedData: Buffer): { signature: Buffer; token: Buffer } {
  const outer = new ContentInfo({ schema: fromBER(signedData).result });
  const signer = new SignedData({ schema: outer.content as AsnType }).signerInfos[0];
  if (!signer) throw new Error("nobody signed");
  const attribute = signer.unsignedAttrs?.attributes.find((candidate) => candidate.type === timeStampToken);
  const token = attribute?.values[0] as AsnType | undefined;
  if (!token) throw new Error("the signature carries no timestamp");
  return { signature: Buffer.from(signer.signature.valueBlock.valueHexView), token: Buffer.from(token.toBER()) };
}
