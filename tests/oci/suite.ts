/** The program of the distribution spec's conformance suite, with everything switched on. */
import { spawn } from "node:child_process";
import process from "node:process";
import { tracked } from "../soak/rig.ts";

/** What a server of ours needs: the suite pushes an image one layer of which is nowhere, which a registry may refuse. */
export const SUITE_SETTINGS = ["oci.sparse_images=true"];
const MINUTES = 5;

/** Runs it with no setting of whoever runs this. Its reports are in the empty folder `results`. @returns what it said */
export async function runSuite(
  suite: string,
  host: string,
  results: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: results,
    OCI_REGISTRY: host,
    OCI_TLS: "disabled",
    OCI_REPO1: "conformance/repo1",
    OCI_REPO2: "conformance/repo2",
    OCI_VERSION: "dev",
    OCI_DATA_SPARSE: "true",
    OCI_RESULTS_DIR: results,
    ...more,
  };
  // In that folder: it would read a configuration from the one it is started in.
  const child = tracked(spawn(suite, [], { cwd: results, env, timeout: MINUTES * 60_000, killSignal: "SIGKILL" }));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const ended = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
  return `${said}\n${ended}`;
}
