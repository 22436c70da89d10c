import { Button } from "../parts/button";

interface MergeFooterProps {
  readonly decided: number;
  readonly total: number;
  readonly isSaving: boolean;
  readonly onTakeAll: (kind: "theirs" | "yours") => void;
  /** Takes back the last "take all". */
  readonly onUndo: (() => void) | undefined;
  readonly onCancel: () => void;
  readonly onSave: () => void;
  readonly onHelp: () => void;
}

export function MergeFooter({ decided, total, isSaving, onTakeAll, onUndo, onCancel, onSave, onHelp }: MergeFooterProps) {
  const isComplete = decided === total;
  return (
    <div class="save-bar" role="group" aria-label="Finish the merge">
      {total > 0 && (
        <div class="progress">
          <progress max={total} value={decided} aria-label="Decided" />
          <span role="status">
            {decided} of {total} decided
          </span>
        </div>
      )}
      <div class="actions">
        {total > 0 && (
          <>
            <Button kind="quiet" onClick={() => onTakeAll("theirs")}>
              Take all theirs
            </Button>
            <Button kind="quiet" onClick={() => onTakeAll("yours")}>
              Take all yours
            </Button>
          </>
        )}
        {onUndo && (
          <Button kind="quiet" onClick={onUndo}>
            Undo
          </Button>
        )}
        <Button kind="quiet" aria-label="Keys" title="Keys (?)" aria-haspopup="dialog" onClick={onHelp}>
          ?
        </Button>
        <Button onClick={onCancel}>Cancel</Button>
        <Button
          kind="main"
          disabled={!isComplete || isSaving}
          busy={isSaving}
          title={isComplete ? "Ctrl+Enter" : "Every conflict needs a choice first"}
          onClick={onSave}
        >
          {isSaving ? "Saving …" : "Save"}
        </Button>
      </div>
    </div>
  );
}
