/** Two edits of one document, of which the server had to refuse one: both are kept. Values to values. */
import { deepEqual } from 'rxdb/plugins/core';

/** What Detente stores of a document: all but what is RxDB's, and what the replication notes. */
export function content({ id, meta, _deleted, _attachments, ...members }) {
  return members;
}

/**
 * The document that goes on from `theirs` with what only `mine` changed.
 *
 * A member that both changed is as the server merged it (`refusal.merged`). What it could not merge keeps their value, and
 * mine goes to `unresolved`, where a person finds it on every device. An edit wins over a deletion.
 */
export function resolve({ assumedMasterState: base, newDocumentState: mine, realMasterState: theirs }, refusal) {
  const { meta } = theirs;
  if (theirs._deleted) return mine._deleted ? theirs : { ...mine, meta };
  const before = base && !base._deleted ? content(base) : {};
  const isTheirsSeen = deepEqual(content(theirs), before);
  if (mine._deleted) return isTheirsSeen ? { ...mine, meta } : theirs;

  const [ours, stored] = [content(mine), content(theirs)];
  // Together they break a rule that neither breaks alone.
  if (refusal?.conflicts.some(({ path }) => path === '')) return withUnresolved(theirs, [{ path: '', value: ours }]);
  const joined = {};
  const unresolved = [];
  for (const name of new Set([...Object.keys(stored), ...Object.keys(ours)])) {
    if (deepEqual(ours[name], before[name])) joined[name] = stored[name];
    else if (deepEqual(stored[name], before[name]) || deepEqual(stored[name], ours[name])) joined[name] = ours[name];
    else {
      const { value, left } = both(name, ours[name], stored[name], refusal);
      joined[name] = value;
      unresolved.push(...left);
    }
  }
  // A member that is undefined was removed.
  const members = Object.fromEntries(Object.entries(joined).filter(([, value]) => value !== undefined));
  return withUnresolved({ ...members, id: theirs.id, meta, _deleted: false }, unresolved);
}

/** A member that both changed: what it becomes, and what of mine is left. */
function both(name, mine, theirs, refusal) {
  if (!refusal?.merged) return { value: theirs, left: [{ path: pointer(name), value: mine }] };
  const inside = ({ path }) => path === pointer(name) || path.startsWith(`${pointer(name)}/`);
  const left = refusal.conflicts.filter(inside).map(({ path, yours }) => ({ path, value: yours }));
  return { value: refusal.merged[name], left };
}

function withUnresolved(document, left) {
  const kept = document.unresolved ?? [];
  // To have removed or emptied something is nothing that could be lost.
  const isSomething = ({ value }) => value !== undefined && value?.length !== 0;
  const added = left.filter((one) => isSomething(one) && !kept.some((other) => deepEqual(other, one)));
  return added.length > 0 ? { ...document, unresolved: [...kept, ...added] } : document;
}

/** The JSON Pointer (RFC 6901) of a member. */
function pointer(name) {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
