import { Client } from 'detente-client';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useDraft, useDraftState, useLive } from './use_draft.mjs';

const query = new URLSearchParams(location.search);
const client = new Client({ url: query.get('server') ?? 'http://127.0.0.1:4090', actor: query.get('actor') ?? 'somebody' });
const notes = client.collection('notes');

function App() {
  const draft = useDraft(notes, query.get('note') ?? 'plan');
  return draft ? <Editor draft={draft} /> : <p>Reading …</p>;
}

function Editor({ draft }) {
  const { value, saving } = useDraftState(draft);
  const [outcome, setOutcome] = useState();
  useLive(notes, draft);
  const change = ({ target }) => draft.change((note) => void (note[target.name] = target.value));

  async function act(work) {
    setOutcome(await work().catch((error) => ({ kind: 'failed', error })));
  }

  return (
    <>
      <Banner draft={draft} update={() => act(() => draft.refresh())} />
      <form onSubmit={(event) => { event.preventDefault(); void act(() => draft.save()); }}>
        <p><label>Title <input name="title" value={value.title} onChange={change} /></label></p>
        <p><label>Text <textarea name="body" value={value.body} onChange={change} /></label></p>
        <button disabled={saving}>Save</button> <Outcome outcome={outcome} />
      </form>
      {outcome?.kind === 'conflict' && outcome.conflict.theirs && (
        // Another conflict has other questions: no answer to this one may stay.
        <Conflict key={outcome.conflict.theirs.etag} conflict={outcome.conflict} decide={(choices) => act(() => draft.resolve(choices))} />
      )}
    </>
  );
}

function Banner({ draft, update }) {
  const { head, base, stale, saving, theirs } = useDraftState(draft);
  if (!stale || saving) return null;
  if (!head) return <p role="status">Somebody deleted this note. Your text is safe.</p>;
  return (
    <div role="status">
      <p>
        {head.updatedBy} saved version {head.version} since you started from version {base.version} (
        {theirs.map((path) => path.slice(1)).join(', ')}). Your text is safe.
      </p>
      <button type="button" onClick={update}>Update my draft</button>
    </div>
  );
}

function Outcome({ outcome }) {
  switch (outcome?.kind) {
    case 'saved':
    case 'unchanged':
      return <output>Saved.</output>;
    case 'merged':
      return <output>Saved, together with what others saved.</output>;
    case 'clean':
      return <output>Your draft has what they saved.</output>;
    case 'conflict':
      return <output>Not saved yet{outcome.conflict.theirs ? ': please choose.' : ': somebody deleted this note.'}</output>;
    case 'failed':
      return <output>Not saved: {outcome.error.message}</output>;
    default:
      return null;
  }
}

/** One choice for each place. None is made in advance. */
function Conflict({ conflict: { fields }, decide }) {
  const [choices, setChoices] = useState({});
  return (
    <form onSubmit={(event) => { event.preventDefault(); decide(choices); }}>
      <h2>You and somebody else changed the same</h2>
      {fields.map(({ path, base, yours, current, by }) => (
        <fieldset key={path}>
          <legend>{path.slice(1)}: it was “{base}”</legend>
          {[['yours', `Yours: ${yours ?? '(removed)'}`], ['current', `${by ?? 'Theirs'}: ${current ?? '(removed)'}`]].map(([choice, text]) => (
            <label key={choice}>
              <input type="radio" name={path} required onChange={() => setChoices({ ...choices, [path]: choice })} /> {text}
            </label>
          ))}
        </fieldset>
      ))}
      <button>Save what I chose</button>
    </form>
  );
}

createRoot(document.querySelector('#app')).render(<App />);
