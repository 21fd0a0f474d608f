/** Certificates for tests, made by openssl, which every CI machine has. */
import { join } from "node:path";

/** Writes `<name>.crt` and `<name>.key`, for localhost and 127.0.0.1, with this common name. */
export function makeCertificate(dir: string, name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  const made = Bun.spawnSync(["openssl", "req", "-x509", ...curve, "-nodes", "-days", "2", ...names, ...files]);
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { cert, key };
}
