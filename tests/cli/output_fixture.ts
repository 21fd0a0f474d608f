/** Prints as many lines as asked, then ends. */
import { createOutput } from "../../cli/output.ts";

const output = createOutput({ json: false, stdout: process.stdout, stderr: process.stderr });
for (let line = 0; line < Number(process.argv[2]); line++) output.print({}, () => [`line ${line}`]);
await output.flush();
process.exit(0);
