/**
 * A client of the HTTP API, on web standards alone: Bun, Deno, Node and pages (ADR-0016).
 *
 * `createClient()` gives every operation of the description as a method. What a description cannot say is beside it:
 * files as streams, uploads that survive a broken connection, the feed of events as one that does not end.
 */
export { type ClientOptions, createClient } from "./client.ts";
export { type Download, type DownloadOptions, downloadFile, downloadObject } from "./download.ts";
export { ApiError } from "./errors.ts";
export { type FollowOptions, followEvents } from "./events.ts";
export * from "./generated/index.ts";
export { type Progress, type Rereadable, type ResumableOptions, uploadResumable } from "./resumable.ts";
export { downloadResumable, type ResumedOptions, type Wanted } from "./resumed_download.ts";
export { type ByteSource, type UploadOptions, uploadFile } from "./upload.ts";
