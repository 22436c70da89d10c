/** A server of its own for each test file, on a free port, with data that is gone afterwards. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { promisify } from "node:util";

const binary = process.env["DETENTE_BINARY"] ?? "detente";

/** A request, as the server's log tells of it. @typedef {{ method: string, path: string, status: number }} Answered */

/**
 * @typedef {object} ServerOptions
 * @property {string} [config] The text of a configuration file.
 * @property {string[]} [args] More arguments.
 * @property {Record<string, string>} [files] Other files of its folder: their names, and what is in them.
 * @property {(answered: Answered) => void} [onAnswered] Is told of each request when it is answered.
 */

/** Starts a server and waits until it listens. @param {ServerOptions} [options] */
export async function startServer({ config = "", args = [], files = {}, onAnswered } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "detente-page-"));
  const file = join(folder, "detente.toml");
  const data = join(folder, "data");
  for (const [name, text] of Object.entries({ "detente.toml": config, ...files })) await writeFile(join(folder, name), text);
  const env = { PATH: globalThis.process.env["PATH"] };
  const process = spawn(
    binary,
    ["serve", "--log", onAnswered ? "debug" : "warn", "--config", file, "--listen", "127.0.0.1:0", "--data", data, ...args],
    { stdio: ["ignore", "pipe", onAnswered ? "pipe" : "inherit"], env },
  );
  if (onAnswered && process.stderr) createInterface({ input: process.stderr }).on("line", (line) => tell(line, onAnswered));
  const url = await address(/** @type {import("node:stream").Readable} */ (process.stdout));
  return {
    url,
    /** The folder of its data. */
    data,
    /** Has it read another configuration. @param {string} config */
    async reload(config) {
      await writeFile(file, config);
      await promisify(execFile)(binary, ["reload", "--config", file, "--data", data], { env });
    },
    async stop() {
      const ended = once(process, "exit");
      process.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** @param {string} line @param {(answered: Answered) => void} onAnswered */
function tell(line, onAnswered) {
  const [, method, path, status] = /answered .*method=(\S+) path="([^"]*)".* status=(\d+)/.exec(line) ?? [];
  if (method && path) onAnswered({ method, path, status: Number(status) });
}

/** The address that the server prints as soon as it listens. @param {import("node:stream").Readable} output */
async function address(output) {
  for await (const line of createInterface({ input: output })) {
    const found = /listens on (http:\/\/[^,\s]+)/.exec(line);
    if (found?.[1]) {
      output.resume(); // or a full pipe would stop the server
      return found[1];
    }
  }
  throw new Error(`${binary} ended before it listened`);
}
