/** The hasher SPI. Declared in identity (which digests streams with it); this is where an adapter author finds it. */
export type { Hasher, HashState } from "../identity/hasher.ts";
