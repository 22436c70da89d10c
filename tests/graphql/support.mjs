/** The real server as a process of its own, and what all tests need. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const BINARY = process.env.DETENTE;
if (!BINARY) throw new Error("DETENTE must name the binary of the server");
export { BINARY };

export const CONFIG = new URL("detente.toml", import.meta.url).pathname;

/** Fails where something does not come; `what` says what. */
export async function within(promise, what, milliseconds = 10_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What comes one by one, for tests to wait for. */
export class Queue {
  #items = [];
  #waiting = [];
  all = [];

  push = (item) => {
    this.all.push(item);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  };

  async next(what = "the next one", milliseconds) {
    if (this.#items.length > 0) return this.#items.shift();
    let waiting;
    const next = new Promise((resolve) => {
      waiting = resolve;
      this.#waiting.push(waiting);
    });
    try {
      return await within(next, what, milliseconds);
    } catch (late) {
      // Whoever waits no longer must not get what comes later.
      this.#waiting = this.#waiting.filter((it) => it !== waiting);
      throw late;
    }
  }

  async take(count, what) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next(what));
    return taken;
  }

  get isEmpty() {
    return this.#items.length === 0;
  }
}

export class Server {
  #process;
  url = "";

  static async start(more = "") {
    // Where it is, the script that runs the tests finds what is left of them.
    const base = process.env.DETENTE_SCRATCH ?? tmpdir();
    const home = await mkdtemp(join(base, "graphql-"));
    const server = new Server();
    server.home = home;
    server.config = join(home, "detente.toml");
    await writeFile(server.config, (await readFile(CONFIG, "utf8")) + more);
    await server.run();
    after(async () => {
      await server.stop("SIGKILL");
      await rm(home, { recursive: true, force: true });
    });
    return server;
  }

  get graphql() {
    return `${this.url}/graphql`;
  }

  get socket() {
    return this.graphql.replace(/^http/, "ws");
  }

  /** Starts it, at the port that it had before if there was one. */
  async run() {
    const listen = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const data = join(this.home, "data");
    const args = ["serve", "--log", "error", "--config", this.config, "--data", data, "--listen", listen];
    const started = spawn(BINARY, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = started;
    if (process.env.DETENTE_SCRATCH) {
      const pids = join(process.env.DETENTE_SCRATCH, "pids");
      await mkdir(pids, { recursive: true });
      await writeFile(join(pids, String(started.pid)), "");
    }
    const address = async () => {
      let said = "";
      for await (const chunk of started.stdout.setEncoding("utf8")) {
        said += chunk;
        const found = /http:\/\/[0-9.:]+/.exec(said);
        if (found) return found[0];
      }
      throw new Error(`the server did not start: ${said}`);
    };
    this.url = await within(address(), "the address of the server", 30_000);
  }

  /** Ends it; what it exits with. */
  async stop(signal = "SIGTERM") {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return running?.exitCode;
    const gone = once(running, "exit");
    running.kill(signal);
    const [code] = await within(gone, "the end of the server", 20_000);
    return code;
  }
}

/** Asks in the plain way, where a test is not about a client. The whole response. */
export async function ask(server, query, variables = {}, { by = "setup", headers = {} } = {}) {
  const response = await fetch(server.graphql, {
    method: "POST",
    headers: { "content-type": "application/json", "x-actor": by, ...headers },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  return response.json();
}

/** The same, where it must go well. The data. */
export async function must(server, query, variables, options) {
  const { data, errors } = await ask(server, query, variables, options);
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** A `fetch` that notes what went over it. */
export function noting() {
  const requests = [];
  const noted = (url, options) => {
    requests.push({ url, options });
    return fetch(url, options);
  };
  return { fetch: noted, requests };
}

/** A `fetch` that has a request performed and then loses the answer, as often as `losses` says. */
export function losing(losses) {
  const requests = [];
  const lost = async (url, options) => {
    requests.push({ url, options });
    const response = await fetch(url, options);
    if (requests.length > losses) return response;
    await response.arrayBuffer();
    throw new TypeError("fetch failed: the connection broke");
  };
  return { fetch: lost, requests };
}

let names = 0;

/** An id that no other test has. */
export function name(stem = "it") {
  names += 1;
  return `${stem}-${names}`;
}
