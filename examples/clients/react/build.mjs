/** Bundles the app: `node react/build.mjs` writes it beside the page. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Builds into a folder. */
export async function buildApp(folder) {
  const define = { 'process.env.NODE_ENV': '"production"' };
  await build({ entryPoints: [path('app.jsx')], outdir: folder, bundle: true, format: 'esm', jsx: 'automatic', minify: true, define });
}

if (process.argv[1] === path('build.mjs')) await buildApp(path('.'));
