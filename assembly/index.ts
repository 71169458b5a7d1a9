/** The core's exports. The host knows no other. */

// A run
export {
  addFlow,
  addLink,
  addRoute,
  addSource,
  allocate,
  extendLink,
  finishLink,
  init,
  restartLinkAverages,
  scheduleFlow,
} from "./sim/setup";
export { addGate, addHostGate } from "./sim/gate";
export { run } from "./sim/run";
export { runDigest } from "./sim/digest";
export { earliestEvent } from "./sim/event_queue";
export { newPacket, offerPacket, takePacket } from "./sim/packet";
export { captureInit } from "./sim/capture";
export {
  keepRttHistogram,
  programAbort,
  programClose,
  programNews,
  programRead,
  programReady,
  programWrite,
  queuePackets,
  queueRemaining,
} from "./sim/program";

// A host on a wire
export { stackInit } from "./stack/stack";
export { stackInput } from "./stack/input";
export { stackRun } from "./stack/run";
export { checkStack } from "./stack/invariants";
export { stackNews } from "./stack/news";
export { socketFastOpenKeys } from "./stack/fast_open";
export {
  socketAbort,
  socketAccept,
  socketBind,
  socketClose,
  socketCongestion,
  socketConnect,
  socketConnectFast,
  socketCork,
  socketExt,
  socketFastRoom,
  socketFinish,
  socketKeepalive,
  socketListen,
  socketMayWrite,
  socketNoDelay,
  socketOpen,
  socketQuickAck,
  socketRead,
  socketReadUrgent,
  socketReadable,
  socketReceiveBuffer,
  socketResize,
  socketReuse,
  socketUnlisten,
  socketSendSyn,
  socketUrgent,
  socketUrgentInline,
  socketPacingRate,
  socketUserTimeout,
  socketWindowClamp,
  socketWritable,
  socketWrite,
} from "./stack/calls";

// One connection by itself: what the simulator calls, for owners of other kinds and for tests
export {
  abortConnection,
  closeConnection,
  closeReceiving,
  openActive,
  openFast,
  openPassive,
  receiveBytes,
  sendBytes,
  sendMessage,
  sendOpeningSyn,
  setCork,
  setKeepalive,
  setNoDelay,
  setUrgentInline,
  setQuickAcks,
  setReceiveBuffer,
  setUserTimeout,
} from "./tcp/calls";
export { fastOpenCookie4, fastOpenCookie6, fastOpenKnows, fastOpenSyn } from "./tcp/fast_open";
export { segmentArrives } from "./tcp/segment_arrives";
export { timersExpired } from "./tcp/timeouts";
export { timersEarliest } from "./tcp/timers";
export { pathMtuReduced } from "./tcp/pmtu";
export { tcpInfo } from "./tcp/info";
export { checkInvariants } from "./tcp/invariants";
export { bytesInUse } from "./base/arena";
export { giveSegment, takeLongSegment, takeSegment } from "./base/pool";

// Bytes
export { encodeIpv4Tcp, ipv4TcpLength, parseIpv4Tcp } from "./wire/ipv4";
export { encodeIpv6Tcp, ipv6TcpLength, parseIpv6Tcp } from "./wire/ipv6";
export { parseTcp } from "./wire/tcp_header";
export { checksum } from "./base/checksum";

export { rootAddress } from "./base/root";
export { trapRecord } from "./trap";
