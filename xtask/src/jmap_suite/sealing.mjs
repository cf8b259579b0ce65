// Seals what the suite uploads, as a client of a sealed account would: OpenSSL encrypts the whole to a certificate
// that is nobody's, and outside stay the fields that move a message. A file that is no message is put into one.
import { execFileSync } from "node:child_process";

const certificate = `${process.env.PUSH_SERVICE}/cert.pem`;
const STRUCTURAL = /^(from|sender|reply-to|to|cc|date|message-id|in-reply-to|references):/i;

function seal(bytes) {
  const text = bytes.toString("latin1");
  const end = text.search(/\r?\n\r?\n/);
  const isMessage = end > 0 && /^[!-9;-~]+:/.test(text);
  const fields = isMessage ? text.slice(0, end).split(/\r?\n(?![ \t])/) : [];
  const outer = fields.filter((field) => STRUCTURAL.test(field));
  const cms = execFileSync("openssl", ["cms", "-encrypt", "-aes-256-cbc", certificate], { input: bytes });
  return Buffer.from(`${outer.map((field) => `${field}\r\n`).join("")}${cms.toString().replace(/\r?\n/g, "\r\n")}`, "latin1");
}

const fetchInClear = globalThis.fetch;
globalThis.fetch = (url, options) => {
  const isUpload = options?.method === "POST" && String(url).includes("/jmap/upload/");
  return fetchInClear(url, isUpload ? { ...options, body: seal(Buffer.from(options.body)) } : options);
};

// A test that fails before it reads its event stream leaves the stream to be aborted, which is nobody's promise then.
process.on("unhandledRejection", () => {});
