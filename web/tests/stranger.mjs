/** The site of somebody else on this machine: its pages, its scripts for workers, and redirects to wherever it likes. */
import { once } from "node:events";
import { createServer } from "node:http";

const page = "<!doctype html><meta charset=utf-8><title>Somebody else's</title><body>";

/** Sends what it is told to, and tells what it could read. */
const worker = `
  const send = async ([url, init]) => {
    const response = await fetch(url, init);
    return response.text();
  };
  const onmessage = (event) => {
    const to = event.source ?? self;
    const answer = send(event.data).then((text) => to.postMessage(text), () => to.postMessage(""));
    event.waitUntil?.(answer);
  };
  addEventListener("message", onmessage);
  // A form or a link of a page of this worker becomes a write elsewhere.
  addEventListener("fetch", (event) => {
    const to = new URL(event.request.url).searchParams.get("instead");
    if (to) event.respondWith(fetch(to, { method: "POST", mode: "no-cors", body: '{"title":"by a worker"}' }));
  });
  addEventListener("install", () => self.skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
`;

/** Opens the site; whatever name leads to this machine leads to it. */
export async function openStranger() {
  const server = createServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? "/", "http://stranger");
    const away = /^\/away\/(\d+)$/.exec(url.pathname)?.[1];
    // Its own pages may read this, and be led on, from wherever they are.
    const cors = { "Access-Control-Allow-Origin": request.headers.origin ?? "*", "Access-Control-Allow-Headers": "content-type" };
    const to = url.searchParams.get("to");
    if (away && to && request.method !== "OPTIONS") response.writeHead(Number(away), { ...cors, Location: to }).end();
    else if (url.pathname === "/worker.js") response.writeHead(200, { "Content-Type": "text/javascript" }).end(worker);
    else response.writeHead(200, { ...cors, "Content-Type": "text/html" }).end(page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    page,
    port,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
