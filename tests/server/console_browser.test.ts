/**
 * The console in a real browser: open, execute a call, see the answer, and nothing that the policy had to stop. With
 * ARTIFACTSTORE_SCREENSHOT=<file.png> it keeps what it saw (docs/api/console.png is made so).
 */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUNTIMES, startServer } from "./http/servers.ts";

const chromium = ["chromium", "chromium-browser", "google-chrome"].map((name) => Bun.which(name)).find((path) => path);
if (chromium === undefined)
  console.warn("skipped: no Chromium here, the console is not looked at (apt-get install chromium)");

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: Record<string, unknown>;
}

/** One page over the DevTools protocol. */
async function openPage(port: number) {
  const tabs = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(tabs.find((tab) => tab.type === "page")?.webSocketDebuggerUrl as string);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    const text = JSON.stringify(message.params ?? null);
    const bad =
      message.method === "Log.entryAdded" ||
      message.method === "Runtime.exceptionThrown" ||
      (message.method === "Audits.issueAdded" && text.includes("ContentSecurityPolicyIssue"));
    if (bad) complaints.push(text.slice(0, 500));
  });
  let last = 0;
  const call = (method: string, params: object = {}) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const id = ++last;
      waiting.set(id, (message) => resolve(message.result ?? {}));
      socket.send(JSON.stringify({ id, method, params }));
    });
  const evaluate = async (expression: string) => {
    const { result } = (await call("Runtime.evaluate", { expression })) as { result: { value?: unknown } };
    return result.value;
  };
  /** Until the page says so; the test's own limit ends it otherwise. */
  const until = async (expression: string) => {
    while ((await evaluate(expression)) !== true) await Bun.sleep(50);
  };
  return { call, evaluate, until, complaints, close: () => socket.close() };
}

test.skipIf(chromium === undefined)(
  "the console opens, executes a call and shows the answer, under its own strict policy",
  async () => {
    const server = await startServer(RUNTIMES.bun as readonly string[]);
    const profile = mkdtempSync(join(tmpdir(), "artifactstore-chromium-"));
    const args = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--remote-debugging-port=0",
      "--window-size=1200,1400",
    ];
    const browser = Bun.spawn([chromium as string, ...args, `--user-data-dir=${profile}`, "about:blank"], {
      stdout: "ignore",
      stderr: "ignore",
    });
    try {
      const made = await fetch(`${server.url}/packages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "shown/in-console", retention_class: "working" }),
      });
      expect(made.status).toBe(201);
      let port = 0;
      while (port === 0) {
        await Bun.sleep(50);
        try {
          port = Number(readFileSync(join(profile, "DevToolsActivePort"), "utf8").split("\n")[0]);
        } catch {
          // Not listening yet.
        }
      }
      const page = await openPage(port);
      for (const domain of ["Runtime", "Log", "Page", "Audits"]) await page.call(`${domain}.enable`);
      await page.call("Page.navigate", { url: `${server.url}/docs` });
      const block = `document.querySelector("#operations-packages-listPackages")`;
      await page.until(`${block} !== null`);
      await page.evaluate(`${block}.querySelector(".opblock-summary-control").click()`);
      await page.until(`${block}.querySelector("button.execute") !== null`);
      await page.evaluate(`${block}.querySelector("button.execute").click()`);
      await page.until(`${block}.querySelector(".live-responses-table .response-col_status") !== null`);
      const answer = await page.evaluate(`${block}.querySelector(".live-responses-table tbody").innerText`);
      expect(String(answer)).toStartWith("200");
      expect(String(answer)).toContain("shown/in-console");
      const keep = process.env.ARTIFACTSTORE_SCREENSHOT;
      if (keep !== undefined) {
        await page.evaluate(`${block}.querySelector(".responses-wrapper").scrollIntoView()`);
        const { data } = await page.call("Page.captureScreenshot", { format: "png" });
        writeFileSync(keep, Buffer.from(data as string, "base64"));
      }
      expect(page.complaints).toEqual([]);
      page.close();
    } finally {
      browser.kill();
      await browser.exited;
      await server.stop();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
  },
  60_000,
);
