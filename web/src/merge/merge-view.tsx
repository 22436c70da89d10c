import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Choices } from "detente-client";
import { say } from "../parts/live-region";
import { Page } from "../parts/page";
import { Time } from "../parts/time";
import { isolated } from "../session/author";
import { choicesOf, inputsText, mergedPlaces, standing, type Collision, type Decision, type Decisions } from "./collision";
import { ConflictField, decisionFor } from "./conflict-field";
import { MergeFooter } from "./merge-footer";
import { MergeKeys, useKeys } from "./merge-keys";
import { MergedList } from "./merged-list";
import { Result } from "./result";

/** One of the three versions: who saved it and when. */
export interface Side {
  readonly version?: number | undefined;
  readonly who?: string;
  readonly at?: string;
}

interface MergeViewProps {
  readonly collision: Collision;
  readonly sides: { readonly original: Side; readonly theirs: Side; readonly yours: Side };
  readonly crumbs: readonly { readonly href: string; readonly text: string }[];
  /** What became of the last attempt to save, for example. */
  readonly notice?: ComponentChildren;
  readonly isSaving: boolean;
  readonly onSave: (choices: Choices) => void;
  readonly onCancel: () => void;
}

/** Shows what two edits disagree about, and asks for each place. */
export function MergeView({ collision, sides, crumbs, notice, isSaving, onSave, onCancel }: MergeViewProps) {
  const [decisions, setDecisions] = useState<Decisions>(new Map());
  const [undo, setUndo] = useState<Decisions>();
  const [showsOriginal, setShowsOriginal] = useState(false);
  const [isHelp, setHelp] = useState(false);
  const places = useRef<(HTMLFieldSetElement | null)[]>([]);
  const merged = useMemo(() => mergedPlaces(collision), [collision]);
  const { fields } = collision;
  const names = { they: isolated(sides.theirs.who ?? "") || "somebody", you: isolated(sides.yours.who ?? "") || "you" };
  const decided = fields.filter((field) => standing(decisions, field.path, field)).length;
  const canSave = decided === fields.length && !isSaving;

  const decide = (path: string, decision: Decision | undefined) => {
    const next = new Map(decisions);
    if (decision) next.set(path, decision);
    else next.delete(path);
    setDecisions(next);
  };
  const takeAll = (kind: "theirs" | "yours") => {
    setUndo(decisions);
    setDecisions(new Map([...decisions, ...fields.map((field) => [field.path, { kind, inputs: inputsText(field) }] as const)]));
    say(`All ${kind} taken. You can undo this.`);
  };
  const save = () => canSave && onSave(choicesOf(collision, decisions));
  useKeys({
    places,
    onChoose: (index, kind) => {
      const field = fields[index];
      if (field) decide(field.path, decisionFor(field, kind, standing(decisions, field.path, field)));
    },
    onOriginal: () => setShowsOriginal(!showsOriginal),
    onSave: save,
    onHelp: () => setHelp(true),
    onCancel,
  });
  const total = fields.length + merged.length;
  const title =
    fields.length === 0 ? "Everything merges by itself" : `${fields.length} of ${total} ${total === 1 ? "change" : "changes"} ${fields.length === 1 ? "needs" : "need"} you`;
  return (
    <Page title={title} crumbs={crumbs} takesFocus>
      <Sides {...sides} />
      {notice}
      <div class="conflicts">
        {fields.map((field, index) => (
          <ConflictField
            key={field.path}
            field={field}
            sides={names}
            decision={standing(decisions, field.path, field)}
            isReopened={decisions.has(field.path) && !standing(decisions, field.path, field)}
            showsOriginal={showsOriginal}
            onDecide={(decision) => decide(field.path, decision)}
            fieldRef={(element) => void (places.current[index] = element)}
          />
        ))}
      </div>
      <MergedList collision={collision} merged={merged} decisions={decisions} sides={names} onDecide={decide} />
      <Result collision={collision} merged={merged} decisions={decisions} sides={names} onDecide={decide} />
      <MergeFooter
        decided={decided}
        total={fields.length}
        isSaving={isSaving}
        onTakeAll={takeAll}
        onUndo={undo && (() => (setDecisions(undo), setUndo(undefined)))}
        onCancel={onCancel}
        onSave={save}
        onHelp={() => setHelp(true)}
      />
      {isHelp && <MergeKeys onClose={() => setHelp(false)} />}
    </Page>
  );
}

function Sides({ original, theirs, yours }: MergeViewProps["sides"]) {
  return (
    <dl class="sides">
      <SideOf name="Original" side={original} />
      <SideOf name="Theirs" side={theirs} />
      <SideOf name="Yours" side={yours} />
    </dl>
  );
}

function SideOf({ name, side }: { readonly name: string; readonly side: Side }) {
  return (
    <div class={`side ${name.toLowerCase()}`}>
      <dt>{name}</dt>
      <dd>
        {side.version === undefined ? "not saved" : `version ${side.version}`}
        {side.who && (
          <>
            {" "}
            · <bdi>{side.who}</bdi>
          </>
        )}
        {side.at && (
          <>
            {" "}
            · <Time at={side.at} />
          </>
        )}
      </dd>
    </div>
  );
}
