/** docs/guides/remote.md: its commands, run as one script against a server started as the guide says. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../support/certificates.ts";
import { type Serving, serveStore, through } from "./server_support.ts";
import { environment, PATIENCE, ROOT, temporary } from "./support.ts";

setDefaultTimeout(PATIENCE);
const dir = temporary("server-guide");
const guide = readFileSync(join(ROOT, "docs/guides/remote.md"), "utf8");
const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code as string);
let server: Serving;
beforeAll(async () => {
  server = await serveStore({ data: join(dir, "data") });
});
afterAll(() => server.stop());

test("the commands of the guide work one after the other", async () => {
  const own = `artifactstore() { "${process.execPath}" "${ROOT}cli/main.ts" "$@"; }\n`;
  const script = own + blocks.join("\n").replaceAll("http://127.0.0.1:8000", server.url);
  expect(script.split(server.url)).toHaveLength(2);
  const child = Bun.spawn(["bash", "-eu", "-c", script], {
    cwd: dir,
    env: environment(),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const said of ["team/report@1.0", "identical", "v1.package.finalized", "healthy", "ok: "]) {
    expect(stdout).toContain(said);
  }
});

test.each(["bun", "node"] as const)(
  "on %s, NODE_EXTRA_CA_CERTS names a certificate, and its lack is explained",
  async (runtime) => {
    const { cert, key } = makeCertificate(dir, "localhost");
    const env = { ARTIFACTSTORE_SERVER_TLS_CERT: cert, ARTIFACTSTORE_SERVER_TLS_KEY: key };
    const secure = await serveStore({ data: join(dir, "data"), env });
    try {
      expect(secure.url).toStartWith("https://");
      const refused = await through(secure.url, ["events", "head"], { runtime });
      expect(refused).toMatchObject({ code: 6, stdout: "" });
      expect(refused.stderr).toContain("NODE_EXTRA_CA_CERTS");
      const run = await through(secure.url, ["events", "head"], { runtime, env: { NODE_EXTRA_CA_CERTS: cert } });
      expect(run).toMatchObject({ code: 0, stderr: "" });
    } finally {
      await secure.stop();
    }
  },
);
