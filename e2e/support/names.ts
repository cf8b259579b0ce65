/** A real Knot DNS on loopback that serves the zone `example`. */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { freePort, until } from "./process";
import { scratch } from "./scratch";

export class Names {
  private constructor(
    readonly address: string,
    private readonly knot: ChildProcess,
  ) {}

  static async start(records: string[]): Promise<Names> {
    const folder = scratch("names");
    const port = await freePort();
    writeFileSync(join(folder, "example.zone"), ["example. 60 SOA ns.example. root.example. 1 60 60 600 60", "example. NS ns.example.", ...records, ""].join("\n"));
    const config = `server:\n  rundir: "${folder}"\n  listen: 127.0.0.1@${port}\ndatabase:\n  storage: "${folder}"\nzone:\n- domain: example\n  file: "${folder}/example.zone"\n  zonefile-load: whole\n  journal-content: none\n`;
    writeFileSync(join(folder, "knot.conf"), config);
    const knot = spawn("/usr/sbin/knotd", ["-c", join(folder, "knot.conf")], { stdio: "ignore" });
    await until("Knot listens", () => listens(port));
    return new Names(`127.0.0.1:${port}`, knot);
  }

  stop(): void {
    this.knot.kill();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
