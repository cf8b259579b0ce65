/** A real Postfix on loopback, apart from the machine's own, that takes mail for `outside.example`. */
import { chownSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { attempt, freePort, run, until } from "./process";

export class Postfix {
  // Its own lock and queue paths must be short, and its user must be able to reach them.
  readonly folder = mkdtempSync("/tmp/sealpost-postfix-");
  private constructor(readonly port: number) {}

  static async start(): Promise<Postfix> {
    const postfix = new Postfix(await freePort());
    postfix.configure();
    postfix.command("start");
    await until("Postfix listens", () => attempt("swaks", ["--server", "127.0.0.1", "--port", String(postfix.port), "--quit-after", "HELO"]).status === 0);
    return postfix;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The messages that were delivered to `user`, oldest first. */
  mail(user: string): Buffer[] {
    const folder = join(this.folder, "mail", user, "new");
    if (!existsSync(folder)) return [];
    return readdirSync(folder).sort().map((name) => readFileSync(join(folder, name)));
  }

  /** Waits until `user` has `count` messages and returns them. */
  async received(user: string, count: number): Promise<Buffer[]> {
    await until(`Postfix delivers ${count} to ${user}; its log: ${this.log()}`, () => this.mail(user).length >= count);
    return this.mail(user);
  }

  log(): string {
    const file = join(this.folder, "log");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-12).join("\n") : "none";
  }

  stop(): void {
    this.command("stop");
    rmSync(this.folder, { recursive: true, force: true });
  }

  private command(verb: string): void {
    run("/usr/sbin/postfix", ["-c", join(this.folder, "etc"), verb]);
  }

  private configure(): void {
    const uid = Number(run("id", ["-u", "postfix"]));
    const gid = Number(run("id", ["-g", "postfix"]));
    chmodSync(this.folder, 0o755);
    for (const [name, owner] of [["etc", 0], ["queue", 0], ["state", uid], ["mail", uid]] as const) {
      mkdirSync(join(this.folder, name));
      chownSync(join(this.folder, name), owner, owner === 0 ? 0 : gid);
    }
    writeFileSync(join(this.folder, "etc/main.cf"), this.main(uid, gid));
    writeFileSync(join(this.folder, "etc/master.cf"), this.master());
  }

  private main(uid: number, gid: number): string {
    return `compatibility_level = 3.6
queue_directory = ${this.folder}/queue
data_directory = ${this.folder}/state
maillog_file = ${this.folder}/log
maillog_file_prefixes = ${this.folder}
myhostname = mx.outside.example
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = error:only outside.example is served here
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = outside.example, plain.example
virtual_mailbox_base = ${this.folder}/mail
virtual_mailbox_maps = inline:{ {carol@outside.example = carol/}, {rosa@outside.example = rosa/}, {dan@plain.example = dan/} }
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${gid}
virtual_minimum_uid = 1
message_size_limit = 60000000
virtual_mailbox_limit = 0
`;
  }

  private master(): string {
    const services = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
      "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "error unix - - n - - error", "retry unix - - n - - error", "virtual unix - n n - - virtual",
      "anvil unix - - n - 1 anvil", "proxymap unix - - n - - proxymap", "tlsmgr unix - - n 1000? 1 tlsmgr", "showq unix n - n - - showq", "flush unix n - n 1000? 0 flush",
      "postlog unix-dgram n - n - 1 postlogd", "pickup unix n - n 60 1 pickup"];
    return `127.0.0.1:${this.port} inet n - n - - smtpd\n${services.join("\n")}\n`;
  }
}
