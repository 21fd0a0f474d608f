import { type CborValue, decodeCbor, type FeedEvent, parseHead, toHex, toJson } from "../../core/mod.ts";
import { type CommandSpec, option, repeated, wholeNumber } from "../context.ts";
import { EXIT, formatCount, printable } from "../output.ts";
import { startProgress } from "../progress.ts";

export const eventsTail: CommandSpec = {
  usage: "tail",
  summary: "events in order, one a line",
  options: [
    option("--since <sequence>", "only events after this one", "0"),
    option("--follow", "wait for more; ends with Ctrl-C"),
  ],
  async run({ output, open, signal }, _args, options) {
    const since = wholeNumber("--since", options.since, 0, Number.MAX_SAFE_INTEGER);
    const follow = options.follow === true;
    const { registry, caller } = await open();
    let unflushed = 0;
    for await (const event of registry.tailEvents(caller, { since, follow, signal })) {
      output.print(toRecord(event), () => [line(event)]);
      // Now and then is enough to keep a slow reader from filling memory.
      if (++unflushed % 200 === 0) await output.flush();
    }
    // To be stopped is how following ends; a list that was cut short is something else.
    if (!follow) signal.throwIfAborted();
    return undefined;
  },
};

/** The event as JSON: bytes as hex, the payload in its JSON projection. */
function toRecord(event: FeedEvent) {
  const hex = (bytes: Uint8Array | null) => (bytes === null ? null : toHex(bytes));
  const decoded = (bytes: Uint8Array | null) => (bytes === null ? null : toJson(decodeCbor(bytes)));
  return {
    ...event,
    commitment: toHex(event.commitment),
    prev_hash: hex(event.prev_hash),
    hash: hex(event.hash),
    salt: hex(event.salt),
    context: decoded(event.context),
    payload: decoded(event.payload),
  };
}

const SHOWN_PAYLOAD = 160;

function line(event: FeedEvent): string {
  const head = `${event.sequence} ${event.occurred_at} ${event.type} ${event.subject} ${event.actor}`;
  if (event.payload === null) return `${printable(head)} (erased)`;
  const what =
    event.payload.length > 64 * 1024
      ? `(${event.payload.length} bytes)`
      : JSON.stringify(toJson(decodeCbor(event.payload) as CborValue));
  return printable(`${head} ${what.length > SHOWN_PAYLOAD ? `${what.slice(0, SHOWN_PAYLOAD)}...` : what}`);
}

export const eventsVerify: CommandSpec = {
  usage: "verify",
  summary: "recompute the hash chain of the whole log (exit code 5 when it is broken)",
  options: [repeated("--expect <sequence:hash>", "a head that was kept elsewhere; fails if the log was rewritten")],
  async run({ output, open, signal }, _args, options) {
    const expect = (options.expect as readonly string[]).map(parseHead);
    const { registry, caller } = await open();
    const progress = startProgress(output, { label: "events" });
    let seen = 0;
    try {
      const verdict = await registry.verifyEvents(caller, {
        expect,
        signal,
        onProgress(done, total) {
          progress.expect({ files: total });
          progress.advance({ files: done - seen });
          seen = done;
        },
      });
      progress.finish();
      output.print(verdict, () => [
        ...(verdict.problem === undefined ? [] : [`BROKEN: ${verdict.problem.message}`]),
        `${verdict.ok ? "ok" : "not ok"}: ${formatCount(verdict.events)} events, ${formatCount(verdict.erased)} erased, head ${verdict.head.sequence}:${verdict.head.hash}`,
      ]);
      return verdict.ok ? EXIT.success : EXIT.damage;
    } finally {
      progress.finish();
    }
  },
};

export const eventsHead: CommandSpec = {
  usage: "head",
  summary: "sequence:hash of the newest event; keep it elsewhere and check it with `events verify --expect`",
  async run({ output, open }) {
    const { registry, caller } = await open();
    const head = await registry.head(caller);
    output.print(head, () => [`${head.sequence}:${head.hash}`]);
    return undefined;
  },
};
