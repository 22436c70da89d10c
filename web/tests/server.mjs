/** A server of its own for each test file, on a free port, with data that is gone afterwards. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";

const binary = process.env["DETENTE_BINARY"] ?? "detente";

/**
 * Starts a server and waits until it listens.
 *
 * @param {{ config?: string }} [options] `config` is the text of a configuration file.
 */
export async function startServer({ config = "" } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "detente-page-"));
  const file = join(folder, "detente.toml");
  await writeFile(file, config);
  const process = spawn(
    binary,
    ["serve", "--log", "warn", "--config", file, "--listen", "127.0.0.1:0", "--data", join(folder, "data")],
    { stdio: ["ignore", "pipe", "inherit"], env: { PATH: globalThis.process.env["PATH"] } },
  );
  const url = await address(process);
  return {
    url,
    async stop() {
      const ended = once(process, "exit");
      process.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * The address that the server prints as soon as it listens.
 *
 * @param {import("node:child_process").ChildProcessByStdio<null, import("node:stream").Readable, null>} process
 */
async function address(process) {
  for await (const line of createInterface({ input: process.stdout })) {
    const found = /listens on (http:\/\/[^,\s]+)/.exec(line);
    if (found?.[1]) {
      process.stdout.resume(); // or a full pipe would stop the server
      return found[1];
    }
  }
  throw new Error(`${binary} ended before it listened`);
}
