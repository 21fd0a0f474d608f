/** docs/guides/push.md: its commands, one after the other. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, PATIENCE, ROOT, temporary } from "../support.ts";
import { makeStore } from "./support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("push-guide");

test("the commands of the guide do what it says", async () => {
  const guide = readFileSync(join(ROOT, "docs/guides/push.md"), "utf8");
  const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code as string);
  expect(blocks).toHaveLength(1);
  const store = await makeStore(join(dir, "data"));
  await store.begin();
  const own = `artifactstore() { "${process.execPath}" "${ROOT}cli/main.ts" "$@"; }\n`;
  const script = own + blocks.join("\n").replaceAll("http://127.0.0.1:8000", store.url);
  const child = Bun.spawn(["bash", "-eu", "-c", script], {
    ...{ cwd: dir, env: environment(), stdout: "pipe", stderr: "pipe" },
  } as const);
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect({ code: await child.exited, stderr, end: stdout.split("\n").at(-2) }).toMatchObject({
    code: 0,
    end: "identical",
  });
  await store.kill();
});
