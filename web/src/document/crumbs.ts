import { href } from "../place";

/** The way to a document. */
export function crumbsOf({ collection }: { readonly collection: string }) {
  return [
    { href: href({ at: "home" }), text: "Collections" },
    { href: href({ at: "collection", collection }), text: collection },
  ];
}
