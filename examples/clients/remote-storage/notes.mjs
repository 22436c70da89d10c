/**
 * Notes in somebody's remoteStorage, each a text of its own, by remotestorage.js without its cache.
 *
 *     node notes.mjs list
 *     node notes.mjs read plan
 *     node notes.mjs write plan "Slate, and a skylight."     a new note
 *     node notes.mjs append plan "Tiles are cheaper."        a line more, whoever else writes
 *     node notes.mjs remove plan
 *
 * `ADDRESS` is whose storage it is, such as ann@127.0.0.1:4090, and `TOKEN` the secret of a token.
 */
import { pathToFileURL } from 'node:url';
import RemoteStorage from 'remotestoragejs';

/** Somebody else has written since. `theirs` is what is there now, or `undefined` if nothing is. */
export class Collision extends Error {
  constructor(theirs) {
    super(theirs ? 'Somebody else has saved this note.' : 'Somebody else has removed this note.');
    this.theirs = theirs;
  }
}

/** Finds the storage of an address by WebFinger. */
export function connect(address, token) {
  const storage = new RemoteStorage({ cache: false });
  return new Promise((resolve, reject) => {
    storage.on('connected', () => resolve(new Notes(storage.remote)));
    storage.on('error', reject);
    storage.on('ready', () => {
      storage.connect(address, token);
    });
  });
}

class Notes {
  constructor(remote) {
    this.remote = remote;
  }

  async list() {
    const { body, statusCode } = await this.remote.get('/notes/');
    return answered(statusCode) === 404 ? [] : Object.keys(body);
  }

  /** The text of a note and its revision; `undefined` if there is none. */
  async read(name) {
    const { body, revision, statusCode } = await this.remote.get(`/notes/${name}`);
    return answered(statusCode) === 404 ? undefined : { text: body, revision };
  }

  /** Writes a note that was read, or without a revision a new one, and gives its revision. */
  async write(name, text, revision) {
    const condition = revision ? { ifMatch: revision } : { ifNoneMatch: '*' };
    const done = await this.remote.put(`/notes/${name}`, text, 'text/plain; charset=utf-8', condition);
    if (answered(done.statusCode) === 412) throw new Collision(await this.read(name));
    return done.revision;
  }

  async remove(name, revision) {
    const { statusCode } = await this.remote.delete(`/notes/${name}`, { ifMatch: revision });
    if (answered(statusCode) === 412) throw new Collision(await this.read(name));
  }

  /** Makes of a note another one; if somebody else was faster, of theirs. */
  async change(name, edit) {
    let note = await this.read(name);
    for (;;) {
      try {
        return await this.write(name, edit(note?.text ?? ''), note?.revision);
      } catch (error) {
        if (!(error instanceof Collision)) throw error;
        note = error.theirs;
      }
    }
  }
}

/** The library hands over whatever status comes. */
function answered(status) {
  if ([200, 201, 304, 404, 412].includes(status)) return status;
  throw new Error(`The storage answered ${status}.`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { ADDRESS = 'ann@127.0.0.1:4090', TOKEN = 'secret-of-the-laptop' } = process.env;
  const [command, name, text] = process.argv.slice(2);
  const notes = await connect(ADDRESS, TOKEN);
  const commands = {
    list: async () => console.log((await notes.list()).join('\n')),
    read: async () => console.log((await notes.read(name))?.text ?? 'There is no such note.'),
    write: async () => void (await notes.write(name, text)),
    append: async () => void (await notes.change(name, (before) => `${before}\n${text}`)),
    remove: async () => void (await notes.remove(name, (await notes.read(name))?.revision)),
  };
  await commands[command]();
  process.exit();
}
