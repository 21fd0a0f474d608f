/** A server that stops takes no new work; what runs may end. */
import { HttpError } from "../http/error.ts";

/** @throws {HttpError} `stopping` */
export function refuseWhenStopping(stopping: AbortSignal | undefined): () => void {
  return () => {
    if (stopping?.aborted) {
      throw new HttpError("stopping", "This server is stopping; ask another one, or this one again when it is back", {
        "retry-after": "5",
        connection: "close",
      });
    }
  };
}
