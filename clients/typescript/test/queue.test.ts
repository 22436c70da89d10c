/** The queue of one document, as values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withChanges } from "../dist/core/change.js";
import { compare } from "../dist/core/compare.js";
import type { Snapshot } from "../dist/index.js";
import * as queues from "../dist/outbox/queue.js";
import type { Queue } from "../dist/outbox/index.js";

type Fields = Record<string, unknown>;

const EMPTY: Queue = { collection: "c", id: "1", entries: [] };
let version = 0;

function snapshot(value: Fields): Snapshot {
  return { text: JSON.stringify(value), etag: `"${++version}"`, version };
}

/** What a server makes of the first entry: the edit joined with what others did, or a conflict. */
function sent(queue: Queue, head: Snapshot): { queue: Queue; head: Snapshot } {
  const [entry] = queue.entries;
  assert(entry && !queue.held);
  const current = JSON.parse(head.text) as Fields;
  const base = JSON.parse(entry.base?.text ?? "{}") as Fields;
  const { ours, conflicts } = compare(entry.from ?? base, entry.value, current);
  if (conflicts.length > 0) return { queue: queues.held(queue, entry.key, { kind: "conflict" }), head };
  const stored = ours.length === 0 ? head : snapshot(withChanges(current, ours));
  return { queue: queues.performed(queue, entry.key, stored, 0), head: stored };
}

const member = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  fc.record({ do: fc.constant("edit" as const), member }),
  fc.record({ do: fc.constantFrom("sending" as const, "sent" as const, "refused" as const, "unknown" as const) }),
  fc.record({ do: fc.constant("others" as const) }),
);

test("what was edited last is what is stored in the end; what others did elsewhere stays", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let head = snapshot({ a: 0, b: 0, c: 0, others: 0 });
      const base = head;
      let value = JSON.parse(base.text) as Fields;
      let queue = EMPTY;
      let next = 0;
      let others = 0;
      let handed: Fields | undefined;
      for (const one of steps) {
        if (one.do === "edit") {
          value = { ...value, [one.member]: ++next };
          queue = queues.withEdit(queue, { base, value, ...(handed && { from: handed }) }, `k${next}`);
          handed = value;
        } else if (one.do === "others") {
          others++;
          head = snapshot({ ...(JSON.parse(head.text) as Fields), others });
        } else if (one.do === "sending") queue = queues.sending(queue, 1);
        else if (one.do === "sent" && queue.entries.length > 0) ({ queue, head } = sent(queues.sending(queue, 1), head));
        else if (one.do === "refused" && queue.entries[0]) {
          const { held: _, ...free } = queues.held(queue, queue.entries[0].key, { kind: "refused", problem: "x", detail: "", status: 409 });
          queue = free;
        } else if (one.do === "unknown") {
          assert.equal(queues.performed(queue, "unknown", head, 1), queue);
          assert.equal(queues.held(queue, "unknown", { kind: "conflict" }), queue);
        }
        // Nothing in it is ever edited twice under one key, and only the first may have been sent.
        assert.equal(new Set(queue.entries.map(({ key }) => key)).size, queue.entries.length);
        assert(queue.entries.slice(1).every(({ sentAt }) => sentAt === undefined));
      }
      for (let round = 0; queue.entries.length > 0; round++) {
        assert(round < 50 && !queue.held, JSON.stringify(queue));
        ({ queue, head } = sent(queues.sending(queue, 1), head));
      }
      assert.deepEqual(JSON.parse(head.text), { ...value, others });
    }),
    { numRuns: 2_000 },
  );
});

test("an entry that may have been sent stays as it is", () => {
  const base = snapshot({ a: 0 });
  const first = queues.sending(queues.withEdit(EMPTY, { base, value: { a: 1 } }, "1"), 7);
  const second = queues.withEdit(first, { base, value: { a: 2 }, from: { a: 1 } }, "2");
  assert.deepEqual(second.entries[0], first.entries[0]);
  assert.deepEqual(second.entries.map(({ key, from }) => [key, from]), [["1", undefined], ["2", { a: 1 }]]);
  assert.equal(queues.sending(second, 9).entries[0]?.sentAt, 7);
  const joined = queues.withEdit(second, { base, value: { a: 3 }, from: { a: 2 } }, "3");
  assert.deepEqual(joined.entries.map(({ key, value }) => [key, value]), [["1", { a: 1 }], ["3", { a: 3 }]]);
});

test("what follows a refused write takes its place", () => {
  const base = snapshot({ a: 0 });
  const first = queues.sending(queues.withEdit(EMPTY, { base, value: { a: -1 } }, "1"), 7);
  const refused = { kind: "refused", problem: "x", detail: "", status: 409 } as const;
  assert.deepEqual(queues.held(first, "1", refused).held, refused);
  const mended = queues.held(queues.withEdit(first, { base, value: { a: 1 }, from: { a: -1 } }, "2"), "1", refused);
  assert.deepEqual([mended.held, mended.entries], [undefined, [{ key: "2", action: "edit", base, value: { a: 1 } }]]);
  const deleted = queues.held(queues.withDeletion(first, base, "2"), "1", refused);
  assert.deepEqual([deleted.held, deleted.entries], [undefined, [{ key: "2", action: "delete", base }]]);
  const made = queues.sending(queues.withCreation(EMPTY, { a: -1 }, "1"), 7);
  assert.deepEqual(queues.held(queues.withDeletion(made, base, "2"), "1", refused).entries, []);
});

test("a deletion behind an edit is of what that left, unless somebody else was there", () => {
  const base = snapshot({ a: 0, b: 0 });
  const edited = queues.sending(queues.withEdit(EMPTY, { base, value: { a: 1, b: 0 } }, "1"), 7);
  const both = queues.withDeletion(edited, base, "2");
  const alone = snapshot({ a: 1, b: 0 });
  assert.deepEqual(queues.performed(both, "1", alone, 9).entries, [{ key: "2", action: "delete", base: alone }]);
  assert.equal(queues.performed(both, "1", alone, 9).held, undefined);
  assert.deepEqual(queues.performed(both, "1", snapshot({ a: 1, b: 5 }), 9).held, { kind: "conflict" });
});

test("what waits goes out in the order in which it was saved", () => {
  const base = snapshot({ a: 0, b: 0, c: 0 });
  let queue = queues.sending(queues.withEdit(EMPTY, { base, value: { a: 1, b: 0, c: 0 } }, "1"), 7);
  queue = queues.withEdit(queue, { base, value: { a: 0, b: 1, c: 0 } }, "2");
  queue = queues.withEdit(queue, { base, value: { a: 0, b: 0, c: 1 } }, "3");
  queue = queues.withEdit(queue, { base, value: { a: 2, b: 0, c: 0 }, from: { a: 1, b: 0, c: 0 } }, "4");
  assert.deepEqual(queue.entries.map(({ key }) => key), ["1", "2", "3", "4"]);
  const order = [];
  for (let head = base; queue.entries[0]; ) {
    order.push(queue.entries[0].key);
    ({ queue, head } = sent(queues.sending(queue, 1), head));
    if (queue.entries.length === 0) assert.deepEqual(JSON.parse(head.text), { a: 2, b: 1, c: 1 });
  }
  assert.deepEqual(order, ["1", "2", "3", "4"]);
});
