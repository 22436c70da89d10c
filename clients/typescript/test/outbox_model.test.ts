/** The whole outbox against a model: whatever happens, what was saved last ends on the server, and nobody's edit is undone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Client, type Choices, type Draft } from "../dist/index.js";
import { Memory, Outbox, type Storage } from "../dist/outbox/index.js";
import { Simulated, type Fate, type Fields } from "./simulated.js";

type Step =
  | { readonly do: "type"; readonly tab: number; readonly member: "a" | "b" | "n" }
  | { readonly do: "save" | "reopen" | "crash"; readonly tab: number }
  | { readonly do: "flush"; readonly tab: number }
  | { readonly do: "others"; readonly member: "c" | "d" | "n" }
  | { readonly do: "wire"; readonly isDown: boolean }
  | { readonly do: "lose"; readonly fate: Exclude<Fate, "never"> };

const tab = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("type" as const), tab, member: fc.constantFrom("a" as const, "b" as const, "n" as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("save" as const), tab }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("reopen" as const, "crash" as const, "flush" as const), tab }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("others" as const), member: fc.constantFrom("c" as const, "d" as const, "n" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wire" as const), isDown: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lose" as const), fate: fc.constantFrom("before" as const, "after" as const) }) },
) as fc.Arbitrary<Step>;

const START: Fields = { a: "", b: "", c: "", d: "", n: 0 };

interface Tab {
  outbox: Outbox;
  draft: Draft<Fields> | undefined;
  typed: Set<string>;
  /** What it adds to the counter: sums of two tabs and of others are never equal by chance. */
  readonly unit: number;
  added: number;
}

class World {
  readonly server = new Simulated(["n"]);
  storage: Storage = new Memory();
  readonly tabs: Tab[];
  readonly saved: Record<string, string[]> = { a: [], b: [] };
  readonly others: Record<string, string[]> = { c: [], d: [] };
  total = 0;
  #fates: Fate[] = [];
  #next = 0;

  constructor() {
    this.server.write("1", START);
    this.server.fate = () => this.#fates.shift() ?? "ok";
    this.tabs = [1_000, 1_000_000].map((unit) => ({ outbox: this.#outbox(), draft: undefined, typed: new Set(), unit, added: 0 }));
  }

  /** It gives up at once: an attempt more would have to wait longer than there is time. */
  #outbox(): Outbox {
    const retry = { firstMs: 10_000, capMs: 100_000, withinMs: 5_000 };
    const client = new Client({ url: "http://simulated", fetch: this.server.fetch, random: () => 1, retry });
    return new Outbox(client, this.storage);
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "wire":
        this.server.isDown = step.isDown;
        return;
      case "lose":
        this.#fates.push(step.fate);
        return;
      case "others": {
        const now = this.server.head("1");
        if (step.member === "n") {
          this.server.write("1", { ...now, n: Number(now["n"]) + 1 });
          this.total++;
        } else {
          const value = `o${this.#next++}`;
          this.others[step.member]?.push(value);
          this.server.write("1", { ...now, [step.member]: value });
        }
        return;
      }
      default:
        return this.#person(step, this.tabs[step.tab] as Tab);
    }
  }

  async #person(step: Extract<Step, { tab: number }>, tab: Tab): Promise<void> {
    if (step.do === "crash") return this.#crash(tab);
    if (step.do === "flush") return tab.outbox.flush().catch(() => undefined);
    if (step.do === "reopen" || !tab.draft) {
      const draft = await tab.outbox.edit<Fields>("c", "1").catch(() => undefined);
      if (!draft) return;
      Object.assign(tab, { draft, typed: new Set(), added: 0 });
    }
    const { draft } = tab;
    if (!draft) return;
    if (step.do === "type") {
      if (step.member === "n") tab.added += tab.unit;
      else tab.typed.add(step.member);
      const value = `p${this.#next++}`;
      draft.change((fields) => void (fields[step.member] = step.member === "n" ? Number(fields["n"]) + tab.unit : value));
    }
    if (step.do === "save") {
      for (const member of tab.typed) this.saved[member]?.push(String(draft.value[member]));
      this.total += tab.added;
      Object.assign(tab, { typed: new Set(), added: 0 });
      await tab.outbox.save(draft);
    }
  }

  /** All programs stop, perhaps in the middle of a request, and start again with what was kept. */
  async #crash(tab: Tab): Promise<void> {
    this.#fates = ["never"];
    const flushed = tab.outbox.flush().catch(() => undefined);
    for (let turn = 0; turn < 60; turn++) await Promise.resolve();
    this.#fates = [];
    void flushed;
    const copy = new Memory();
    for (const key of await this.storage.keys()) {
      const queue = await this.storage.change(key, (queue) => queue);
      await copy.change(key, () => queue);
    }
    this.storage = copy;
    for (const one of this.tabs) Object.assign(one, { outbox: this.#outbox(), draft: undefined, typed: new Set(), added: 0 });
  }

  /** The wire is whole, and somebody decides for the person. */
  async settle(): Promise<void> {
    this.server.isDown = false;
    this.#fates = [];
    const { outbox } = this.tabs[0] as Tab;
    for (let round = 0; round < 60; round++) {
      await outbox.flush();
      const [blocked] = await outbox.blocked();
      if (!blocked) break;
      assert.equal(blocked.held.kind, "conflict");
      const conflict = await outbox.conflict<Fields>("c", "1");
      const choices: Choices = Object.fromEntries(
        (conflict?.fields ?? []).map(({ path, base, yours, current }) => [
          path,
          path === "/n" ? { value: Number(current) + Number(yours) - Number(base) } : "yours",
        ]),
      );
      await outbox.resolve("c", "1", choices, { current: conflict?.theirs?.etag ?? "" });
    }
    assert.deepEqual(await outbox.waiting(), []);
  }

  check(): void {
    const history = (this.server.documents.get("1") ?? []).map(({ data }) => data);
    const last = this.server.head("1");
    for (const member of ["a", "b"]) assert.equal(last[member], this.saved[member]?.at(-1) ?? "", `${member} is not what was saved last`);
    for (const member of ["c", "d"]) assert.deepEqual(steps(history, member), ["", ...(this.others[member] ?? [])], `an edit of others in ${member} was undone`);
    for (const member of ["a", "b"]) {
      const seen = steps(history, member).slice(1);
      const order = seen.map((value) => this.saved[member]?.indexOf(String(value)) ?? -1);
      assert(!order.includes(-1) && order.every((place, index) => index === 0 || place > (order[index - 1] ?? -1)), `${member} went back: ${String(seen)}`);
    }
    assert.equal(last["n"], this.total, "something was counted twice, or not at all");
  }
}

/** The values of a member, one after the other. */
function steps(history: Fields[], member: string): unknown[] {
  return history.map((data) => data[member]).filter((value, index, all) => index === 0 || value !== all[index - 1]);
}

test("whatever happens, what was saved last ends on the server, once, and nobody's edit is undone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (all) => {
      const world = new World();
      for (const one of all) await world.run(one);
      await world.settle();
      world.check();
    }),
    { numRuns: Number(process.env["RUNS"] ?? 500), ...(process.env["SEED"] && { seed: Number(process.env["SEED"]) }) },
  );
});
