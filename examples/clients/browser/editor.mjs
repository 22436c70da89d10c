/** Edits one note. Nobody's edit is lost: the page says when others save, and asks where two edits collide. */
import { Client, ConflictError } from 'detente-client';

const query = new URLSearchParams(location.search);
const id = query.get('note') ?? 'plan';
const client = new Client({ url: query.get('server') ?? 'http://127.0.0.1:4090', actor: query.get('actor') ?? 'somebody' });
const notes = client.collection('notes');

const OUTCOMES = {
  saved: 'Saved.',
  unchanged: 'Saved.',
  merged: 'Saved, together with what others saved.',
  clean: 'Your draft has what they saved.',
};

const find = (selector) => document.querySelector(selector);
const banner = find('#banner');
const editor = find('#editor');
const conflict = find('#conflict');
const inputs = [editor.elements.title, editor.elements.body];

const draft = await open();
draft.subscribe(show);
show();
void listen();

for (const input of inputs) {
  input.addEventListener('input', () => draft.change((note) => void (note[input.name] = input.value)));
}
editor.addEventListener('submit', (event) => act(event, () => draft.save()));
banner.querySelector('button').addEventListener('click', (event) => act(event, () => (draft.head ? draft.refresh() : createAgain())));
conflict.addEventListener('submit', (event) => act(event, () => draft.resolve(Object.fromEntries(new FormData(conflict)))));

async function open() {
  try {
    await notes.create({ title: '', body: '' }, { id });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
  return notes.edit(id);
}

/** Learns what others save: first the newest version, should it have come since the page read the note. */
async function listen() {
  for await (const change of notes.watch({ id, since: '0', latest: true })) {
    if (change.kind === 'change') draft.learn(change.row);
  }
}

/** The page starts afresh with what was created. */
async function createAgain() {
  await notes.create(draft.value, { id });
  location.reload();
  return { kind: 'saved' };
}

/** Performs what the person asked for, and says what became of it. */
async function act(event, work) {
  event.preventDefault();
  try {
    const outcome = await work();
    if (outcome.kind === 'conflict') return ask(outcome.conflict);
    conflict.hidden = true;
    say(OUTCOMES[outcome.kind]);
  } catch (error) {
    // The text stays where it is.
    say(`Not saved: ${error.message}`);
  }
}

function say(text = '') {
  editor.querySelector('output').textContent = text;
}

/** Shows the draft as it is now. */
function show() {
  const { value, base, head, stale, theirs, saving } = draft.getSnapshot();
  for (const input of inputs) {
    const text = value[input.name] ?? '';
    // To set the same text again would move the cursor.
    if (input.value !== text) input.value = text;
  }
  banner.hidden = !stale || saving;
  const what = theirs.map((path) => path.slice(1)).join(', ');
  banner.querySelector('p').textContent = head
    ? `${head.updatedBy} saved version ${head.version} since you started from version ${base.version} (${what}). Your text is safe.`
    : 'Somebody deleted this note. Your text is safe.';
  banner.querySelector('button').textContent = head ? 'Update my draft' : 'Create it again';
}

/** One choice for each place. None is made in advance. */
function ask({ fields, theirs }) {
  if (!theirs) return say('Not saved: somebody deleted this note. Your text is still here.');
  say('Not saved yet: please choose below.');
  conflict.querySelector('div').replaceChildren(...fields.map(question));
  conflict.hidden = false;
  conflict.querySelector('h2').focus();
}

function question({ path, base, yours, current, by }) {
  const set = document.createElement('fieldset');
  set.append(element('legend', `${path.slice(1)}: it was “${base ?? ''}”`));
  for (const [choice, text] of [['yours', `Yours: ${yours ?? '(removed)'}`], ['current', `${by ?? 'Theirs'}: ${current ?? '(removed)'}`]]) {
    const input = Object.assign(document.createElement('input'), { type: 'radio', name: path, value: choice, required: true });
    const label = element('label', ` ${text}`);
    label.prepend(input);
    set.append(label);
  }
  return set;
}

/** What people wrote is only ever put in as text. */
function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
