/** Words that must never be readable outside of the browsers, and the search for them. */
import { randomInt } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const consonants = "bcdfghjklmnprstvwz";
const vowels = "aeiou";

/** A word of 16 letters that occurs nowhere else. */
export function canary(): string {
  const pick = (letters: string) => letters[randomInt(letters.length)];
  return Array.from({ length: 8 }, () => `${pick(consonants)}${pick(vowels)}`).join("");
}

/** Eight Chinese characters that occur nowhere else together. */
export function chineseCanary(): string {
  return Array.from({ length: 8 }, () => String.fromCodePoint(0x4e00 + randomInt(0x5000))).join("");
}

/** Every way in which `word` could lie in a file. */
export function disguises(word: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const plain = Buffer.from(word);
  found.set("plain", plain);
  found.set("capitals", Buffer.from(word.toUpperCase()));
  found.set("UTF-16LE", Buffer.from(word, "utf16le"));
  found.set("UTF-16BE", Buffer.from(word, "utf16le").swap16());
  found.set("hexadecimal", Buffer.from(plain.toString("hex")));
  const hex = [...plain].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
  found.set("quoted-printable", Buffer.from(hex.map((byte) => `=${byte}`).join("")));
  found.set("percent-encoded", Buffer.from(hex.map((byte) => `%${byte}`).join("")));
  if (plain.length > word.length) {
    const escaped = [...word].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
    found.set("JSON escapes", Buffer.from(escaped.join("")));
  }
  for (const [name, bytes] of [["", plain], [" of UTF-16LE", Buffer.from(word, "utf16le")]] as const) {
    for (const shift of [0, 1, 2]) {
      // Letters at the edges depend on the neighbours, so only those between them are searched for.
      const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
      const inner = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
      found.set(`base64 shifted by ${shift}${name}`, Buffer.from(inner));
      found.set(`base64url shifted by ${shift}${name}`, Buffer.from(inner.replaceAll("+", "-").replaceAll("/", "_")));
    }
  }
  return found;
}

export interface Finding {
  file: string;
  word: string;
  disguise: string;
}

/** Searches every file under `folders` for every word in every disguise. */
export function search(folders: string[], words: string[]): Finding[] {
  const patterns = words.flatMap((word) => [...disguises(word)].map(([disguise, bytes]) => ({ word, disguise, bytes })));
  const findings: Finding[] = [];
  for (const file of folders.flatMap(filesUnder)) {
    // Line breaks inside of base64 and quoted-printable text would hide a word.
    const raw = readFileSync(file);
    const joined = Buffer.from(raw.toString("latin1").replace(/=?\r?\n[ \t]?/g, ""), "latin1");
    for (const { word, disguise, bytes } of patterns) {
      if (raw.includes(bytes) || joined.includes(bytes)) findings.push({ file, word, disguise });
    }
  }
  return findings;
}

/** How many bytes the search has to look at. */
export function sizeOf(folders: string[]): number {
  return folders.flatMap(filesUnder).reduce((sum, file) => sum + readFileSync(file).length, 0);
}

function filesUnder(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
