import { Page } from "../parts/page";

export function Document({ collection, id }: { readonly collection: string; readonly id: string }) {
  return <Page title={`${collection} ${id}`} />;
}
