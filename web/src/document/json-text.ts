import { isObject, pointerOf } from "../parts/pointer";

/** A value as JSON text for people; numbers that JavaScript would round keep the digits that are known of them. */
export function jsonText(value: unknown, digits: ReadonlyMap<string, string>): string {
  if (digits.size === 0) return JSON.stringify(value, undefined, 2);
  const write = (part: unknown, names: readonly string[]): string => {
    const known = typeof part === "number" ? digits.get(pointerOf(names)) : undefined;
    if (known !== undefined && Number(known) === part) return known;
    const indent = "  ".repeat(names.length);
    const within = (members: readonly string[], open: string, close: string) =>
      members.length === 0 ? open + close : `${open}\n${members.map((one) => `${indent}  ${one}`).join(",\n")}\n${indent}${close}`;
    if (Array.isArray(part)) {
      return within(part.map((item, index) => write(item, [...names, String(index)])), "[", "]");
    }
    if (!isObject(part)) return JSON.stringify(part);
    const members = Object.entries(part).map(([name, inner]) => `${JSON.stringify(name)}: ${write(inner, [...names, name])}`);
    return within(members, "{", "}");
  };
  return write(value, []);
}
