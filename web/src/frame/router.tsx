import { Collection } from "../collection/collection";
import { Dashboard } from "../dashboard/dashboard";
import { Entry } from "../dashboard/entry";
import { Document } from "../document/document";
import { Files } from "../files/files";
import { Home } from "../home/home";
import { Merge } from "../merge/merge";
import { Page } from "../parts/page";
import { href, place, space } from "../place";

/** What is shown at this place. The keys keep nothing of one document when another is opened. */
export function Router() {
  const at = place.value;
  const inSpace = space.value ?? "";
  switch (at.at) {
    case "home":
      return <Home key={inSpace} />;
    case "collection":
      return <Collection key={JSON.stringify([inSpace, at.collection])} name={at.collection} />;
    case "document":
      return <Document key={JSON.stringify([inSpace, at.collection, at.id])} collection={at.collection} id={at.id} />;
    case "merge":
      return <Merge key={JSON.stringify([inSpace, at.collection, at.id])} collection={at.collection} id={at.id} />;
    case "conflicts":
      return <Dashboard key={inSpace} />;
    case "entry":
      return <Entry key={JSON.stringify([inSpace, at.entry])} entry={at.entry} />;
    case "files":
      return <Files key={JSON.stringify([inSpace, at.path])} path={at.path} />;
    case "nowhere":
      return (
        <Page title="There is nothing here">
          <p>
            No place has this address. <a href={href({ at: "home" })}>See the collections</a>
          </p>
        </Page>
      );
  }
}
