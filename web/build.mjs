// Builds the page into the server crate, which embeds it. The same sources give the same bytes.
import { build } from "esbuild";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../crates/server/page");
const files = ["index.html", "icon.svg", "page.css", "page.js"];
// The aim is 60 KiB.
const budgetBytes = 76 * 1024;

/** Batches and locks of the client are not used by the page, and a bundler leaves no methods out of a class. */
const withoutUnused = {
  name: "without-unused",
  setup: ({ onLoad }) =>
    onLoad({ filter: /clients\/typescript\/src\/(batch|lock)\.ts$/ }, () => ({
      contents: "export const batch = undefined, lockOf = undefined, takeLock = undefined; export class Lock {}",
    })),
};

export async function buildPage() {
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: here,
    entryPoints: { page: "src/main.tsx" },
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    plugins: [withoutUnused],
    alias: { "detente-client": join(here, "../clients/typescript/src/index.ts") },
    legalComments: "none",
    banner: { js: "/* With Preact and its signals (MIT, Jason Miller, Preact Team) and jsdiff (BSD-3-Clause, Kevin Decker). */" },
  });
  await build({
    absWorkingDir: here,
    entryPoints: { page: "src/style/page.css" },
    outdir: out,
    bundle: true,
    minify: true,
    target: "es2022",
    legalComments: "none",
  });
  await copyFile(join(here, "src/index.html"), join(out, "index.html"));
  await copyFile(join(here, "src/icon.svg"), join(out, "icon.svg"));
  let sum = 0;
  for (const file of files) {
    const zipped = gzipSync(await readFile(join(out, file)), { level: 9 }).length;
    sum += zipped;
    console.log(`${file.padEnd(12)} ${String(zipped).padStart(6)} bytes gzipped`);
  }
  console.log(`${"in all".padEnd(12)} ${String(sum).padStart(6)} of ${budgetBytes}`);
  return sum;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && (await buildPage()) > budgetBytes) {
  console.error("The page is larger than its budget.");
  process.exit(1);
}
