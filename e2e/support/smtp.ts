/** Mail from outside: swaks for letters, and a plain socket where the answers themselves matter. */
import { type Socket, connect } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "./process";
import { scratch } from "./scratch";

/** Sends a whole message with swaks; throws unless the server took it. `source` is what a proxy says of where it is from. */
export function send(port: number, from: string, to: string, message: string | Buffer, source?: string): string {
  const file = join(scratch("letter"), "letter.eml");
  writeFileSync(file, message);
  const proxy = source ? ["--proxy", `TCP4 ${source} 127.0.0.1 40000 25`] : [];
  return run("swaks", ["--server", "127.0.0.1", "--port", String(port), "--from", from, "--to", to, "--helo", "outside.example", "--data", `@${file}`, ...proxy]).toString();
}

/** One SMTP connection, one command at a time. */
export class Session {
  private buffered = "";
  private waiting: ((reply: string) => void) | undefined;
  private ended = false;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk) => {
      this.buffered += chunk.toString("latin1");
      this.pass();
    });
    for (const event of ["close", "error"]) {
      socket.on(event, () => {
        this.ended = true;
        this.pass();
      });
    }
  }

  static async open(port: number): Promise<Session> {
    const session = new Session(connect(port, "127.0.0.1"));
    await session.reply();
    await session.say("EHLO outside.example");
    return session;
  }

  /** Sends a line and returns the reply, or an empty string if the connection was lost. */
  async say(line: string): Promise<string> {
    if (!this.ended) this.socket.write(`${line}\r\n`);
    return this.reply();
  }

  /** Hands a letter over; true only if the server answered 250 to it. */
  async deliver(from: string, to: string, message: string): Promise<boolean> {
    if (!(await this.say(`MAIL FROM:<${from}>`)).startsWith("250")) return false;
    if (!(await this.say(`RCPT TO:<${to}>`)).startsWith("250")) return false;
    if (!(await this.say("DATA")).startsWith("354")) return false;
    return (await this.say(`${message}\r\n.`)).startsWith("250");
  }

  close(): void {
    this.socket.destroy();
  }

  private reply(): Promise<string> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.pass();
    });
  }

  private pass(): void {
    const whole = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/.exec(this.buffered);
    if (!this.waiting || (!whole && !this.ended)) return;
    const waiting = this.waiting;
    this.waiting = undefined;
    this.buffered = this.buffered.slice(whole?.[0].length ?? 0);
    waiting(whole?.[0] ?? "");
  }
}
