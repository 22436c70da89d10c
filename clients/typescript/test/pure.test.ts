/** The parts without a wire: texts, changes, comparisons, pauses, refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changes, equal, withChanges } from "../dist/core/change.js";
import { compare, decide } from "../dist/core/compare.js";
import { items, slice, splice } from "../dist/core/json_text.js";
import { at, names, pointer } from "../dist/core/pointer.js";
import { isExplained, problemOf } from "../dist/core/refusal.js";
import { Pace, RETRY, sleep } from "../dist/core/retry.js";
import { newKey } from "../dist/core/transport.js";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Names that are easily mistaken, and others. */
const name = fc.oneof(fc.constantFrom("", "a", "b", "__proto__", "constructor", "toString", "a/b", "~0", "é", '"', "\\", "0", "1", "length"), fc.string({ unit: "binary", maxLength: 4 }));
const scalar = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, 1, -1, 1.5, 1e21, "", "\u2028", "\ud83d\ude42", '"\\/'),
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
);
const { value } = fc.letrec<{ value: Json; object: { [name: string]: Json } }>((tie) => ({
  object: fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map((members) => built(members)),
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, scalar, tie("object"), fc.array(tie("value"), { maxLength: 4 })),
}));
const object = fc.array(fc.tuple(name, value), { maxLength: 5 }).map((members) => built(members));

function built(members: [string, Json][]): { [name: string]: Json } {
  const made = {};
  for (const [name, value] of members) Object.defineProperty(made, name, { value, writable: true, enumerable: true, configurable: true });
  return made;
}

