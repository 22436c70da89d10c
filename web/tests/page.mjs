/** Where the page of a server is found: the one place that knows who serves it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/**
 * The server's own page; or, with `PAGE=dev`, that of the dev server of `web/` in front of it, which is built from the
 * sources as they are. `WEB` names another folder than this `web/`.
 *
 * @param {string} server The server's address.
 */
export async function pageOf(server) {
  if (process.env["PAGE"] !== "dev") return { address: server, stop: async () => {} };
  const folder = process.env["WEB"] ?? join(import.meta.dirname, "..");
  const dev = spawn(process.execPath, ["dev.mjs", server], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: dev.stdout })) {
    if (!line.startsWith("http://")) continue;
    dev.stdout.resume();
    const stop = async () => {
      const ended = once(dev, "exit");
      dev.kill();
      await ended;
    };
    return { address: line.replace(/\/$/, ""), stop };
  }
  throw new Error("the dev server ended before it listened");
}
