/** Bytes that depend on their place alone, so that any process can go on where another one ended. */
export function uploadBytes(offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const at = offset + i;
    bytes[i] = at ^ (at >>> 8) ^ Math.imul(at >>> 16, 37);
  }
  return bytes;
}
