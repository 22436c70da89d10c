import { Page } from "../parts/page";

export function Entry({ entry }: { readonly entry: string }) {
  return <Page title={entry} />;
}
