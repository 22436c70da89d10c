import { Page } from "../parts/page";

export function Collection({ name }: { readonly name: string }) {
  return <Page title={name} />;
}
