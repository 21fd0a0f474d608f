/** Run on a terminal of its own: progress with notes in between, then a result. */
import { createOutput } from "../../cli/output.ts";
import { startProgress } from "../../cli/progress.ts";

const output = createOutput({ json: false, stdout: process.stdout, stderr: process.stderr });
const progress = startProgress(output, { label: "ingest" });
const pause = () => new Promise((resolve) => setTimeout(resolve, 250));
progress.expect({ files: 4, bytes: 4096 });
progress.advance({ files: 1, bytes: 1024 });
await pause();
output.note("skipped a");
progress.advance({ files: 1, bytes: 1024 });
await pause();
output.note("skipped b");
output.print({}, () => ["result 1"]);
await pause();
progress.finish();
output.print({}, () => ["result 2"]);
await output.flush();
