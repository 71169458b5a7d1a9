/** An epoll instance: what it watches, level- and edge-triggered. */
import { Epoll as Operation, Errno, PollEvent } from "./constants.ts";

/** What an epoll instance asks of the descriptors it watches. */
export interface Watched {
  /** Events that hold now; undefined for a descriptor that is closed. */
  readiness(fd: number): number | undefined;
  /** A number that changes whenever something happens to the descriptor. */
  generation(fd: number): number;
}

/** One event that epoll_wait returns. */
export interface EpollEvent {
  /** Bits that hold, of those asked for. */
  events: number;
  /** What EPOLL_CTL_ADD was given. */
  data: number;
}

interface Interest {
  events: number;
  data: number;
  /** Generation at which an edge was last told. */
  told: number;
  /** EPOLLONESHOT has fired. */
  disabled: boolean;
}

const ALWAYS = PollEvent.POLLERR | PollEvent.POLLHUP;

/** The instance behind a descriptor of epoll_create. */
export class EpollInstance {
  readonly #interests: Map<number, Interest> = new Map<number, Interest>();

  /** -errno or 0. */
  control(operation: number, fd: number, events: number, data: number): number {
    const interest = this.#interests.get(fd);
    switch (operation) {
      case Operation.EPOLL_CTL_ADD:
        if (interest !== undefined) return -Errno.EEXIST;
        this.#interests.set(fd, { events, data, told: -1, disabled: false });
        return 0;
      case Operation.EPOLL_CTL_MOD:
        if (interest === undefined) return -Errno.ENOENT;
        this.#interests.set(fd, { events, data, told: -1, disabled: false });
        return 0;
      case Operation.EPOLL_CTL_DEL:
        return this.#interests.delete(fd) ? 0 : -Errno.ENOENT;
      default:
        return -Errno.EINVAL;
    }
  }

  /** The descriptor is closed. */
  forget(fd: number): void {
    this.#interests.delete(fd);
  }

  /** Up to `max` events that are to be told now. */
  ready(watched: Watched, max: number): EpollEvent[] {
    const told: EpollEvent[] = [];
    for (const [fd, interest] of this.#interests) {
      if (told.length === max) break;
      const events = (watched.readiness(fd) ?? 0) & (interest.events | ALWAYS);
      if (events === 0 || interest.disabled) continue;
      const generation = watched.generation(fd);
      if (interest.events & Operation.EPOLLET && interest.told === generation) continue;
      interest.told = generation;
      if (interest.events & Operation.EPOLLONESHOT) interest.disabled = true;
      told.push({ events, data: interest.data });
    }
    return told;
  }
}
