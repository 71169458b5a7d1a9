/** What an application does on one connection, as small state machines that never wait: they are asked to go on. */
import { createHash, type Hash } from "node:crypto";
import { patternAt } from "./pattern.ts";

/** A connection's two byte streams. */
export interface ByteStream {
  /** The bytes that have come: undefined for none yet, empty when the peer has closed its direction. */
  read(): Uint8Array | undefined;
  /** Writes what there is room for; how many bytes that was. */
  write(bytes: Uint8Array): number;
  /** Closes this direction; what was written still goes out. */
  end(): void;
  /** What is known of the connection, a line a fact. */
  describe(): string;
}

/** An application's side of one connection. */
export interface Session {
  /** Does all that can be done now. True when both directions are done with: the connection is closed then. */
  turn(stream: ByteStream): boolean;
  /** SHA-256 of the bytes received, for those that were asked to keep it. */
  received?(): string;
}

/** Makes the session of a new connection. */
export type Application = () => Session;

/** A piece of a stream to write: larger saves calls, smaller leaves the others their turn. */
const PIECE_BYTES = 1 << 18;
/** Bytes that one connection may write or read in a turn. */
const TURN_BYTES = 1 << 20;

/** Sends back what comes. */
export function echo(): Session {
  let waiting = new Uint8Array(0);
  return {
    turn(stream: ByteStream): boolean {
      for (let moved = 0; moved < TURN_BYTES;) {
        if (waiting.length === 0) {
          const bytes = stream.read();
          if (bytes === undefined) return false;
          if (bytes.length === 0) {
            stream.end();
            return true;
          }
          waiting = bytes as Uint8Array<ArrayBuffer>;
        }
        const taken = stream.write(waiting);
        if (taken === 0) return false;
        waiting = waiting.subarray(taken);
        moved += taken;
      }
      return false;
    },
  };
}

/** Reads what comes and throws it away; `hashed`: adds it up first. */
export function sink(hashed: boolean): Session {
  const intake = newIntake(hashed);
  return {
    turn(stream: ByteStream): boolean {
      if (!intake.drain(stream)) return false;
      stream.end();
      return true;
    },
    received: intake.digest,
  };
}

/** Sends `bytes` of the pattern, or no end of it, and closes; what comes meanwhile is read and thrown away. */
export function source(bytes: number, hashed: boolean): Session {
  const intake = newIntake(hashed);
  let sent = 0;
  let ended = false;
  return {
    turn(stream: ByteStream): boolean {
      const goal = Math.min(bytes, sent + TURN_BYTES);
      while (sent < goal) {
        const piece = patternAt(sent, Math.min(PIECE_BYTES, bytes - sent));
        const taken = stream.write(piece);
        sent += taken;
        if (taken < piece.length) break;
      }
      if (sent === bytes && !ended) {
        ended = true;
        stream.end();
      }
      return intake.drain(stream) && ended;
    },
    received: intake.digest,
  };
}

interface Intake {
  /** Reads what there is; true when nothing will follow. */
  drain(stream: ByteStream): boolean;
  digest: (() => string) | undefined;
}

function newIntake(hashed: boolean): Intake {
  const hash: Hash | undefined = hashed ? createHash("sha256") : undefined;
  let text: string | undefined;
  return {
    drain(stream: ByteStream): boolean {
      for (let moved = 0; moved < TURN_BYTES;) {
        const bytes = stream.read();
        if (bytes === undefined) return false;
        if (bytes.length === 0) return true;
        hash?.update(bytes);
        moved += bytes.length;
      }
      return false;
    },
    digest: hash && (() => text ??= hash.digest("hex")),
  };
}
