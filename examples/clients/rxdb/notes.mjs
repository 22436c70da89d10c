/** The local database: one collection of notes, which can be read and written without a network. */
import { createRxDatabase } from 'rxdb/plugins/core';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import { detenteReplication } from './replication.mjs';

const schema = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 255 },
    title: { type: 'string' },
    body: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    // What collided and waits for somebody: { path, value } of the edit that is not in its place.
    unresolved: { type: 'array', items: { type: 'object' } },
    // The version of the server that the note was last seen at. Only the replication writes it.
    meta: { type: 'object', properties: { etag: { type: 'string' }, version: { type: 'integer' } } },
  },
  required: ['id'],
};

/** `server` is what `detenteReplication` takes. In a browser, use a storage that lasts, such as Dexie. */
export async function openNotes(name, server) {
  const replication = detenteReplication({ ...server, collection: 'notes' });
  const database = await createRxDatabase({ name, storage: getRxStorageMemory(), multiInstance: false });
  const { notes } = await database.addCollections({ notes: { schema, conflictHandler: replication.conflictHandler } });
  const replicate = () => replication.start(notes);
  return { database, notes, replicate, replication: replicate() };
}
