// A plain client: read, keep the tag, write with If-Match, and on 409 read again and retry. No library.
//
//     node run.mjs [http://127.0.0.1:4090]

import assert from 'node:assert/strict';

const base = process.argv[2] ?? process.env.DETENTE_URL ?? 'http://127.0.0.1:4090';

/**
 * Applies `edit` to the newest version of a document and saves the result; `edit` maps the stored document to the new one.
 * If somebody else saves in between, it reads and edits again. Returns what the refusals said, if there were any.
 */
async function update(who, id, edit) {
  const url = `${base}/api/documents/${id}`;
  const refusals = [];
  while (refusals.length < 10) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`GET ${url}: ${response.status}`);
    const etag = response.headers.get('ETag');
    const edited = await edit(await response.json());

    const saved = await fetch(url, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'If-Match': etag, 'X-Actor': who },
      body: JSON.stringify(edited),
    });
    const answer = await saved.json();
    if (saved.ok) {
      console.log(`${who}: saved version ${saved.headers.get('Document-Version')} at attempt ${refusals.length + 1}`);
      return refusals;
    }
    if (saved.status !== 409) throw new Error(`PUT ${url}: ${saved.status} ${answer.detail}`);
    const { error, current_version, conflicting_fields } = answer;
    console.log(
      `${who}: 409 ${error}: version ${current_version} is current; both changed ${conflicting_fields}. Trying again.`,
    );
    refusals.push({ error, current_version, conflicting_fields });
  }
  throw new Error(`${who}: too many people are editing ${id}`);
}

const read = async (id) => (await fetch(`${base}/api/documents/${id}`)).json();

const id = crypto.randomUUID();
const created = await fetch(`${base}/api/documents/${id}`, {
  method: 'PUT',
  headers: { 'Content-Type': 'application/json', 'X-Actor': 'carol' },
  body: JSON.stringify({ title: 'Minutes', lines: [] }),
});
assert.equal(created.status, 201);
await created.json();

console.log('== Bob saves while Alice is typing ==\n');
let bobs;
const alices = await update('alice', id, async (document) => {
  bobs ??= await update('bob', id, (theirs) => ({ ...theirs, title: 'Minutes of May' }));
  return { ...document, title: `${document.title} (checked)` };
});
assert.deepEqual(bobs, []);
assert.deepEqual(alices, [{ error: 'UpdateConflict', current_version: 2, conflicting_fields: ['title'] }]);
const { title } = await read(id);
console.log(`title: ${title}`);
assert.equal(title, 'Minutes of May (checked)'); // both edits: hers was made again, on top of his

console.log('\n== Eight people add a line each, at the same time ==\n');
const people = Array.from({ length: 8 }, (_, n) => `person-${n + 1}`);
const addLine = (who) => (document) => ({ ...document, lines: [...document.lines, `${who} was here`] });
const refusals = await Promise.all(people.map((who) => update(who, id, addLine(who))));
for (const { conflicting_fields } of refusals.flat()) assert.deepEqual(conflicting_fields, ['lines']);
const { lines } = await read(id);
console.log(`lines: ${lines.join('; ')}`);
assert.deepEqual(
  lines.toSorted(),
  people.map((who) => `${who} was here`),
);
