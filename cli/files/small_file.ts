/** JSON that a command is given in a file, whatever that file turns out to be. */
import { createReadStream } from "node:fs";
import process from "node:process";
import { collect, isRegistryError, messageOf, RegistryError } from "../../core/mod.ts";

/**
 * @param path of a file or a pipe, or `-` for standard input @param most bytes; not one more is kept
 * @throws {RegistryError} `invalid_argument` for what cannot be read and what is no JSON in UTF-8, `limit_exceeded`
 */
export async function readJson(path: string, most: number): Promise<unknown> {
  const name = path === "-" ? "standard input" : path;
  try {
    const bytes = await collect(path === "-" ? process.stdin : createReadStream(path), most);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (isRegistryError(error, "limit_exceeded")) {
      throw new RegistryError("limit_exceeded", `${name} has more than ${most} bytes`, error.data);
    }
    throw new RegistryError("invalid_argument", `${name} is not a JSON file that can be read: ${messageOf(error)}`);
  }
}
