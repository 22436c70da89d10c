/** A Detente of the test's own, on a free port of the loopback interface. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = process.env.DETENTE ?? 'detente';

/** A folder that is gone after the test. */
export async function folderFor(t) {
  const path = await mkdtemp(join(tmpdir(), 'detente-example-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A server with this `detente.toml`, which ends with the test. */
export async function serverFor(t, configuration) {
  const server = await startServer(await folderFor(t), configuration);
  t.after(server.stop);
  return server;
}

/** Starts a server with a `detente.toml`, given as text, and its data in `path`. */
export async function startServer(path, configuration, listen = '127.0.0.1:0') {
  const file = join(path, 'detente.toml');
  await writeFile(file, configuration);
  const child = spawn(program, ['serve', '--config', file, '--data', join(path, 'data'), '--listen', listen], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface(child.stdout).on('line', (line) => {
      const found = /http:\/\/[\d.]+:\d+/.exec(line);
      if (found) resolve(found[0]);
    });
  });
  async function stop() {
    child.kill('SIGTERM');
    await ended;
  }
  return { url, address: new URL(url).host, stop };
}

/** Waits until `look` gives something; tests wait for what happens, not for a time. */
export async function until(look, what, withinMs = 10_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
