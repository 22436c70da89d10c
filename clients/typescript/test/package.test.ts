/** What is published. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

async function compressed(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [`${root}/${entry}`],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external: ["node:*"],
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}

test("the core is under 8 KB, compressed", async (context) => {
  const core = await compressed("dist/core/index.js");
  context.diagnostic(`core ${core} bytes, with all of Detente ${await compressed("dist/index.js")}, outbox ${await compressed("dist/outbox/index.js")}`);
  assert(core <= 8192, String(core));
});

test("the package holds what it needs, and nothing else", () => {
  const [{ files }] = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--silent")) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path).sort();
  const expected = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"];
  assert.deepEqual(paths.filter((path) => !path.startsWith("dist/")), expected);
  const sources = run("find", "src", "-name", "*.ts").trim().split("\n").map((path) => path.slice("src/".length, -".ts".length));
  assert(sources.length > 20);
  assert.deepEqual(paths.filter((path) => path.startsWith("dist/")), sources.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]).sort());
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) assert.equal(readFileSync(`${root}/${name}`, "utf8"), readFileSync(`${root}/../../${name}`, "utf8"));
  const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { dependencies?: object };
  assert.equal(dependencies, undefined);
});

test("what publint and attw find", () => {
  run("node_modules/.bin/publint", "--strict");
  run("node_modules/.bin/attw", "--pack", "--profile", "esm-only");
});
