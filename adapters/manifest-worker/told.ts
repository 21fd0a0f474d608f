import type { ErrorCode, ErrorData } from "../../core/base/errors.ts";

/** What the worker says. No views: Deno 2.9 looks at each element of one that comes in, which takes a second a megabyte. */
export type Told =
  | { readonly piece: ArrayBuffer }
  | { readonly done: true }
  | { readonly code: ErrorCode; readonly message: string; readonly data: ErrorData };
