/** The real server, as a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A folder that is gone when the tests are over. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "detente-client-"));
  after(() => rm(path, { recursive: true, force: true }));
  return path;
}

export class Server {
  #process: ChildProcess | undefined;
  url = "";

  private constructor(
    readonly data: string,
    private readonly config: string,
  ) {}

  static async start(config = ""): Promise<Server> {
    const home = await folder();
    const file = join(home, "detente.toml");
    await writeFile(file, `undeclared_collections = "allow"\n${config}`);
    const server = new Server(join(home, "data"), file);
    await server.run();
    after(() => server.stop());
    return server;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Starts it, at the port that it had before if there was one. */
  async run(): Promise<void> {
    const binary = process.env["DETENTE"];
    if (!binary) throw new Error("DETENTE must name the binary of the server");
    const listen = `127.0.0.1:${this.url === "" ? 0 : this.port}`;
    const args = ["serve", "--log", "error", "--config", this.config, "--data", this.data, "--listen", listen];
    const started = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = started;
    let said = "";
    for await (const chunk of started.stdout.setEncoding("utf8")) {
      said += chunk;
      const address = /http:\/\/[0-9.:]+/.exec(said);
      if (!address) continue;
      this.url = address[0];
      return;
    }
    throw new Error(`the server did not start: ${said}`);
  }

  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  }
}
