/** Counts what is done and tells how fast it goes, over the last few seconds rather than since the beginning. */

export interface Reading {
  readonly files: number;
  /** Null while unknown, as in every field below. */
  readonly files_total: number | null;
  readonly bytes: number;
  readonly bytes_total: number | null;
  /** 0..1. */
  readonly fraction: number | null;
  readonly bytes_per_second: number | null;
  readonly eta_seconds: number | null;
}

export interface Step {
  readonly files?: number;
  readonly bytes?: number;
  /** An earlier run has done it: it counts, but says nothing about the speed of this one. */
  readonly earlier?: boolean;
}

export interface Meter {
  expect(total: { readonly files?: number; readonly bytes?: number }): void;
  advance(done: Step): void;
  read(): Reading;
}

const WINDOW = 10_000;
const SAMPLE_EVERY = 250;

interface Sample {
  readonly at: number;
  files: number;
  bytes: number;
}

/** `now`: milliseconds, never going back. */
export function createMeter(now: () => number): Meter {
  let [files, bytes] = [0, 0];
  let filesTotal: number | null = null;
  let bytesTotal: number | null = null;
  const samples: Sample[] = [{ at: now(), files: 0, bytes: 0 }];

  function sample(): Sample {
    const at = now();
    const last = samples.at(-1);
    if (last === undefined || at - last.at >= SAMPLE_EVERY) samples.push({ at, files, bytes });
    while (samples.length > 1 && at - (samples[0] as Sample).at > WINDOW) samples.shift();
    return samples[0] as Sample;
  }

  return {
    expect(total) {
      filesTotal = total.files ?? filesTotal;
      bytesTotal = total.bytes ?? bytesTotal;
    },
    advance(done) {
      files += done.files ?? 0;
      bytes += done.bytes ?? 0;
      if (done.earlier === true) {
        for (const one of samples) {
          one.files += done.files ?? 0;
          one.bytes += done.bytes ?? 0;
        }
      }
      sample();
    },
    read() {
      const from = sample();
      const seconds = (now() - from.at) / 1000;
      // Empty files only: count files instead of bytes.
      const byBytes = bytesTotal !== null && bytesTotal > 0;
      const done = byBytes ? bytes : files;
      const total = byBytes ? bytesTotal : filesTotal;
      const since = byBytes ? bytes - from.bytes : files - from.files;
      const left = total === null ? null : Math.max(0, total - done);
      return {
        files,
        files_total: filesTotal,
        bytes,
        bytes_total: bytesTotal,
        fraction: total === null || total === 0 ? null : Math.min(1, done / total),
        bytes_per_second: seconds < 0.5 ? null : Math.round((bytes - from.bytes) / seconds),
        eta_seconds: left === null || since <= 0 || seconds < 0.5 ? null : Math.ceil((left * seconds) / since),
      };
    },
  };
}
