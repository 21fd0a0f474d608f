/** What handlers below `/v2/` get, and what answers have in common. */
import type { BlobUpload, Caller, ChunkPool, OciRegistry, PushedBlob } from "../../core/mod.ts";
import type { Answer } from "../../core/spi/mod.ts";
import type { Reply } from "../http/reply.ts";
import type { OciTarget } from "./path.ts";

export interface OciRequest {
  readonly oci: OciRegistry;
  readonly caller: Caller;
  readonly request: Request;
  readonly target: OciTarget;
  /** Of the transport, which gives back what it has sent. */
  readonly chunks: ChunkPool | undefined;
}

export type OciHandler = (ask: OciRequest) => Promise<Reply>;

export function queryOf({ url }: Request): URLSearchParams {
  const mark = url.indexOf("?");
  return new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
}

/** JSON with its length, and no more headers than are asked for: clients compare the type as a whole. */
export function ociJson(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = UTF8.encode(JSON.stringify(value));
  return {
    status: 200,
    headers: {
      "content-type": "application/json",
      "content-length": String(body.length),
      "cache-control": "private, no-store",
      ...headers,
    },
    body,
  };
}

const UTF8 = new TextEncoder();

/** 201 or 202 and headers. */
export function accepted(status: 201 | 202, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-length": "0", ...headers }, body: null };
}

export function pushed(repository: string, { digest }: PushedBlob): Answer {
  return accepted(201, { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest });
}

/**
 * Where an upload goes on. `Range` names the last byte that is here, and cannot say that there is none: clients read
 * `0-0` as that.
 */
export function uploadState(upload: Pick<BlobUpload, "repository" | "upload_id" | "offset">): Record<string, string> {
  const { repository, upload_id, offset } = upload;
  return {
    location: `/v2/${repository}/blobs/uploads/${upload_id}`,
    range: `0-${Math.max(0, offset - 1)}`,
    "docker-upload-uuid": upload_id,
  };
}
