import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Queue } from "./queue.js";
import { Turns, type Storage } from "./storage.js";

interface Kept {
  readonly key: string;
  readonly since: number;
  readonly queue: Queue;
}

/** Keeps what waits in a folder, for Node: a file for each document. Programs on one machine may share it. */
export class Folder implements Storage {
  readonly #turns = new Turns();
  readonly #files = new Turns();

  constructor(private readonly path: string) {}

  change(key: string, change: (queue: Queue | undefined) => Queue | undefined): Promise<Queue | undefined> {
    return this.#files.take(() =>
      this.#locked("change", async () => {
        const file = join(this.path, `${createHash("sha256").update(key).digest("hex")}.json`);
        const kept = await read(file);
        const queue = change(kept?.queue);
        if (queue && queue === kept?.queue) return queue;
        if (queue) await this.#write(file, { key, since: kept?.since ?? Date.now(), queue });
        else if (kept) await rm(file, { force: true }).then(() => this.#sync());
        return queue;
      }),
    );
  }

  async keys(): Promise<string[]> {
    await mkdir(this.path, { recursive: true });
    const names = (await readdir(this.path)).filter((name) => name.endsWith(".json"));
    const kept = await Promise.all(names.map((name) => read(join(this.path, name))));
    const all = kept.filter((one) => one !== undefined);
    return all.sort((a, b) => a.since - b.since).map(({ key }) => key);
  }

  exclusively<R>(work: () => Promise<R>): Promise<R> {
    return this.#turns.take(() => this.#locked("work", work));
  }

  /** Whole or not at all: written beside, synced, and renamed. */
  async #write(file: string, kept: Kept): Promise<void> {
    const beside = `${file}.${process.pid}.new`;
    const handle = await open(beside, "w");
    try {
      await handle.writeFile(JSON.stringify(kept));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    await this.#sync();
  }

  async #sync(): Promise<void> {
    const folder = await open(this.path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async #locked<R>(name: string, work: () => Promise<R>): Promise<R> {
    await mkdir(this.path, { recursive: true });
    const claim = await claimed(this.path, name);
    try {
      return await work();
    } finally {
      await rm(claim, { force: true });
    }
  }
}

async function read(file: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Waits until no other process claims `name`, and gives the file that claims it. Each puts up a claim of its own before it
 * looks for others, so of two the later sees the earlier. Nobody removes a claim but its owner, unless its owner is gone.
 */
async function claimed(folder: string, name: string): Promise<string> {
  for (;;) {
    const own = `${name}.${process.pid}.${randomUUID()}`;
    await (await open(join(folder, own), "wx")).close();
    const others = (await readdir(folder)).filter((other) => other.startsWith(`${name}.`) && other !== own);
    const stand = await Promise.all(others.map((other) => stands(join(folder, other), Number(other.split(".").at(-2)))));
    if (!stand.includes(true)) return join(folder, own);
    await rm(join(folder, own), { force: true });
    await pause(5 + Math.random() * 20);
  }
}

/** Nothing is claimed for so long; a number of a process may have been given to another. */
const FORGOTTEN_MS = 10 * 60_000;

async function stands(claim: string, owner: number): Promise<boolean> {
  const made = await stat(claim).catch(() => undefined);
  if (!made) return false;
  if (isAlive(owner) && Date.now() - made.mtimeMs < FORGOTTEN_MS) return true;
  await rm(claim, { force: true });
  return false;
}

function isAlive(owner: number): boolean {
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
