/**
 * The connections of a server, and how long each may do nothing. Our own clock on all three runtimes: what Node has
 * does not run for connections that are handed over (TLS on Bun), and counts from elsewhere.
 */
import type { Socket } from "node:net";
import type { Settings } from "./settings.ts";

interface State {
  /** Requests under way; more than one when they are pipelined. */
  running: number;
  /** When it was opened, or answered last. */
  since: number;
  /** Bytes read by then. More than that: a request has begun. */
  readBefore: number;
  /** When the request that is being read was first seen; a new connection has to send one at once. */
  readingSince: number | undefined;
}

export interface Connections {
  /** False: there are too many, and it was closed. */
  add(socket: Socket): boolean;
  begin(socket: Socket): void;
  end(socket: Socket): void;
  /** Those that took too long, by the kind of their fault. */
  late(): { readonly idle: readonly Socket[]; readonly reading: readonly Socket[] };
  closeIdle(): void;
  closeAll(): void;
}

export function createConnections({ read, idle, maxConnections }: Settings): Connections {
  const states = new Map<Socket, State>();
  const stateOf = (socket: Socket): State => {
    const known = states.get(socket);
    if (known !== undefined) return known;
    const now = performance.now();
    const state: State = { running: 0, since: now, readBefore: socket.bytesRead ?? 0, readingSince: now };
    states.set(socket, state);
    socket.once("close", () => states.delete(socket));
    return state;
  };
  const idleOnes = () => [...states].filter(([, { running }]) => running === 0).map(([socket]) => socket);
  return {
    add(socket) {
      if (states.size >= maxConnections) {
        socket.destroy();
        return false;
      }
      stateOf(socket);
      return true;
    },
    begin(socket) {
      const state = stateOf(socket);
      state.running++;
      state.readingSince = undefined;
    },
    end(socket) {
      const state = states.get(socket);
      if (state === undefined || --state.running > 0) return;
      state.since = performance.now();
      state.readBefore = socket.bytesRead ?? 0;
    },
    late() {
      const now = performance.now();
      const found: { idle: Socket[]; reading: Socket[] } = { idle: [], reading: [] };
      for (const [socket, state] of states) {
        if (state.running > 0) continue;
        if (state.readingSince === undefined && (socket.bytesRead ?? 0) > state.readBefore) state.readingSince = now;
        if (state.readingSince !== undefined) {
          if (read > 0 && now - state.readingSince > read) found.reading.push(socket);
        } else if (idle > 0 && now - state.since > idle) found.idle.push(socket);
      }
      return found;
    },
    closeIdle() {
      for (const socket of idleOnes()) socket.destroy();
    },
    closeAll() {
      for (const socket of states.keys()) socket.destroy();
    },
  };
}
