/** The part of tar-stream that is used here; the package has no types of its own. */
declare module 'tar-stream' {
  import type { Readable, Writable } from 'node:stream';

  export interface Header {
    readonly name: string;
    readonly type?: string;
    readonly size?: number;
    readonly mode?: number;
    readonly mtime?: Date;
    readonly uid?: number;
    readonly gid?: number;
  }

  interface Pack extends Readable {
    entry(header: Header, content: Buffer, done: (error?: Error | null) => void): Writable;
    finalize(): void;
  }

  /** Entries as they come; each must be read before the next one comes. */
  interface Extract extends Writable, AsyncIterable<Readable & { readonly header: Required<Header> }> {}

  export function pack(): Pack;
  export function extract(): Extract;
}
