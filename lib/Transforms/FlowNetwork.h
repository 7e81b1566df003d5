//===- FlowNetwork.h - maximum flow and minimum cut -------------------------------===//

#pragma once

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <map>

namespace mlir::mlora {

/// Maximum flow by shortest augmenting paths; graphs here have some dozens of nodes.
class FlowNetwork {
public:
  /// Products of bytes and floating-point operations exceed 64 bits.
  using Capacity = __int128;
  static constexpr Capacity kUnlimited = Capacity(1) << 120;

  void addEdge(unsigned from, unsigned to, Capacity capacity) {
    residual[from][to] += capacity, residual[to][from] += 0;
  }

  void saturate(unsigned source, unsigned sink) {
    while (true) {
      llvm::MapVector<unsigned, unsigned> previous;
      SmallVector<unsigned> queue{source};
      previous[source] = source;
      for (unsigned i = 0; i < queue.size(); ++i)
        for (auto [next, capacity] : residual[queue[i]])
          if (capacity > 0 && previous.insert({next, queue[i]}).second)
            queue.push_back(next);
      if (!previous.count(sink))
        return;
      Capacity flow = kUnlimited;
      for (unsigned node = sink; node != source; node = previous[node])
        flow = std::min(flow, residual[previous[node]][node]);
      for (unsigned node = sink; node != source; node = previous[node]) {
        residual[previous[node]][node] -= flow;
        residual[node][previous[node]] += flow;
      }
    }
  }

  /// Nodes that still reach the sink: of all minimum cuts this one is nearest to it.
  DenseSet<unsigned> sinkSide(unsigned sink) {
    DenseSet<unsigned> side{sink};
    SmallVector<unsigned> queue{sink};
    for (unsigned i = 0; i < queue.size(); ++i)
      for (auto [previous, reverse] : residual[queue[i]])
        if (residual[previous][queue[i]] > 0 && side.insert(previous).second)
          queue.push_back(previous);
    return side;
  }

private:
  std::map<unsigned, std::map<unsigned, Capacity>> residual;
};

} // namespace mlir::mlora
