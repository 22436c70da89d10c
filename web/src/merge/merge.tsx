import { Page } from "../parts/page";

export function Merge({ collection, id }: { readonly collection: string; readonly id: string }) {
  return <Page title={`${collection} ${id}`} />;
}
