import { isObject } from "../../parts/pointer";
import type { Schema } from "../../session/schema";

/** What a value is, in words for people. */
export type Kind = "text" | "number" | "yes or no" | "nothing" | "list" | "group";

export const kinds: readonly Kind[] = ["text", "number", "yes or no", "list", "group", "nothing"];

export function kindOf(value: unknown): Kind {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "list";
  if (isObject(value)) return "group";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "yes or no" : "text";
}

const blanks: Readonly<Record<Kind, unknown>> = {
  text: "",
  number: 0,
  "yes or no": false,
  nothing: null,
  list: [],
  group: {},
};

/** The value as another kind; what can be kept of it is kept. */
export function asKind(value: unknown, kind: Kind): unknown {
  if (kind === kindOf(value)) return value;
  if (kind === "text" && (typeof value === "number" || typeof value === "boolean")) return String(value);
  if (kind === "number" && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) return Number(value);
  if (kind === "list" && value !== null) return [value];
  return structuredClone(blanks[kind]);
}

/** What a member begins with. */
export function blankOf(schema: Schema | undefined, like?: unknown): unknown {
  if (schema?.default !== undefined) return schema.default;
  if (schema?.const !== undefined) return schema.const;
  if (schema?.enum?.length) return schema.enum[0];
  const type = Array.isArray(schema?.type) ? (schema.type.find((one) => one !== "null") as unknown) : schema?.type;
  switch (type) {
    case "number":
    case "integer":
      return 0;
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return blankGroup(schema);
    case "null":
      return null;
    case "string":
      return "";
    default:
      return structuredClone(like === undefined ? "" : blanks[kindOf(like)]);
  }
}

function blankGroup(schema: Schema | undefined): Record<string, unknown> {
  const required = schema?.required ?? [];
  return Object.fromEntries(required.map((name) => [name, blankOf(schema?.properties?.[name])]));
}

/** The schema of a member, or of an item. */
export function schemaWithin(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema?.properties && Object.hasOwn(schema.properties, name)) return schema.properties[name];
  const others = schema?.additionalProperties;
  return typeof others === "object" ? others : undefined;
}
