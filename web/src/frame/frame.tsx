import { filesIn } from "../files/known";
import { Uploads } from "../files/uploads";
import { LiveRegion } from "../parts/live-region";
import { baseUrl, href, place, space } from "../place";
import { connection } from "../session/connection";
import { Router } from "./router";
import { SpaceChoice } from "./space-choice";
import { TokenDialog } from "./token-dialog";
import { WhoAmI } from "./who-am-i";

/** What stays when the place changes: the header, the live region, the question for a token. */
export function Frame() {
  return (
    <>
      <SkipLink />
      <header class="frame">
        <a class="brand" href={href({ at: "home" })}>
          <Mark />
          Detente
        </a>
        <Places />
        <div class="frame-side">
          <Connection />
          <SpaceChoice key={space.value ?? ""} />
          <WhoAmI />
        </div>
      </header>
      <Router />
      <Uploads />
      <LiveRegion />
      <TokenDialog />
    </>
  );
}

function SkipLink() {
  return (
    <a class="skip" href={`${baseUrl}${href(place.value)}${location.search}#main`}>
      Skip to the content
    </a>
  );
}

function Places() {
  const { at } = place.value;
  const isConflicts = at === "conflicts" || at === "entry";
  const isFiles = at === "files";
  return (
    <nav class="places" aria-label="Places">
      <a href={href({ at: "home" })} aria-current={isConflicts || isFiles ? undefined : "page"}>
        Collections
      </a>
      {(isFiles || filesIn.value === (space.value ?? "")) && (
        <a href={href({ at: "files", path: "" })} aria-current={isFiles ? "page" : undefined}>
          Files
        </a>
      )}
      <a href={href({ at: "conflicts" })} aria-current={isConflicts ? "page" : undefined}>
        Conflicts
      </a>
    </nav>
  );
}

function Connection() {
  const isOnline = connection.value === "online";
  return (
    <span class={`connection ${connection.value}`} role="status">
      <span class="lamp" aria-hidden="true" />
      <span class={isOnline ? "unseen" : undefined}>{isOnline ? "Connected" : "Server out of reach"}</span>
    </span>
  );
}

/** Two lines that become one. */
function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="7" />
      <path class="mark-line" d="M9 7v3c0 5 7 4 7 10v5M23 7v3c0 5-7 4-7 10" />
    </svg>
  );
}
