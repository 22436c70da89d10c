/** JSON Schemas of collections, from the description that the server gives of itself. */
import { baseUrl } from "../place";
import { isObject, valueAt } from "../parts/pointer";
import { request } from "./api";

/** The keywords that a form uses. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly format?: string;
  readonly maxLength?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
}

let description: Promise<unknown> | undefined;

/** The schema of a collection; `undefined` if none is declared. */
export async function schemaOf(collection: string): Promise<Schema | undefined> {
  description ??= request(`${baseUrl}openapi.json`).then((response) => response.json() as Promise<unknown>);
  const whole = await description.catch(() => {
    description = undefined;
    return {};
  });
  const read = ["paths", `/api/${collection}/{id}`, "get", "responses", "200", "content", "application/json", "schema"];
  const found = resolved(valueAt(whole, read), whole, 0);
  return found?.properties ? found : undefined;
}

const deepest = 12; // a schema may refer to itself

function resolved(schema: unknown, whole: unknown, depth: number): Schema | undefined {
  if (!isObject(schema)) return undefined;
  const { $ref, ...own } = schema;
  const target = typeof $ref === "string" && $ref.startsWith("#/") ? valueAt(whole, namesOf($ref)) : undefined;
  const all: Record<string, unknown> = isObject(target) ? { ...target, ...own } : own;
  if (depth > deepest) return {};
  const within = (inner: unknown) => resolved(inner, whole, depth + 1) ?? {};
  const simple = withoutNull(all);
  if (simple !== all) return within(simple);
  return {
    ...all,
    ...(typeof all["$ref"] === "string" && within(all)),
    ...(isObject(all["properties"]) && {
      properties: Object.fromEntries(Object.entries(all["properties"]).map(([name, inner]) => [name, within(inner)])),
    }),
    ...(isObject(all["items"]) && { items: within(all["items"]) }),
  };
}

/** Of "this or null", a form shows this. */
function withoutNull(schema: Record<string, unknown>): Record<string, unknown> {
  const { anyOf, oneOf, ...rest } = schema;
  const choices = (Array.isArray(anyOf) ? anyOf : oneOf) as unknown;
  if (!Array.isArray(choices)) return schema;
  const others = choices.filter((choice) => isObject(choice) && choice["type"] !== "null");
  return others.length === 1 && others.length < choices.length ? { ...rest, ...(others[0] as object) } : schema;
}

function namesOf(reference: string): string[] {
  return reference
    .slice(2)
    .split("/")
    .map((name) => decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~"));
}