/** JSON text of a value, with the white space, escapes and digits that a sequence of choices wants. */
function written(value: Json, choose: () => number): string {
  const space = () => ["", " ", "\n\t", "\r\n "][choose() % 4] as string;
  const text = (string: string) => (choose() % 3 === 0 ? escaped(string) : JSON.stringify(string));
  if (Array.isArray(value)) return `[${space()}${value.map((item) => written(item, choose) + space()).join(`,${space()}`)}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.keys(value).map((name) => `${text(name)}${space()}:${space()}${written(value[name] as Json, choose)}${space()}`);
    return `{${space()}${members.join(`,${space()}`)}}`;
  }
  if (typeof value === "string") return text(value);
  if (typeof value === "number") return digits(value, choose());
  return JSON.stringify(value);
}

function escaped(string: string): string {
  return `"${Array.from({ length: string.length }, (_, index) => `\\u${string.charCodeAt(index).toString(16).padStart(4, "0")}`).join("")}"`;
}

/** The same number, with digits that JavaScript would not write. */
function digits(number: number, choice: number): string {
  const plain = JSON.stringify(number);
  if (Number.isInteger(number) && Math.abs(number) < 1e15) return [plain, `${plain}.0`, `${plain}.000`, `${plain}e0`, `${plain}E+0`][choice % 5] as string;
  return plain;
}

const choices = fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 40 });
const cycle = (all: number[]) => {
  let index = 0;
  return () => all[index++ % all.length] as number;
};

/** The texts of all scalars, by their places. */
function scalars(text: string, path: string[] = []): Map<string, string> {
  const here = slice(text, path) as string;
  const value = JSON.parse(here) as Json;
  if (typeof value !== "object" || value === null) return new Map([[pointer(path), here]]);
  return new Map(Object.keys(value).flatMap((name) => [...scalars(text, [...path, name])]));
}

test("an edit written into a text gives the value, and leaves what it does not touch as it was", () => {
  fc.assert(
    fc.property(object, object, choices, (before, after, all) => {
      const text = written(before, cycle(all));
      assert.deepEqual(JSON.parse(text), before);
      const edited = splice(text, changes(before, after));
      assert.deepEqual(JSON.parse(edited), after);
      const old = scalars(text);
      const now = scalars(edited);
      const touched = changes(before, after).map(({ path }) => pointer(path));
      for (const [place, digits] of old) {
        const isTouched = touched.some((one) => place === one || place.startsWith(`${one}/`) || one === "");
        if (!isTouched) assert.equal(now.get(place), digits, place);
      }
      if (touched.length === 0) assert.equal(edited, text);
    }),
    { numRuns: 2_000 },
  );
});

test("what is changed a little keeps all that was not", () => {
  const edit = fc.record({ at: fc.nat(), to: value });
  fc.assert(
    fc.property(object, fc.array(edit, { maxLength: 3 }), choices, (before, edits, all) => {
      const text = written(before, cycle(all));
      const after = structuredClone(before);
      const places = [...scalars(text).keys()];
      for (const { at: index, to } of edits) {
        const path = names(places[index % Math.max(1, places.length)] ?? "");
        const parent = at(after, path.slice(0, -1));
        if (path.length === 0 || typeof parent !== "object" || parent === null || !Object.hasOwn(parent, path.at(-1) as string)) continue;
        Object.defineProperty(parent, path.at(-1) as string, { value: structuredClone(to), writable: true, enumerable: true, configurable: true });
      }
      const edited = splice(text, changes(before, after));
      assert.deepEqual(JSON.parse(edited), after);
      const now = scalars(edited);
      for (const [place, digits] of scalars(text)) if (equal(at(after, names(place)), at(before, names(place)))) assert.equal(now.get(place), digits);
    }),
    { numRuns: 2_000 },
  );
});

test("items that come, go and change: the others keep their text", () => {
  const text = '[ {"id": 12345678901234567890, "n": 1.0}, {"id": 12345678901234567891, "n": 2.0}, 3.50, "x", [1.0] ]';
  const before = JSON.parse(text) as Json[];
  const edited = (change: (list: Json[]) => void) => {
    const after = structuredClone(before);
    change(after);
    const now = splice(`{"l":${text}}`, changes({ l: before }, { l: after }));
    assert.deepEqual(JSON.parse(now), { l: after });
    return items(now, ["l"]);
  };
  const all = items(text, []);
  assert.deepEqual(edited((list) => list.push("new")), [...all, '"new"']);
  assert.deepEqual(edited((list) => list.unshift({ id: 1 })), ['{"id":1}', ...all]);
  assert.deepEqual(edited((list) => list.splice(1, 1)), [all[0], ...all.slice(2)]);
  assert.deepEqual(edited((list) => list.splice(2, 1, "a", "b")), [all[0], all[1], '"a"', '"b"', all[3], all[4]]);
  // One changes, and another goes.
  const both = edited((list) => {
    (list[0] as { n: number }).n = 7;
    list.splice(3, 1);
  });
  assert.deepEqual(both, ['{"id": 12345678901234567890, "n": 7}', all[1], all[2], all[4]]);
  assert.deepEqual(edited((list) => void (list.length = 0)), []);
  assert.deepEqual(edited((list) => list.reverse()).sort(), [...all].sort());
});

test("what is not JSON is written as JSON.stringify does", () => {
  const text = '{"a":[1,2],"b":1,"c":"x"}';
  const write = (after: unknown) => JSON.parse(splice(text, changes(JSON.parse(text), after))) as unknown;
  assert.deepEqual(write({ a: [undefined, 2], b: undefined, c: "x" }), { a: [null, 2], c: "x" });
  assert.deepEqual(write({ a: [1, 2, undefined], b: 1, c: new Date(0) }), { a: [1, 2, null], b: 1, c: "1970-01-01T00:00:00.000Z" });
  assert.deepEqual(write({ a: [1, 2], b: Number.NaN, c: "x", d: undefined }), { a: [1, 2], b: null, c: "x" });
  assert.deepEqual(write([1]), [1]);
});

test("slices and items are those of JSON.parse", () => {
  fc.assert(
    fc.property(value, choices, (value, all) => {
      const text = ` ${written(value, cycle(all))}\n`;
      for (const place of scalars(text).keys()) assert.deepEqual(JSON.parse(slice(text, names(place)) as string), at(value, names(place)));
      assert.deepEqual(items(text, []).map((item) => JSON.parse(item) as unknown), Array.isArray(value) ? value : typeof value === "object" && value ? Object.values(value) : []);
      assert.equal(slice(text, ["no such member"]), undefined);
    }),
    { numRuns: 1_000 },
  );
  assert.equal(slice('{"a":12345678901234567890}', ["a"]), "12345678901234567890");
  assert.equal(slice('{"a\\u0062":[1.0,2]}', ["ab", "0"]), "1.0");
  for (const cut of ["{", '{"a"', '{"a":', '{"a":1', "[1,", "", " "]) assert.throws(() => slice(cut, ["a"]), SyntaxError, cut);
});

test("changes are what is different, and lead from one to the other", () => {
  fc.assert(
    fc.property(object, object, (before, after) => {
      {
        const made = changes(before, after);
        assert.deepEqual(withChanges(before, made), after);
        const places = made.map(({ path }) => pointer(path));
        for (const [index, place] of places.entries()) for (const other of places.slice(index + 1)) assert(!other.startsWith(`${place}/`) && !place.startsWith(`${other}/`));
      }
      assert.equal(equal(before, after), changes(before, after).length === 0);
      assert.deepEqual(changes(before, structuredClone(before)), []);
    }),
    { numRuns: 2_000 },
  );
});

test("edits of different places go together; what collides is the same from both sides", () => {
  fc.assert(
    fc.property(object, object, object, (base, mine, theirs) => {
      const ours = compare(base, mine, theirs);
      const other = compare(base, theirs, mine);
      assert.deepEqual(ours.conflicts.map(({ path }) => path).sort(), other.conflicts.map(({ path }) => path).sort());
      for (const { path, ...row } of ours.conflicts) {
        const place = names(path);
        assert.deepEqual([row.base, row.yours, row.current], [at(base, place), at(mine, place), at(theirs, place)]);
        assert(!equal(row.yours, row.current));
        const mirrored = other.conflicts.find((one) => one.path === path);
        assert.deepEqual([mirrored?.yours, mirrored?.current], [row.current, row.yours]);
      }
      if (ours.conflicts.length === 0) {
        assert.deepEqual(withChanges(theirs, ours.ours), withChanges(mine, other.ours));
        // Nothing that either changed is undone.
        const joined = withChanges(theirs, ours.ours);
        for (const { path } of changes(base, mine)) assert(equal(at(joined, path), at(mine, path)));
        for (const { path } of changes(base, theirs)) assert(equal(at(joined, path), at(theirs, path)) || changes(base, mine).some((one) => pointer(one.path).startsWith(pointer(path))));
      }
      assert.deepEqual(withChanges(base, compare(base, mine, base).ours), mine);
      assert.deepEqual(compare(base, base, theirs), { ours: [], conflicts: [] });
      assert.deepEqual(compare(base, mine, mine), { ours: [], conflicts: [] });
    }),
    { numRuns: 3_000 },
  );
});

test("decisions", () => {
  const found = compare({ a: 1, b: { c: 1 }, d: 1 }, { a: 2, b: { c: 2 }, d: 2 }, { a: 3, b: 7, d: 1 });
  assert.deepEqual(found.conflicts.map(({ path, kind }) => [path, kind]), [["/a", "edit-edit"], ["/b", "edit-edit"]]);
  const made = (choices: Parameters<typeof decide>[1]) => {
    const decided = decide(found, choices);
    return decided && withChanges({ a: 3, b: 7, d: 1 }, decided);
  };
  assert.equal(made({ "/a": "yours" }), undefined);
  assert.deepEqual(made({ "/a": "yours", "/b": "current" }), { a: 2, b: 7, d: 2 });
  assert.deepEqual(made({ "/a": { value: 9 }, "/b": "base" }), { a: 9, b: { c: 1 }, d: 2 });
  const removed = compare({ a: 1 }, {}, { a: 2 });
  assert.deepEqual(removed.conflicts, [{ path: "/a", kind: "delete-edit", strategy: "manual", base: 1, current: 2 }]);
  assert.deepEqual(withChanges({ a: 2 }, decide(removed, { "/a": "yours" }) ?? []), {});
  assert.equal(decide(compare({}, { __proto__: null }, {}), {})?.length, 0);
});

test("pointers are read as they are written", () => {
  fc.assert(fc.property(fc.array(name), (path) => assert.deepEqual(names(pointer(path)), path)));
  assert.deepEqual([pointer([]), pointer(["a/b", "~"]), names("/a~1b/~0"), names("")], ["", "/a~1b/~0", ["a/b", "~"], []]);
  assert.equal(at({ a: [1] }, ["a", "0"]), 1);
  assert.equal(at({ a: 1 }, ["toString"]), undefined);
  assert.equal(at("text", ["length"]), undefined);
});

test("pauses: none at first, then longer and longer, up to a limit, and an end", async () => {
  const pauses: number[] = [];
  const paced = (policy: Partial<typeof RETRY>, random = 1) => new Pace({ ...RETRY, ...policy }, () => random, (ms) => (pauses.push(ms), Promise.resolve()), undefined);
  const collisions = paced({});
  let tries = 1;
  while (await collisions.collided()) tries++;
  assert.equal(tries, 10);
  assert.deepEqual(pauses.splice(0), [40, 80, 160, 320, 640, 1280, 2000, 2000]);
  const failures = paced({}, 0.5);
  for (let n = 0; n < 3; n++) assert(await failures.failed(100));
  failures.answered();
  assert(await failures.failed(0));
  assert.deepEqual(pauses.splice(0), [120, 140, 180, 20]);
  assert.equal(await paced({ withinMs: 50 }).failed(100), false);
  assert.equal(await paced({ attempts: 1 }).collided(), false);
  assert.deepEqual(pauses, []);
  const stop = new AbortController();
  const sleeping = sleep(60_000, stop.signal);
  stop.abort(new Error("stop"));
  await assert.rejects(sleeping, /stop/);
  await assert.rejects(sleep(60_000, stop.signal), /stop/);
  await sleep(1);
});

test("refusals", () => {
  const read = (status: number, text: string, headers: Record<string, string> = {}) => problemOf({ status, text, headers: new Headers(headers) });
  assert.deepEqual(read(502, "<html>").kind, "502");
  assert.deepEqual(read(502, "<html>").detail, "HTTP 502");
  assert.equal(read(409, "[1]").kind, "409");
  assert.equal(read(409, '{"type":"https://x.org/problems/stale-version","title":"T","detail":"D"}').kind, "stale-version");
  assert.equal(read(409, '{"message":"M"}').detail, "M");
  assert.equal(read(409, '{"type":7,"title":{}}').title, "HTTP 409");
  const stale = '"type":"/problems/stale-version","current_etag":"\\"2-1\\"","your_version":1';
  assert.equal(isExplained(read(409, `{${stale}}`)), true);
  assert.equal(isExplained(read(409, `{${stale},"conflicts_omitted":7}`)), false);
  const after = (field: string, date?: string) => read(503, "", { "retry-after": field, ...(date && { date }) }).retryAfterMs;
  assert.equal(after("3"), 3000);
  assert.equal(after("Sun, 22 Nov 2026 19:28:53 GMT", "Sun, 22 Nov 2026 19:28:49 GMT"), 4000);
  assert.equal(after("Sun, 22 Nov 2026 19:28:40 GMT", "Sun, 22 Nov 2026 19:28:49 GMT"), 0);
  assert.equal(after("soon"), undefined);
  assert.equal(read(503, "").retryAfterMs, undefined);
});

test("keys are never the same", () => {
  const keys = Array.from({ length: 1000 }, newKey);
  assert.equal(new Set(keys).size, 1000);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});
