// What one thread knows of the others: entry u is the last moment of agent u that comes before now.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mlora::emulator {

/// Shared until it changes: after a barrier many threads know the same. Null: nothing beyond the block's
/// base.
class VectorClock {
public:
  VectorClock() = default;
  VectorClock(const VectorClock &other) : data(other.data) { retain(); }
  VectorClock(VectorClock &&other) noexcept : data(other.data) { other.data = nullptr; }
  VectorClock &operator=(VectorClock other) noexcept {
    std::swap(data, other.data);
    return *this;
  }
  ~VectorClock() { release(); }

  explicit operator bool() const { return data; }
  bool same(const VectorClock &other) const { return data == other.data; }
  uint32_t at(unsigned agent) const {
    return data && agent < data->entries.size() ? data->entries[agent] : 0;
  }

  /// Whether joining the other would change nothing.
  bool covers(const VectorClock &other) const {
    if (!other.data || data == other.data)
      return true;
    for (size_t i = 0, n = other.data->entries.size(); i < n; ++i)
      if (at(i) < other.data->entries[i])
        return false;
    return true;
  }

  void raise(unsigned agent, uint32_t moment) {
    own(agent + 1);
    data->entries[agent] = std::max(data->entries[agent], moment);
  }
  /// The later of both, agent by agent.
  void join(const VectorClock &other) {
    if (!other.data || data == other.data)
      return;
    if (!data) {
      *this = other;
      return;
    }
    own(other.data->entries.size());
    const uint32_t *from = other.data->entries.data();
    uint32_t *to = data->entries.data();
    for (size_t i = 0, n = other.data->entries.size(); i < n; ++i)
      to[i] = std::max(to[i], from[i]);
  }
  /// Everything that the first `count` agents did until `moment`.
  void raiseAll(unsigned count, uint32_t moment) {
    own(count);
    for (unsigned i = 0; i < count; ++i)
      data->entries[i] = std::max(data->entries[i], moment);
  }

private:
  struct Data {
    uint32_t owners;
    std::vector<uint32_t> entries;
  };
  /// Data of its own, with room.
  void own(size_t size) {
    if (!data) {
      data = new Data{1, std::vector<uint32_t>(size)};
    } else if (data->owners > 1) {
      Data *copy = new Data{1, data->entries};
      release();
      data = copy;
    }
    if (data->entries.size() < size)
      data->entries.resize(size);
  }
  void retain() {
    if (data)
      ++data->owners;
  }
  void release() {
    if (data && --data->owners == 0)
      delete data;
  }
  Data *data = nullptr;
};

/// Ordinary stores that a proxy fence has made visible to the async proxy.
struct ProxyFences {
  VectorClock shared, global; ///< by the memory that the fence covers
  void join(const ProxyFences &other) {
    shared.join(other.shared);
    global.join(other.global);
  }
};

} // namespace mlora::emulator
