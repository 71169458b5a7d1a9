// The benchmark's dumbbell on ns-3: n CUBIC flows through one drop-tail bottleneck of one bandwidth-delay product.
//
//     left host i --2.5 ms-- left router --5 ms, rate-- right router --2.5 ms-- right host i
//
// Where the model allows a choice it is taken in ns-3's favour: no tracing, nix-vector routing (a router's table is
// searched from end to end otherwise), the strong end-system model. Scheduler and library are Debian's defaults; the heap
// and priority-queue schedulers measured the same within the noise.
//
// Prints one JSON object. The run alone is timed, not the building of the topology.

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/nix-vector-routing-module.h"
#include "ns3/point-to-point-module.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

using namespace ns3;

namespace {

constexpr uint32_t MSS = 1448;
constexpr uint32_t IP_BYTES = 1500;
constexpr double BASE_RTT_S = 0.020;

void ConfigureTcp() {
  // A router would compare each packet with the addresses of all its interfaces otherwise.
  Config::SetDefault("ns3::Ipv4::WeakEsModel", BooleanValue(false));
  Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TcpCubic::GetTypeId()));
  Config::SetDefault("ns3::TcpL4Protocol::RecoveryType", TypeIdValue(TcpPrrRecovery::GetTypeId()));
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(MSS));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
  Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(2));
  Config::SetDefault("ns3::TcpSocket::DelAckTimeout", TimeValue(MilliSeconds(40)));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));
  Config::SetDefault("ns3::TcpSocketBase::Sack", BooleanValue(true));
  Config::SetDefault("ns3::TcpSocketBase::Timestamp", BooleanValue(true));
  Config::SetDefault("ns3::TcpSocketBase::WindowScaling", BooleanValue(true));
}

PointToPointHelper MakeLink(double rateBps, double delayMs, uint32_t packets) {
  PointToPointHelper link;
  link.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(rateBps))));
  link.SetChannelAttribute("Delay", TimeValue(NanoSeconds(static_cast<uint64_t>(delayMs * 1e6))));
  link.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize", QueueSizeValue(QueueSize(QueueSizeUnit::PACKETS, packets)));
  // Flow control would put FqCoDel above the device's own drop-tail queue.
  link.DisableFlowControl();
  return link;
}

}  // namespace

int main(int argc, char* argv[]) {
  uint32_t flows = 10;
  double rateBps = 100e6;
  double accessBps = 1e9;
  double seconds = 10;

  CommandLine cmd(__FILE__);
  cmd.AddValue("flows", "number of flows", flows);
  cmd.AddValue("rate", "bottleneck rate, bit/s", rateBps);
  cmd.AddValue("access", "rate of each access link, bit/s", accessBps);
  cmd.AddValue("seconds", "simulated seconds", seconds);
  cmd.Parse(argc, argv);

  ConfigureTcp();

  const auto bdpPackets = static_cast<uint32_t>(std::lround(rateBps * BASE_RTT_S / 8 / IP_BYTES));
  PointToPointHelper bottleneck = MakeLink(rateBps, 5, std::max(1u, bdpPackets));
  PointToPointHelper access = MakeLink(accessBps, 2.5, 1u << 30);

  NodeContainer routers(2), left(flows), right(flows);
  InternetStackHelper stack;
  stack.SetRoutingHelper(Ipv4NixVectorHelper());
  stack.SetIpv6StackInstall(false);
  stack.Install(NodeContainer(routers, left, right));

  // A /30 for every link, counted up from 10.0.0.0.
  Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
  const auto connect = [&](PointToPointHelper& link, Ptr<Node> a, Ptr<Node> b) {
    const Ipv4InterfaceContainer interfaces = addresses.Assign(link.Install(a, b));
    addresses.NewNetwork();
    return interfaces.GetAddress(1);
  };

  connect(bottleneck, routers.Get(0), routers.Get(1));
  ApplicationContainer sinks;
  for (uint32_t i = 0; i < flows; i++) {
    connect(access, left.Get(i), routers.Get(0));
    const InetSocketAddress receiver(connect(access, routers.Get(1), right.Get(i)), 5000);

    sinks.Add(PacketSinkHelper("ns3::TcpSocketFactory", receiver).Install(right.Get(i)));

    BulkSendHelper sender("ns3::TcpSocketFactory", receiver);
    sender.SetAttribute("MaxBytes", UintegerValue(0));
    sender.SetAttribute("SendSize", UintegerValue(MSS));
    sender.Install(left.Get(i)).Start(MilliSeconds(i));
  }
  sinks.Start(Seconds(0));

  Simulator::Stop(Seconds(seconds));
  const auto began = std::chrono::steady_clock::now();
  Simulator::Run();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();

  uint64_t bytes = 0;
  for (auto app = sinks.Begin(); app != sinks.End(); ++app) bytes += DynamicCast<PacketSink>(*app)->GetTotalRx();
  const uint64_t segments = bytes / MSS;

  std::printf(
      "{\"flows\": %u, \"simulated_s\": %g, \"wall_s\": %.4f, \"events\": %llu, \"segments_delivered\": %llu, "
      "\"segments_per_wall_s\": %.0f, \"goodput_bps\": %.0f}\n",
      flows, seconds, wall, static_cast<unsigned long long>(Simulator::GetEventCount()),
      static_cast<unsigned long long>(segments), segments / wall, bytes * 8 / seconds);
  Simulator::Destroy();
  return 0;
}
