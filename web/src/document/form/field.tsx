import { useId } from "preact/hooks";
import { inWords, namesOf } from "../../parts/pointer";
import type { Schema } from "../../session/schema";
import { isMarked } from "../edit";
import { isObject } from "../../parts/pointer";
import { ChoiceControl } from "./choice-control";
import { ExactNumber } from "./exact-number";
import { useForm } from "./in-form";
import { kindOf } from "./kind";
import { ListControl } from "./list-control";
import { Members } from "./members";
import { MemberMenu } from "./member-menu";
import { NumberControl } from "./number-control";
import { TextControl } from "./text-control";

interface FieldProps {
  readonly path: string;
  readonly value: unknown;
  readonly schema: Schema | undefined;
  readonly required?: boolean;
  /** Whether it is an item of a list, which has no name to change. */
  readonly isItem?: boolean;
}

/** What every control gets. */
export interface ControlProps {
  readonly path: string;
  readonly value: unknown;
  readonly schema: Schema | undefined;
  readonly id: string;
  /** Ids of what describes it. */
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
}

/** One member or item: its name, whose changes it has, its control, and what is wrong with it. */
export function Field({ path, value, schema, required = false, isItem = false }: FieldProps) {
  const { state } = useForm();
  const id = useId();
  const wrong = state.unfinished.value.get(path) ?? state.violations.value.get(path);
  const described = [schema?.description && `${id}d`, wrong && `${id}e`].filter(Boolean).join(" ") || undefined;
  const control = { path, value, schema, id, describedBy: described, invalid: wrong !== undefined };
  const isGroup = Array.isArray(value) || isObject(value);
  const head = (
    <>
      <Name path={path} schema={schema} required={required} />
      <Marks path={path} />
    </>
  );
  const body = (
    <>
      {schema?.description && (
        <p class="hint" id={`${id}d`}>
          {schema.description}
        </p>
      )}
      <Control {...control} />
      {wrong && (
        <p class="wrong" id={`${id}e`}>
          <bdi>{wrong}</bdi>
        </p>
      )}
    </>
  );
  const menu = !isItem && <MemberMenu path={path} value={value} schema={schema} required={required} />;
  if (isGroup) {
    return (
      <fieldset class="field group" data-path={path}>
        <legend>
          <span class="group-name">{head}</span>
          {menu}
        </legend>
        {body}
      </fieldset>
    );
  }
  return (
    <div class="field" data-path={path}>
      <div class="field-head">
        <label for={id}>{head}</label>
        {menu}
      </div>
      {body}
    </div>
  );
}

function Name({ path, schema, required }: { path: string; schema: Schema | undefined; required: boolean }) {
  const name = namesOf(path).at(-1) ?? "";
  return (
    <bdi class="member-name">
      {schema?.title ?? (name === "" ? "(no name)" : inWords(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`))}
      {required && (
        <span class="required" title="required">
          *<span class="unseen"> required</span>
        </span>
      )}
    </bdi>
  );
}

/** Whose changes this place has, told by a word and not only by a colour. */
function Marks({ path }: { readonly path: string }) {
  const { yours, theirs } = useForm().state.marks.value;
  const [isYours, isTheirs] = [isMarked(yours, path), isMarked(theirs, path)];
  if (!isYours && !isTheirs) return null;
  const whose = isYours && isTheirs ? "both" : isYours ? "yours" : "theirs";
  const words = { both: "changed by you and by others", yours: "changed by you", theirs: "changed by others" }[whose];
  return (
    <span class={`mark ${whose}`} title={words}>
      <span class="dot" aria-hidden="true" />
      {whose}
      <span class="unseen">, {words}</span>
    </span>
  );
}

function Control(props: ControlProps) {
  const { path, value, schema } = props;
  const digits = useForm().state.digits.value.get(path);
  if (digits !== undefined && Number(digits) === value) return <ExactNumber {...props} digits={digits} />;
  if (schema?.enum || typeof value === "boolean") return <ChoiceControl {...props} />;
  switch (kindOf(value)) {
    case "number":
      return <NumberControl {...props} />;
    case "list":
      return <ListControl {...props} />;
    case "group":
      return <Members path={path} value={value} schema={schema} />;
    case "nothing":
      return (
        <output id={props.id} class="absent" aria-describedby={props.describedBy}>
          nothing (null)
        </output>
      );
    default:
      return <TextControl {...props} />;
  }
}
