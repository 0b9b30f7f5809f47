import { type FieldViolation, PathInvalidError, RequestInvalidError } from "./errors.ts";
import type { Slug } from "./ids.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * Parses the fields of one request and collects everything that is wrong with them, so that a caller is told all of it
 * at once. After the last field call `done`; what the methods answered before is only good if that does not throw.
 */
export class FieldParser {
  private readonly requestViolations: FieldViolation[] = [];
  private readonly pathViolations: FieldViolation[] = [];

  /** Notes that a field is wrong, with what to write instead. */
  reject(field: string, description: string): void {
    this.requestViolations.push({ field, description });
  }

  /** Notes that a path or pattern is wrong. */
  rejectPath(field: string, description: string): void {
    this.pathViolations.push({ field, description });
  }

  /** A UUID, in lower case. */
  id<Id extends string>(field: string, value: string): Id {
    if (value === "") this.reject(field, "is required; give the id (a UUID)");
    else if (!UUID.test(value)) this.reject(field, `${quote(value)} is not a UUID`);
    return value.toLowerCase() as Id;
  }

  /** A slug. */
  slug(field: string, value: string): Slug {
    if (value === "") this.reject(field, "is required; give a slug such as login-form");
    else if (!SLUG.test(value)) {
      this.reject(
        field,
        `${quote(value)} is not a slug: 1 to 63 of a-z, 0-9 and -, not beginning with -; for example ${slugFrom(value) || "login-form"}`,
      );
    }
    return value as Slug;
  }

  /** One line of text of `min` to `max` characters. Surrounding white space is dropped. */
  line(field: string, value: string, min: number, max: number): string {
    const line = value.trim();
    if (/[\r\n\t]/.test(line)) this.reject(field, "must be one line, without tabs");
    return this.text(field, line, min, max);
  }

  /** Text of `min` to `max` characters, over as many lines as it likes. */
  text(field: string, value: string, min: number, max: number): string {
    if (value.length < min) this.reject(field, min === 1 ? "is required" : `needs at least ${min} characters`);
    else if (value.length > max) this.reject(field, `has ${value.length} characters; at most ${max}`);
    else if (CONTROL.test(value)) this.reject(field, "has control characters; take them out");
    else if (!value.isWellFormed()) this.reject(field, "is not well-formed text (a lone surrogate)");
    return value;
  }

  /** An email address, as far as a server that sends no mail can tell. */
  email(field: string, value: string): string {
    const email = this.line(field, value, 1, 254);
    if (email !== "" && !/^[^\s@<>"(),;:\\]+@[^\s@<>"(),;:\\]+$/.test(email)) {
      this.reject(field, `${quote(email)} is not an email address`);
    }
    return email;
  }

  /** A span in milliseconds; `fallback` when none was given. */
  spanMs(field: string, valueMs: number | undefined, minMs: number, maxMs: number, fallback: number): number {
    if (valueMs === undefined) return fallback;
    if (!(valueMs >= minMs && valueMs <= maxMs)) {
      this.reject(field, `must be between ${minMs / 1000} s and ${maxMs / 1000} s`);
    }
    return valueMs;
  }

  /** A page size: 50 when 0. */
  pageSize(value: number): number {
    if (value < 0 || value > 500) this.reject("page_size", `${value} is out of range; 1 to 500, or 0 for 50`);
    return value === 0 ? 50 : value;
  }

  /** A list of at most `max` entries. */
  atMost(field: string, values: readonly unknown[], max: number): void {
    if (values.length > max) this.reject(field, `has ${values.length} entries; at most ${max}`);
  }

  /** @throws RequestInvalidError, or PathInvalidError when only paths are wrong */
  done(): void {
    if (this.requestViolations.length > 0) {
      throw new RequestInvalidError([...this.requestViolations, ...this.pathViolations]);
    }
    if (this.pathViolations.length > 0) throw new PathInvalidError(this.pathViolations);
  }
}

/** A slug made of a title or name: lower case, `-` between words; empty when nothing is left. */
export function slugFrom(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 63)
    .replace(/-+$/, "");
}

function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
