/** Numbers in JSON text that JavaScript cannot hold: past 2^53, or with more digits than a double has. */
import { pointerOf } from "../parts/pointer";

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],:]/g;

interface Level {
  readonly isArray: boolean;
  name: string;
  index: number;
}

/** These numbers with all their digits, by place. The text must be JSON. */
export function digitsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  // Nearly every document has none, and this is quick.
  if (!/\d{16}|[eE]|\d\.\d{15}|\d{8}\.\d{8}/.test(text)) return found;
  const levels: Level[] = [];
  let isName = false;
  for (const [part] of text.matchAll(token)) {
    const level = levels.at(-1);
    if (part === "{" || part === "[") {
      levels.push({ isArray: part === "[", name: "", index: 0 });
      isName = part === "{";
    } else if (part === "}" || part === "]") {
      levels.pop();
      isName = false;
    } else if (part === ",") {
      if (level) level.index++;
      isName = level?.isArray === false;
    } else if (part === ":") {
      isName = false;
    } else if (part.startsWith('"')) {
      if (isName && level) level.name = JSON.parse(part) as string;
    } else if (!isExact(part)) {
      found.set(pointerOf(levels.map(({ isArray, name, index }) => (isArray ? String(index) : name))), part);
    }
  }
  return found;
}

/** Whether a number keeps its value in JavaScript. */
export function isExact(number: string): boolean {
  const [given, held] = [significant(number), significant(String(Number(number)))];
  return given.digits === held.digits && given.exponent === held.exponent;
}

function significant(number: string): { digits: string; exponent: number } {
  const [mantissa = "", exponent = "0"] = number.toLowerCase().replace(/^[-+]/, "").split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = whole + fraction;
  const digits = all.replace(/^0+/, "").replace(/0+$/, "");
  // Where the first digit that counts stands, from the point.
  const leading = all.length - all.replace(/^0+/, "").length;
  return { digits, exponent: digits === "" ? 0 : Number(exponent) + whole.length - leading };
}
