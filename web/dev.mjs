// Serves the built page in front of a running server, so that the page can be worked on without compiling the server:
//   npm run dev -- http://127.0.0.1:4090 [--port 4091] [--prefix /some/path]
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPage } from "./build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "../crates/server/page");
const target = process.argv[2];
if (!target?.startsWith("http")) {
  console.error("usage: npm run dev -- http://HOST:PORT [--port PORT] [--prefix /PATH]");
  process.exit(2);
}
const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const prefix = option("--prefix", "");

// What the server sends, so that nothing works here that would fail there.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'self'; form-action 'none'";
const types = { "page.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml" };
const proxied = /^\/(spaces\/[^/]+\/)?(api|files|file-versions|file-locks)(\/|\?|$)|^\/(openapi\.json|healthz|readyz)|^\/problems\//;

async function answer(req, res) {
  const url = req.url.slice(prefix.length) || "/";
  if (!req.url.startsWith(prefix)) return res.writeHead(404).end();
  if (proxied.test(url)) return forward(req, res, url);
  const file = url.startsWith("/_page/") ? url.slice("/_page/".length) : undefined;
  if (file && types[file]) {
    const body = await readFile(join(built, file));
    return res.writeHead(200, { "content-type": types[file], "cache-control": "no-cache" }).end(body);
  }
  const shell = await readFile(join(built, "index.html"), "utf8");
  res.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy });
  res.end(shell.replace("<!-- base -->", `<base href="${prefix}/">`));
}

function forward(req, res, path) {
  const to = new URL(path, target);
  const headers = { ...req.headers, host: to.host };
  delete headers.origin; // it names this server, which the other does not know
  const upstream = request(to, { method: req.method, headers }, (from) => {
    res.writeHead(from.statusCode, from.headers);
    from.pipe(res);
  });
  upstream.on("error", () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  res.on("close", () => upstream.destroy());
  req.pipe(upstream);
}

await buildPage();
let pending;
watch(join(here, "src"), { recursive: true }, () => {
  clearTimeout(pending);
  pending = setTimeout(() => buildPage().catch((error) => console.error(error.message)), 50);
});
const server = createServer((req, res) => answer(req, res).catch((error) => res.destroy(error)));
server.listen(Number(option("--port", 0)), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}${prefix}/`);
});
