/** Joins two texts line by line. Where both changed the same lines, both stay, between marks. */
import { diffArrays } from "diff";

/** Lines of the base, from one to before another, that one side has in another form. */
interface Hunk {
  readonly from: number;
  to: number;
  lines: string[];
}

export interface Joined {
  readonly text: string;
  /** In how many places both changed the same. */
  readonly collisions: number;
}

/** A line that stands where both changed the same. Who saves the text has taken it out. */
export const marks = { begin: "<<<<<<< theirs\n", middle: "=======\n", end: ">>>>>>> yours\n" };

const timeoutMs = 1000;

/** Without a base, what both have is it: then whatever one of them has more stays. */
export function join(theirs: string, mine: string, base: string | undefined): Joined {
  const [theirLines, myLines] = [linesOf(theirs), linesOf(mine)];
  const baseLines = base === undefined ? common(theirLines, myLines) : linesOf(base);
  const [a, b] = [hunksOf(baseLines, theirLines), hunksOf(baseLines, myLines)];
  const text: string[] = [];
  let collisions = 0;
  let at = 0;
  while (a[0] || b[0]) {
    const from = Math.min(a[0]?.from ?? Infinity, b[0]?.from ?? Infinity);
    const [ofA, ofB]: [Hunk[], Hunk[]] = [[], []];
    // All that touch one another are one place.
    for (let to = from; ; ) {
      const [source, into] = (a[0]?.from ?? Infinity) <= to ? [a, ofA] : [b, ofB];
      const hunk = source[0];
      if (!hunk || hunk.from > to) break;
      to = Math.max(to, hunk.to);
      into.push(hunk);
      source.shift();
    }
    const to = Math.max(...[...ofA, ...ofB].map((hunk) => hunk.to));
    text.push(...baseLines.slice(at, from));
    at = to;
    const [their, my] = [ofA, ofB].map((hunks) => applied(baseLines, from, to, hunks)) as [string, string];
    if (ofB.length === 0 || their === my) text.push(their);
    else if (ofA.length === 0) text.push(my);
    else {
      collisions++;
      text.push(marks.begin, ended(their), marks.middle, ended(my), marks.end);
    }
  }
  text.push(...baseLines.slice(at));
  return { text: text.join(""), collisions };
}

export function hasMarks(text: string): boolean {
  return linesOf(`${text}\n`).some((line) => line === marks.begin || line === marks.end);
}

function hunksOf(base: readonly string[], side: readonly string[]): Hunk[] {
  const hunks: Hunk[] = [];
  let at = 0;
  for (const { added, removed, value } of difference(base, side)) {
    let last = hunks.at(-1);
    if ((added || removed) && last?.to !== at) hunks.push((last = { from: at, to: at, lines: [] }));
    if (added) last?.lines.push(...value);
    else at += value.length;
    if (removed && last) last.to = at;
  }
  return hunks;
}

/** One side's form of the base's lines from `from` to before `to`. */
function applied(base: readonly string[], from: number, to: number, hunks: readonly Hunk[]): string {
  const lines: string[] = [];
  let at = from;
  for (const hunk of hunks) {
    lines.push(...base.slice(at, hunk.from), ...hunk.lines);
    at = hunk.to;
  }
  return [...lines, ...base.slice(at, to)].join("");
}

function common(a: readonly string[], b: readonly string[]): string[] {
  return difference(a, b).flatMap(({ added, removed, value }) => (added || removed ? [] : value));
}

function difference(a: readonly string[], b: readonly string[]) {
  const all = [
    { added: false, removed: true, value: [...a] },
    { added: true, removed: false, value: [...b] },
  ];
  return diffArrays([...a], [...b], { timeout: timeoutMs }) ?? all;
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function ended(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
