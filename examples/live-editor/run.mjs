// An editor that notices before it saves that its copy is stale: it listens to the change feed of the document.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';

/** One request by one editor. */
async function send(who, method, path, { body, ...headers } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { 'X-Actor': who, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const answer = { who, status: response.status, headers: response.headers, body: text ? JSON.parse(text) : null };
  console.log(`${who}: ${method} ${path} -> ${response.status}`);
  return answer;
}

/** The changes of a document as they happen. `lastEventId` is where to continue after a broken connection. */
class Changes {
  static async open(path, lastEventId) {
    const connection = new AbortController();
    const response = await fetch(`${base}${path}/_changes?since=now`, {
      headers: { Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) },
      signal: connection.signal,
    });
    assert.equal(response.status, 200);
    const changes = new Changes();
    changes.connection = connection;
    changes.blocks = blocksOf(response.body);
    // The first block has no data. Its id is the position in the log from which nothing will be missed.
    const { value: greeting } = await changes.blocks.next();
    changes.lastEventId = greeting.id;
    return changes;
  }

  /** The next change: `version`, `updated_by`, `paths`, `data` and so on. */
  async next() {
    const { value, done } = await this.blocks.next();
    assert.ok(!done, 'the stream ended');
    this.lastEventId = value.id;
    return JSON.parse(value.data);
  }

  close() {
    this.connection.abort();
  }
}

/** The blocks of an event stream (HTML Standard, section 9.2.6), as far as this server uses it. */
async function* blocksOf(body) {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split('\n');
      const fields = lines.map((line) => line.match(/^(\w+): ?(.*)$/)).filter((field) => field !== null);
      if (fields.length > 0) yield Object.fromEntries(fields.map(([, name, value]) => [name, value]));
      // Otherwise it was a comment, which only keeps the connection open.
    }
  }
}

/** Whether one of two places (JSON Pointers) contains the other. */
const overlap = (one, other) => one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

/** What Alice's window shows when somebody else has saved. */
function notice(change, mine, touched) {
  assert.ok(change.version > mine, 'she has seen older versions already');
  const both = change.paths.filter((place) => touched.some((own) => overlap(place, own)));
  const what = both.length > 0 ? `you are editing ${both.join(', ')} too` : 'you are editing other places';
  console.log(`    alice sees: ${change.updated_by} saved version ${change.version}, ${change.paths.join(', ')}: ${what}`);
  return both;
}

const path = `/api/documents/plan-${crypto.randomUUID().slice(0, 8)}`;
const first = { title: 'Draft', due: 'May', owner: { name: 'carol', mail: 'carol@example.org' } };
await send('carol', 'PUT', path, { body: first });

console.log('\n== Alice opens the document and starts to change the title ==\n');
// She first listens, then reads. The other way round she would miss what is saved in between.
let changes = await Changes.open(path);
const opened = await send('alice', 'GET', path);
let mine = { version: Number(opened.headers.get('Document-Version')), tag: opened.headers.get('ETag') };
let draft = { ...opened.body, title: 'Plan' };
const touched = ['/title'];
assert.equal(mine.version, 1);

console.log('\n== Bob saves other places ==\n');
const bobs = { ...first, due: 'June', owner: { ...first.owner, mail: 'team@example.org' } };
await send('bob', 'PUT', path, { 'If-Match': mine.tag, body: bobs });
const elsewhere = await changes.next();
assert.deepEqual([elsewhere.version, elsewhere.updated_by], [2, 'bob']);
assert.deepEqual(elsewhere.paths.toSorted(), ['/due', '/owner/mail']);
assert.deepEqual(notice(elsewhere, mine.version, touched), []);

// Nothing overlaps, so her window adopts what he saved and keeps her title. The change contains the document and its tag, so
// her next save is based on his version, and is not refused.
draft = { ...elsewhere.data, title: draft.title };
mine = { version: elsewhere.version, tag: elsewhere.etag };
const saved = await send('alice', 'PUT', path, { 'If-Match': mine.tag, body: draft });
assert.equal(saved.status, 200);
assert.deepEqual(saved.body, { ...bobs, title: 'Plan' });
const own = await changes.next(); // the feed has her own save as well
assert.deepEqual([own.updated_by, own.version, own.etag], ['alice', 3, saved.headers.get('ETag')]);
mine = { version: own.version, tag: own.etag };

console.log('\n== Bob saves the title, which she is changing again ==\n');
draft = { ...saved.body, title: 'The plan' };
await send('bob', 'PUT', path, { 'If-Match': mine.tag, body: { ...saved.body, title: 'Final' } });
const clash = await changes.next();
assert.deepEqual(notice(clash, mine.version, touched), ['/title']);
// She knows before she saves, and can decide now. The server would have refused her write in any case.
const stale = await send('alice', 'PUT', path, { 'If-Match': mine.tag, body: draft });
assert.deepEqual([stale.status, stale.body.conflicting_fields], [409, ['title']]);
const settled = await send('alice', 'PUT', path, { 'If-Match': clash.etag, body: { ...clash.data, title: 'Final plan' } });
assert.equal(settled.status, 200);
assert.equal((await changes.next()).version, 5);

console.log('\n== The connection breaks, and Bob saves in the meantime ==\n');
changes.close();
const { lastEventId } = changes;
const sixth = await send('bob', 'PUT', path, { 'If-Match': settled.headers.get('ETag'), body: { ...settled.body, due: 'July' } });
assert.equal(sixth.status, 200);
// Last-Event-ID overrides `since=now`: the stream continues after the last change that she saw.
changes = await Changes.open(path, lastEventId);
const missed = await changes.next();
assert.deepEqual([missed.version, missed.data], [6, { ...settled.body, due: 'July' }]);
notice(missed, 5, touched);

console.log('\n== Carol has an old version open, and lets the server merge ==\n');
const old = await send('carol', 'GET', `${path}/versions/5`);
const carols = { ...old.body, owner: { ...old.body.owner, name: 'dora' } };
const merging = { 'If-Match': old.headers.get('ETag'), Prefer: 'conflict=merge', body: carols };
assert.equal((await send('carol', 'PUT', path, merging)).status, 200);
const merged = await changes.next();
notice(merged, 6, touched);
assert.deepEqual(merged.paths, ['/owner/name']);
assert.deepEqual(merged.merged, { base_version: 5, onto_version: 6 });
console.log(`    merged: ${JSON.stringify(merged.merged)}`);

console.log('\n== Carol deletes the document ==\n');
await send('carol', 'DELETE', path, { 'If-Match': merged.etag });
const gone = await changes.next();
assert.deepEqual([gone.version, gone.deleted, gone.data], [8, true, undefined]);
console.log(`    alice sees: ${gone.updated_by} deleted it`);
changes.close();

console.log('\nAlice knew each time, before she saved.');
