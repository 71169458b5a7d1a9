/**
 * A small HTTP/1.1 responder (RFC 9112) to point `curl` at. `GET /` tells what the engine knows of the very connection that
 * asks, `GET /bytes/N` sends N bytes of the pattern, and what is sent by PUT or POST is counted and summed. Left out:
 * chunked bodies, ranges, and everything that a page for people would need.
 */
import { createHash, type Hash } from "node:crypto";
import { patternAt } from "./pattern.ts";
import type { ByteStream, Session, TurnEnd } from "./session.ts";

const HEAD_BYTES_MAX = 65536;
const PIECE_BYTES = 1 << 18;
const TURN_BYTES = 1 << 20;
const BLANK_LINE = "\r\n\r\n";

interface Request {
  method: string;
  path: string;
  length: number;
  chunked: boolean;
  expectsContinue: boolean;
  keepsAlive: boolean;
}

/** A body under way to the client. */
interface Body {
  sent: number;
  length: number;
  piece(offset: number, length: number): Uint8Array;
}

/** A body that is being received. */
interface Upload {
  request: Request;
  left: number;
  hash: Hash;
}

/** Answers the requests of one connection, one after another. */
export function http(): Session {
  return new HttpSession();
}

class HttpSession implements Session {
  /** What has come and is not read yet. */
  #input = new Uint8Array(0);
  #upload: Upload | undefined;
  readonly #output: Body[] = [];
  #closing = false;

  turn(stream: ByteStream): TurnEnd {
    for (let moved = 0; moved < TURN_BYTES;) {
      // One answer at a time: the next request waits until this one has left
      if (this.#output.length > 0) {
        const written = this.#write(stream);
        if (written === 0) return "waits";
        moved += written;
      } else if (this.#closing) {
        stream.end();
        return "done";
      } else if (!this.#understand(stream)) {
        const read = this.#read(stream);
        if (read === undefined) return "waits";
        // What a client that has closed asked for is answered, half a request is not
        if (read === 0) this.#closing = true;
        moved += read;
      }
    }
    return "more";
  }

  /** Takes what has come; how many bytes, 0 for the end. */
  #read(stream: ByteStream): number | undefined {
    const bytes = stream.read();
    if (bytes === undefined) return undefined;
    this.#input = this.#input.length === 0 ? new Uint8Array(bytes) : joined(this.#input, bytes);
    return bytes.length;
  }

  /** Makes answers of the input; whether there was anything to do. */
  #understand(stream: ByteStream): boolean {
    if (this.#upload !== undefined) return this.#receive(this.#upload);
    const end = indexOfBlankLine(this.#input);
    if (end < 0) {
      if (this.#input.length > HEAD_BYTES_MAX) return this.#refuse("431 Request Header Fields Too Large");
      return false;
    }
    const request = parseHead(new TextDecoder("latin1").decode(this.#input.subarray(0, end)));
    this.#input = this.#input.subarray(end + BLANK_LINE.length);
    if (request === undefined) return this.#refuse("400 Bad Request");
    if (request.chunked) return this.#refuse("411 Length Required");
    if (request.length > 0) {
      this.#upload = { request, left: request.length, hash: createHash("sha256") };
      if (request.expectsContinue) this.#queue(asBody("HTTP/1.1 100 Continue" + BLANK_LINE));
      return true;
    }
    this.#answer(request, stream);
    return true;
  }

  #receive(upload: Upload): boolean {
    const part = this.#input.subarray(0, upload.left);
    if (part.length === 0) return false;
    upload.hash.update(part);
    upload.left -= part.length;
    this.#input = this.#input.subarray(part.length);
    if (upload.left > 0) return true;
    this.#upload = undefined;
    this.#closing = !upload.request.keepsAlive;
    this.#respond("200 OK", asBody(`${upload.request.length} bytes, sha256 ${upload.hash.digest("hex")}\n`), true);
    return true;
  }

  #answer({ method, path, keepsAlive }: Request, stream: ByteStream): void {
    this.#closing = !keepsAlive;
    const withBody = method !== "HEAD";
    const size = /^\/bytes\/(\d{1,15})$/.exec(path)?.[1];
    if (method !== "GET" && method !== "HEAD" && method !== "PUT" && method !== "POST") {
      return this.#respond("405 Method Not Allowed", asBody("GET, HEAD, PUT and POST are what there is\n"), withBody);
    }
    if (size !== undefined) return this.#respond("200 OK", patternBody(Number(size)), withBody);
    if (path === "/") return this.#respond("200 OK", asBody(stream.describe()), withBody);
    this.#respond("404 Not Found", asBody("There is / and /bytes/N\n"), withBody);
  }

  #refuse(status: string): boolean {
    this.#closing = true;
    this.#input = new Uint8Array(0);
    this.#respond(status, asBody(`${status}\n`), true);
    return true;
  }

  #respond(status: string, body: Body, withBody: boolean): void {
    const type = body.piece === patternAt ? "application/octet-stream" : "text/plain";
    const lines = [
      `HTTP/1.1 ${status}`,
      "Server: cwnd",
      `Content-Type: ${type}`,
      `Content-Length: ${body.length}`,
      ...this.#closing ? ["Connection: close"] : [],
    ];
    this.#queue(asBody(lines.join("\r\n") + BLANK_LINE));
    if (withBody) this.#queue(body);
  }

  #queue(body: Body): void {
    if (body.length > 0) this.#output.push(body);
  }

  /** Writes what there is room for; how many bytes. */
  #write(stream: ByteStream): number {
    let written = 0;
    while (this.#output.length > 0 && written < TURN_BYTES) {
      const body = this.#output[0];
      const piece = body.piece(body.sent, Math.min(PIECE_BYTES, body.length - body.sent));
      const taken = stream.write(piece);
      body.sent += taken;
      written += taken;
      if (body.sent === body.length) this.#output.shift();
      if (taken < piece.length) break;
    }
    return written;
  }
}

function asBody(text: string): Body {
  const bytes = new TextEncoder().encode(text);
  return { sent: 0, length: bytes.length, piece: (offset, length) => bytes.subarray(offset, offset + length) };
}

function patternBody(length: number): Body {
  return { sent: 0, length, piece: patternAt };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function indexOfBlankLine(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at;
  }
  return -1;
}

/** undefined when it is none. */
function parseHead(head: string): Request | undefined {
  const [first, ...lines] = head.split("\r\n");
  const [, method, path, minor] = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(first) ?? [];
  if (method === undefined) return undefined;
  const fields = new Map(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const length = Number(fields.get("content-length") ?? "0");
  if (!Number.isSafeInteger(length) || length < 0) return undefined;
  const connection = (fields.get("connection") ?? "").toLowerCase();
  return {
    method,
    path,
    length,
    chunked: fields.has("transfer-encoding"),
    expectsContinue: (fields.get("expect") ?? "").toLowerCase() === "100-continue",
    keepsAlive: minor === "1" ? connection !== "close" : connection === "keep-alive",
  };
}
