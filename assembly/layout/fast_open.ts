/** TCP Fast Open, RFC 7413: what an end needs while it opens with data, in a slab that hangs from its `TcbExt`. */
@unmanaged
export class FastOpen {
  /** `FastOpenBit` bits. */
  bits: u8;
  /** Bytes of the cookie that goes on our SYN, or that our SYN-ACK grants; none asks for one. */
  cookie_length: u8;
  /** Text that left with our SYN. */
  syn_data: u16;
  unused: u32;
  cookie0: u64;
  cookie1: u64;
}

/** What makes a server's cookies, and the key before, whose cookies still count; zeros: none. */
@unmanaged
export class FastOpenKeys {
  key0: u64;
  key1: u64;
  backup0: u64;
  backup1: u64;
}

/** What a client remembers of a server, RFC 7413 §4.1.3; the table has one for each value of a hash. */
@unmanaged
export class FastOpenCache {
  local_addr: u32;
  remote_addr: u32;
  /** 0: the entry is empty. */
  cookie_length: u8;
  unused0: u8;
  /** The MSS that the server announced. */
  mss: u16;
  unused1: u32;
  cookie0: u64;
  cookie1: u64;
}
