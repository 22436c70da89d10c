/** Who saved a version, in words for the person who sits here. */
import type { Row } from "detente-client";
import { actor, hasToken, learnName, me } from "./session";
import { savedBy } from "./tab";

type Version = Pick<Row, "updatedBy"> & { readonly doc?: { readonly etag: string } };

/** "Ana", "you", "you, in another tab". */
export function author({ updatedBy, doc }: Version): string {
  const tab = savedBy(doc?.etag);
  if (tab === "this tab") return "you";
  if (tab === "another tab" || isMe(updatedBy)) return "you, in another tab";
  if (updatedBy === "anonymous") return "somebody without a name";
  return isolated(updatedBy) || "somebody";
}

const turning = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A name for the middle of a sentence: what is written from right to left does not turn the sentence around. */
export function isolated(name: string): string {
  return turning.test(name) ? `\u2068${name.replace(/[\u2066-\u2069]/g, "")}\u2069` : name;
}

// Without a name of one's own, "anonymous" may be anybody.
function isMe(name: string): boolean {
  return name !== "" && name === me.value && (hasToken.value || actor.value !== undefined);
}

/** Our own version in the feed tells by which name the server knows us. */
export function noticeOwnName({ updatedBy, doc }: Version): void {
  if (hasToken.value && me.value === undefined && updatedBy && savedBy(doc?.etag) === "this tab") learnName(updatedBy);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "Ana's version 13", "your version 13 from another tab". */
export function versionInWords(row: Version & { readonly version: number }): string {
  const name = author(row);
  if (name === "you") return `your version ${row.version}`;
  return name.startsWith("you,") ? `your version ${row.version} from another tab` : `${name}'s version ${row.version}`;
}
