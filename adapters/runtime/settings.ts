import type { ServeOptions, Timeouts, TransportLimits } from "../../core/spi/runtime.ts";

export type Settings = Timeouts & TransportLimits;

const DEFAULTS: Settings = {
  read: 30_000,
  idle: 120_000,
  write: 0,
  maxConnections: 4096,
  maxHeadBytes: 48 * 1024,
  minRate: 1024,
  minRateWindow: 60_000,
};

export const settingsOf = ({ timeouts, limits }: ServeOptions): Settings => ({ ...DEFAULTS, ...timeouts, ...limits });
