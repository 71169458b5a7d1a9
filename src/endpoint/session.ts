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

/**
 * How a turn ended: nothing can be done until the stream has bytes or room; more could be done, but others want their turn;
 * both directions are done with, and the connection is to be closed.
 */
export type TurnEnd = "waits" | "more" | "done";

/** An application's side of one connection. */
export interface Session {
  /** Does what can be done now. */
  turn(stream: ByteStream): TurnEnd;
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
    turn(stream: ByteStream): TurnEnd {
      for (let moved = 0; moved < TURN_BYTES;) {
        if (waiting.length === 0) {
          const bytes = stream.read();
          if (bytes === undefined) return "waits";
          if (bytes.length === 0) {
            stream.end();
            return "done";
          }
          waiting = bytes as Uint8Array<ArrayBuffer>;
        }
        const taken = stream.write(waiting);
        if (taken === 0) return "waits";
        waiting = waiting.subarray(taken);
        moved += taken;
      }
      return "more";
    },
  };
}

/** Reads what comes and throws it away; `hashed`: adds it up first. */
export function sink(hashed: boolean): Session {
  const intake = newIntake(hashed);
  return {
    turn(stream: ByteStream): TurnEnd {
      const end = intake.drain(stream);
      if (end === "done") stream.end();
      return end;
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
    turn(stream: ByteStream): TurnEnd {
      const goal = Math.min(bytes, sent + TURN_BYTES);
      let blocked = false;
      while (sent < goal && !blocked) {
        const piece = patternAt(sent, Math.min(PIECE_BYTES, bytes - sent));
        const taken = stream.write(piece);
        sent += taken;
        blocked = taken < piece.length;
      }
      if (sent === bytes && !ended) {
        ended = true;
        stream.end();
      }
      const read = intake.drain(stream);
      if (read === "more" || (!blocked && !ended)) return "more";
      return ended ? read : "waits";
    },
    received: intake.digest,
  };
}

interface Intake {
  /** Reads what there is; done when nothing will follow. */
  drain(stream: ByteStream): TurnEnd;
  digest: (() => string) | undefined;
}

function newIntake(hashed: boolean): Intake {
  const hash: Hash | undefined = hashed ? createHash("sha256") : undefined;
  let text: string | undefined;
  return {
    drain(stream: ByteStream): TurnEnd {
      for (let moved = 0; moved < TURN_BYTES;) {
        const bytes = stream.read();
        if (bytes === undefined) return "waits";
        if (bytes.length === 0) return "done";
        hash?.update(bytes);
        moved += bytes.length;
      }
      return "more";
    },
    digest: hash && (() => text ??= hash.digest("hex")),
  };
}
