/** The members that are there: one that is `undefined` is none, as in JSON. */
export function present<V>(all: Readonly<Record<string, V | undefined>>): Record<string, V> {
  const members = Object.entries(all).filter((member): member is [string, V] => member[1] !== undefined);
  return Object.fromEntries(members);
}
