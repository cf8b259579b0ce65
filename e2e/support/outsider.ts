/** A person elsewhere who uses OpenSSL, or `sealpost-agent` for what that cannot write, with an authority, a key and a certificate of their own. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "./process";
import { scratch } from "./scratch";

const agent = process.env.SEALPOST_AGENT ?? join(import.meta.dirname, "../../target/debug/sealpost-agent");

export type KeyKind = "P-256" | "RSA-2048";

export class Outsider {
  readonly folder = scratch("outsider");
  readonly authority = this.file("authority.pem");
  readonly certificate = this.file("certificate.pem");
  readonly key = this.file("key.pem");

  constructor(
    readonly name: string,
    readonly address: string,
    kind: KeyKind,
  ) {
    const authorityKey = this.file("authority-key.pem");
    const extensions = this.file("extensions.cnf");
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    const algorithm = kind === "P-256" ? ec : ["-newkey", "rsa:2048"];
    run("openssl", ["req", "-x509", ...ec, "-noenc", "-keyout", authorityKey, "-out", this.authority, "-days", "30", "-subj", `/CN=Authority of ${name}`,
      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
    const usage = kind === "P-256" ? "digitalSignature,keyAgreement" : "digitalSignature,keyEncipherment";
    writeFileSync(extensions, `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,${usage}\nextendedKeyUsage=emailProtection\nsubjectAltName=email:${address}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n`);
    const request = run("openssl", ["req", "-new", ...algorithm, "-noenc", "-keyout", this.key, "-subj", `/CN=${name}`]);
    run("openssl", ["x509", "-req", "-CA", this.authority, "-CAkey", authorityKey, "-days", "20", "-extfile", extensions, "-out", this.certificate], request);
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Writes `content` to a file of theirs and returns its path. */
  keep(name: string, content: string | Buffer): string {
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  /** A signed entity that carries its content inside (application/pkcs7-mime). */
  signOpaque(entity: string): Buffer {
    return run("openssl", ["cms", "-sign", "-nodetach", "-in", this.keep("entity", crlf(entity)), "-binary", "-crlfeol", "-signer", this.certificate, "-inkey", this.key]);
  }

  /** A whole message, signed and readable by all (multipart/signed). */
  signClear(entity: string, headers: Headers): Buffer {
    const signed = run("openssl", ["cms", "-sign", "-in", this.keep("entity", crlf(entity)), "-binary", "-crlfeol", "-signer", this.certificate, "-inkey", this.key]);
    return Buffer.concat([Buffer.from(headerLines(headers)), signed]);
  }

  /** A whole message, encrypted to the certificate at `recipient`. */
  encrypt(entity: Buffer, recipient: string, headers: Headers, cipher = ["-aes-256-gcm"]): Buffer {
    const encrypted = run("openssl", ["cms", "-encrypt", "-binary", "-crlfeol", ...cipher, "-in", this.keep("inner", entity), "-recip", recipient]);
    return Buffer.concat([Buffer.from(headerLines(headers)), encrypted]);
  }

  /** A whole message, signed and encrypted by `sealpost-agent` with these options of its `seal`. */
  seal(message: string, recipient: string, ...options: string[]): Buffer {
    const password = this.keep("password", "secret");
    run("openssl", ["pkcs12", "-export", "-inkey", this.key, "-in", this.certificate, "-passout", `file:${password}`, "-out", this.file("keys.p12")]);
    const from = ["--from", this.file("keys.p12"), "--password-file", password];
    return run(agent, ["seal", ...from, "--to", recipient, ...options, "--out", "-", this.keep("draft.eml", crlf(message))]);
  }

  /** Opens a message that was encrypted to them; fails if OpenSSL does. */
  decrypt(message: string | Buffer): Buffer {
    return run("openssl", ["cms", "-decrypt", "-in", this.keep("received.eml", message), "-recip", this.certificate, "-inkey", this.key]);
  }

  /** Opens a message as programs on NSS do; fails if it does. `received` is a whole message. */
  decryptWithNss(received: Buffer): Buffer {
    const password = this.keep("password", "secret");
    run("openssl", ["pkcs12", "-export", "-inkey", this.key, "-in", this.certificate, "-passout", `file:${password}`, "-out", this.file("keys.p12")]);
    const database = ["-d", `sql:${scratch("nss")}`];
    run("certutil", ["-N", ...database, "--empty-password"]);
    run("pk12util", ["-i", this.file("keys.p12"), ...database, "-w", password, "-K", ""]);
    const structure = run("openssl", ["cms", "-cmsout", "-outform", "DER", "-in", this.keep("received.eml", received)]);
    return run("cmsutil", ["-D", ...database, "-i", this.keep("received.der", structure)]);
  }

  /** Verifies a signed entity against `anchors` and returns its content; fails if OpenSSL does. */
  verify(entity: Buffer, anchors: string): Buffer {
    return run("openssl", ["cms", "-verify", "-purpose", "any", "-CAfile", anchors, "-in", this.keep("signed.eml", entity)]);
  }
}

export interface Headers {
  from: string;
  to: string;
  subject: string;
  messageId: string;
}

function headerLines(headers: Headers): string {
  const date = new Date().toUTCString().replace("GMT", "+0000");
  return `From: ${headers.from}\r\nTo: ${headers.to}\r\nSubject: ${headers.subject}\r\nDate: ${date}\r\nMessage-ID: <${headers.messageId}>\r\n`;
}

export function crlf(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/** The DER of a PEM file. */
export function der(pem: string): Buffer {
  const body = readFileSync(pem, "latin1").replace(/-----[^-]+-----/g, "");
  return Buffer.from(body, "base64");
}

/** DER as a PEM certificate. */
export function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
