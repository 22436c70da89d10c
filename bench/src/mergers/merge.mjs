// Merges files by lines: a line of JSON in, a line of JSON out.
//
// {"ours", "base", "theirs"} name files; with "ms", they are merged again and again for so many milliseconds, and the
// answer is {"seconds"} for one merge. Without, they are merged once: {"conflicts", "text"}.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { diff3Merge } from "node-diff3";

function merge([ours, base, theirs]) {
  const regions = diff3Merge(ours.split("\n"), base.split("\n"), theirs.split("\n"));
  const merged = regions.filter((region) => region.ok);
  return {
    conflicts: regions.length - merged.length,
    text: merged.map((region) => region.ok.join("\n")).join("\n"),
  };
}

function time(texts, ms) {
  const begun = performance.now();
  let merges = 0;
  let elapsed = 0;
  do {
    merge(texts);
    merges += 1;
    elapsed = performance.now() - begun;
  } while (elapsed < ms);
  return { seconds: elapsed / merges / 1000 };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { ours, base, theirs, ms } = JSON.parse(line);
  const texts = [ours, base, theirs].map((file) => readFileSync(file, "utf8"));
  console.log(JSON.stringify(ms ? time(texts, ms) : merge(texts)));
}
