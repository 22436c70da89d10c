/** Serves a folder, and the client that pages import. Any other server of files would do. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const client = new URL('.', import.meta.resolve('detente-client'));
const types = { html: 'text/html; charset=utf-8', mjs: 'text/javascript', js: 'text/javascript' };

/** Starts on a port, or on a free one with 0. */
export async function servePage(port, folder = new URL('.', import.meta.url)) {
  const server = createServer(async (request, response) => {
    // The URL has no `..` left in its path.
    const { pathname } = new URL(request.url, 'http://localhost');
    const [, within] = /^\/detente-client\/(.*)$/.exec(pathname) ?? [];
    const page = pathname === '/' ? 'index.html' : pathname.slice(1);
    const file = within === undefined ? new URL(page, folder) : new URL(within, client);
    const type = types[file.pathname.split('.').at(-1)];
    const isInside = [folder, client].some(({ href }) => file.href.startsWith(href));
    const content = type && isInside && (await readFile(file).catch(() => undefined));
    response.writeHead(content ? 200 : 404, { 'Content-Type': content ? type : 'text/plain' });
    response.end(content || 'There is nothing here.');
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = '8080', folder] = process.argv.slice(2);
  const { url } = await servePage(Number(port), folder && pathToFileURL(`${resolve(folder)}/`));
  console.log(`Open ${url}/?actor=ann and, in another window, ${url}/?actor=ben`);
}
