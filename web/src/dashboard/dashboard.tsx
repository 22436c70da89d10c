import { useId } from "preact/hooks";
import { Button } from "../parts/button";
import { Failure } from "../parts/failure";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { query } from "../place";
import { client } from "../session/session";
import { barsOf } from "./bars";
import { Chart } from "./chart";
import { addressWith } from "./filters";
import { Log } from "./log";
import { Numbers } from "./numbers";
import { Hottest } from "./hottest";
import { beginOf, spanNamed, spans, type Span } from "./span";

/** How often people are in each other's way, where, and the log of it. */
export function Dashboard() {
  const span = spanNamed(query.value.get("span"));
  const { loaded, reload } = useLoad(
    (signal) => client().conflicts.stats({ since: beginOf(span, new Date()).toISOString(), signal }),
    [span.name],
  );
  const heading = useId();
  return (
    <Page title="Conflicts" actions={<Button onClick={reload}>Refresh</Button>}>
      <section class="stack" aria-labelledby={heading}>
        <div class="heading">
          <h2 id={heading}>In the {span.words}</h2>
          <SpanChoice chosen={span} />
        </div>
        {loaded.state === "failed" && <Failure error={loaded.error} onRetry={reload} />}
        {loaded.state === "ready" && (
          <>
            <Numbers stats={loaded.value} />
            <Chart
              bars={barsOf(loaded.value.byHour, span, new Date(loaded.value.since), new Date(loaded.value.until))}
              span={span}
            />
            <Hottest stats={loaded.value} />
          </>
        )}
      </section>
      <Log onSettled={reload} />
    </Page>
  );
}

function SpanChoice({ chosen }: { readonly chosen: Span }) {
  return (
    <nav class="spans" aria-label="Span of the numbers">
      {spans.map(({ name, words }) => (
        <a key={name} href={addressWith({ span: name })} aria-current={name === chosen.name ? "true" : undefined}>
          {words}
        </a>
      ))}
    </nav>
  );
}
