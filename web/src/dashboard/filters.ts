/** The filters of the log, as they are in the address of the page. */
import type { LogOptions } from "detente-client";
import { href, query } from "../place";
import { outcomes } from "./words";

export const filterNames = ["collection", "document", "by", "kind", "outcome", "since", "until"] as const;

export type Filters = Partial<Record<(typeof filterNames)[number], string>>;

/** The filters as the client takes them: an outcome that is none is left out. */
export function logOptions({ outcome, ...filters }: Filters): LogOptions {
  const known = outcomes.find((word) => word === outcome);
  return { ...filters, ...(known && { outcome: known }) };
}

export function filtersOf(query: URLSearchParams): Filters {
  const filters: Filters = {};
  for (const name of filterNames) {
    const value = query.get(name);
    if (value) filters[name] = value;
  }
  return filters;
}

/** `query` with other filters; what is not a filter, such as the span, stays. */
export function withFilters(query: URLSearchParams, filters: Filters): URLSearchParams {
  const changed = new URLSearchParams(query);
  for (const name of filterNames) {
    const value = filters[name]?.trim();
    if (value) changed.set(name, value);
    else changed.delete(name);
  }
  return changed;
}

/** The dashboard with these in its query; what is not named stays as it is. */
export function addressWith(changes: Filters & { readonly span?: string }): string {
  const changed = withFilters(query.value, { ...filtersOf(query.value), ...changes });
  if (changes.span !== undefined) changed.set("span", changes.span);
  return `${href({ at: "conflicts" })}${changed.size > 0 ? `?${changed}` : ""}`;
}

/** What a field of a form for local time shows for `2026-11-22T10:30:00Z`. */
export function localTime(time: string | undefined): string {
  const at = new Date(time ?? "");
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The time in UTC that somebody means with `2026-11-22T11:30` here; nothing if it is none. */
export function utcTime(local: string): string | undefined {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
