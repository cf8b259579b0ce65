/** The real relay, on free ports of loopback, with a data folder of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { freePort, until } from "./process";

const root = resolve(import.meta.dirname, "../..");
const program = process.env.SEALPOST_BIN ?? join(root, "target/debug/sealpost");
const webRoot = process.env.SEALPOST_WEB_ROOT ?? join(root, "dist");

export interface RelayOptions {
  /** Where mail to other domains goes. */
  smarthost?: string;
  /** PEM files of outside authorities that readers here trust. */
  trustAnchors?: string[];
  /** The name server that it asks about senders. Each connection for mail then tells by the PROXY protocol where it is from. */
  nameServer?: string;
  /** How many days its clock is behind. */
  daysBehind?: number;
  /** The greatest message that it takes, in bytes. */
  maxMessageSize?: number;
}

export class Relay {
  readonly folder = mkdtempSync(join(tmpdir(), "sealpost-story-"));
  readonly data = join(this.folder, "data");
  /** Everything that the program printed, over all its starts. */
  readonly output = join(this.folder, "output.log");
  private child: ChildProcess | undefined;
  private daysBehind: number;

  private constructor(
    readonly port: number,
    readonly smtpPort: number,
    private readonly options: RelayOptions,
  ) {
    this.daysBehind = options.daysBehind ?? 0;
  }

  static async start(options: RelayOptions = {}): Promise<Relay> {
    const relay = new Relay(await freePort(), await freePort(), options);
    await relay.start();
    return relay;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  async start(): Promise<void> {
    const config = join(this.folder, "sealpost.toml");
    writeFileSync(config, this.config());
    const child = spawn(program, ["serve", "--config", config], { stdio: ["ignore", "pipe", "pipe"], env: this.environment() });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
      appendFileSync(this.output, chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => appendFileSync(this.output, chunk));
    appendFileSync(this.output, "");
    this.child = child;
    await until("the relay is ready", () => {
      if (child.exitCode !== null) throw new Error(`the relay ended with ${child.exitCode}: ${readFileSync(this.output, "utf8").slice(-2000)}`);
      return printed.includes("Sealpost is ready");
    });
  }

  /** Runs a command of the program on the same data, and gives what it printed. */
  run(...command: string[]): string {
    return execFileSync(program, [...command, "--config", join(this.folder, "sealpost.toml")], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  }

  /** Stops it as a service manager would. */
  async stop(): Promise<number | null> {
    return this.end("SIGTERM");
  }

  /** Starts it again with its clock right. */
  async startOnTime(): Promise<void> {
    await this.stop();
    this.daysBehind = 0;
    await this.start();
  }

  /** Stops it as a power cut would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Stops it and removes its data. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
    return child.exitCode;
  }

  /** Without the command `faketime` around it, which hands no signal on. */
  private environment(): NodeJS.ProcessEnv {
    if (this.daysBehind === 0) return process.env;
    const FAKETIME = `-${this.daysBehind}d`;
    const preload = execFileSync("faketime", ["-m", "-f", FAKETIME, "printenv", "LD_PRELOAD"], { encoding: "utf8" });
    return { ...process.env, FAKETIME, LD_PRELOAD: preload.trim() };
  }

  private config(): string {
    const lines = [
      `listen = "127.0.0.1:${this.port}"`,
      `smtp_listen = "127.0.0.1:${this.smtpPort}"`,
      `data = ${JSON.stringify(this.data)}`,
      `web_root = ${JSON.stringify(webRoot)}`,
      "demo = true",
    ];
    if (this.options.smarthost) lines.push(`smarthost = ${JSON.stringify(this.options.smarthost)}`);
    if (this.options.trustAnchors) lines.push(`trust_anchors = ${JSON.stringify(this.options.trustAnchors)}`);
    if (this.options.maxMessageSize) lines.push(`max_message_size = ${this.options.maxMessageSize}`);
    if (this.options.nameServer) lines.push('proxy_networks = ["127.0.0.0/8"]', `dns_servers = ["${this.options.nameServer}"]`);
    return `${lines.join("\n")}\n`;
  }
}
