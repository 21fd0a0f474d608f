import type { ErrorCode, ErrorData } from "../../core/base/errors.ts";

/** What the worker says. */
export type Told =
  | { readonly piece: Uint8Array<ArrayBuffer> }
  | { readonly done: true }
  | { readonly code: ErrorCode; readonly message: string; readonly data: ErrorData };
