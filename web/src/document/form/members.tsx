import { useMemo, useState } from "preact/hooks";
import { Button } from "../../parts/button";
import { isObject, namesOf } from "../../parts/pointer";
import { TextField } from "../../parts/text-field";
import type { Schema } from "../../session/schema";
import { AddMember } from "./add-member";
import { Field } from "./field";
import { useForm } from "./in-form";
import { blankOf, schemaWithin } from "./kind";

// More inputs than this at once make a page slow, and nobody reads them.
const shownAtFirst = 60;
const shownMore = 120;

interface MembersProps {
  readonly path: string;
  readonly value: unknown;
  readonly schema: Schema | undefined;
}

/** The members of an object; of many, the first, and those that somebody looks for. */
export function Members({ path, value, schema }: MembersProps) {
  const [shown, setShown] = useState(shownAtFirst);
  const [sought, setSought] = useState("");
  const members = isObject(value) ? value : {};
  const names = useMemo(() => orderOf(members, schema), [members, schema]);
  const matching = sought ? names.filter((name) => name.toLowerCase().includes(sought.toLowerCase())) : names;
  const visible = matching.slice(0, shown);
  const rest = matching.length - visible.length;
  return (
    <div class="members">
      {names.length > shownAtFirst && (
        <TextField
          label={`Find one of ${names.length.toLocaleString()} members`}
          type="search"
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      )}
      {visible.map((name) => (
        <Field
          key={name}
          path={`${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`}
          value={members[name]}
          schema={schemaWithin(schema, name)}
          required={schema?.required?.includes(name) ?? false}
        />
      ))}
      {rest > 0 && (
        <Button onClick={() => setShown(shown + shownMore)}>
          Show {Math.min(rest, shownMore).toLocaleString()} more of {rest.toLocaleString()}
        </Button>
      )}
      <Missing path={path} members={members} schema={schema} />
      {schema?.additionalProperties !== false && <AddMember path={path} taken={members} />}
    </div>
  );
}

// As the document has them, for that is how its readers know it.
function orderOf(members: Record<string, unknown>, schema: Schema | undefined): string[] {
  const declared = Object.keys(schema?.properties ?? {});
  const isOfSchema = new Set(declared);
  const names = Object.keys(members);
  const required = (schema?.required ?? []).filter((name) => Object.hasOwn(members, name));
  const isRequired = new Set(required);
  return [
    ...required,
    ...names.filter((name) => isOfSchema.has(name) && !isRequired.has(name)),
    ...names.filter((name) => !isOfSchema.has(name)),
  ];
}

/** What the schema knows and the document does not have. */
function Missing({ path, members, schema }: { path: string; members: Record<string, unknown>; schema: Schema | undefined }) {
  const { state } = useForm();
  const missing = Object.entries(schema?.properties ?? {}).filter(([name]) => !Object.hasOwn(members, name));
  if (missing.length === 0) return null;
  return (
    <div class="missing" role="group" aria-label="Members that are not set">
      <span class="muted">Not set:</span>
      {missing.map(([name, inner]) => (
        <Button key={name} kind="quiet" onClick={() => state.set([...namesOf(path), name], blankOf(inner))}>
          + <bdi>{inner.title ?? name}</bdi>
          {schema?.required?.includes(name) && <span class="wrong">required</span>}
        </Button>
      ))}
    </div>
  );
}
