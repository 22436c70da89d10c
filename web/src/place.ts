/** Where in the page somebody is: URLs to places and back. All URLs are relative to `<base href>`. */
import { computed, signal } from "@preact/signals";

export type Place =
  | { readonly at: "home" }
  | { readonly at: "collection"; readonly collection: string }
  | { readonly at: "document"; readonly collection: string; readonly id: string }
  | { readonly at: "merge"; readonly collection: string; readonly id: string }
  | { readonly at: "conflicts" }
  | { readonly at: "entry"; readonly entry: string }
  /** A file or a folder; the path of the folder that all others are in is empty. */
  | { readonly at: "files"; readonly path: string }
  | { readonly at: "nowhere" };

interface Here {
  /** Absent in the default space. */
  readonly space: string | undefined;
  readonly place: Place;
  readonly search: string;
}

/** The collection that files have in the conflict log. */
export const fileCollection = "_files";

export const baseUrl = document.baseURI.replace(/[^/]*$/, "");
const basePath = new URL(baseUrl).pathname;

const here = signal<Here>(readHere());
export const place = computed(() => here.value.place);
export const space = computed(() => here.value.space);
/** The query of the URL, in which a place keeps its filters and its order. */
export const query = computed(() => new URLSearchParams(here.value.search));
/** How often somebody has moved: 0 on the place that was loaded. */
export const moves = signal(0);

function readHere(): Here {
  return { ...read(location.pathname.slice(basePath.length)), search: location.search };
}

function read(path: string): Omit<Here, "search"> {
  let names: string[];
  try {
    names = path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return { space: undefined, place: { at: "nowhere" } };
  }
  const isSpace = names[0] === "spaces" && names[1] !== undefined;
  return { space: isSpace ? names[1] : undefined, place: placeOf(isSpace ? names.slice(2) : names) };
}

function placeOf(names: string[]): Place {
  const [kind, first, second, third, ...rest] = names;
  if (kind === undefined) return { at: "home" };
  if (kind === "f") return { at: "files", path: names.slice(1).join("/") };
  if (rest.length > 0) return { at: "nowhere" };
  if (kind === "conflicts" && second === undefined) {
    return first === undefined ? { at: "conflicts" } : { at: "entry", entry: first };
  }
  if (kind !== "c" || first === undefined) return { at: "nowhere" };
  if (second === undefined) return { at: "collection", collection: first };
  if (third === undefined) return { at: "document", collection: first, id: second };
  return third === "merge" ? { at: "merge", collection: first, id: second } : { at: "nowhere" };
}

/** The URL of a place, in this space unless another is named; `null` is the default space. */
export function href(to: Place, inSpace: string | null | undefined = space.value): string {
  const names = inSpace ? ["spaces", inSpace, ...namesOf(to)] : namesOf(to);
  return names.length === 0 ? "./" : names.map(encodeURIComponent).join("/");
}

function namesOf(to: Place): string[] {
  switch (to.at) {
    case "collection":
      return ["c", to.collection];
    case "document":
      // The conflict log has files beside the documents of collections.
      if (to.collection === fileCollection) return ["f", ...stepsOf(to.id)];
      return ["c", to.collection, to.id];
    case "merge":
      return ["c", to.collection, to.id, "merge"];
    case "conflicts":
      return ["conflicts"];
    case "entry":
      return ["conflicts", to.entry];
    case "files":
      return ["f", ...stepsOf(to.path)];
    default:
      return [];
  }
}

/** The names of a path, from the outermost folder on. */
export function stepsOf(path: string): string[] {
  return path.split("/").filter(Boolean);
}

export function go(to: Place, inSpace?: string | null): void {
  visit(href(to, inSpace));
}

/** Changes the query without leaving the place. */
export function setQuery(next: URLSearchParams): void {
  const search = next.size > 0 ? `?${next}` : "";
  history.replaceState(history.state, "", location.pathname + search);
  here.value = readHere();
}

/** Goes to a URL of the page, as `href` gives it. */
export function visit(url: string): void {
  history.pushState(null, "", new URL(url, baseUrl));
  arrive();
}

function arrive(): void {
  moves.value++;
  here.value = readHere();
}

/** Links are plain links; a plain click on one of ours changes the place without loading the page again. */
function follow(event: MouseEvent): void {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!isPlain || event.defaultPrevented || !(link instanceof HTMLAnchorElement)) return;
  if (link.target || link.hasAttribute("download") || !link.href.startsWith(baseUrl)) return;
  if (isServed(link.href.slice(baseUrl.length)) || isOnThisPage(link)) return;
  event.preventDefault();
  visit(link.href);
}

// What the server answers itself, beside the page.
function isServed(path: string): boolean {
  return /^(spaces\/[^/]+\/)?(api|files|file-versions|file-locks|dav|problems|openapi\.json|metrics|healthz|readyz|_page)\b/.test(path);
}

function isOnThisPage(link: HTMLAnchorElement): boolean {
  return link.hash !== "" && link.pathname === location.pathname;
}

export function watchPlace(): void {
  addEventListener("popstate", arrive);
  addEventListener("click", follow);
}
