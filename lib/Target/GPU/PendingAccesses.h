//===- PendingAccesses.h - what threads must have met for -----------------------------===//

#pragma once

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::mlora {

/// Whether two memrefs of a kernel may share bytes: views of one buffer or piece of scratch; arguments of one type,
/// where a result may lie in an operand's place.
bool mayAlias(Value a, Value c);

/// Equal indices are equal places, if places are shared at all.
bool isSamePlace(Value a, Value c);

/// Equal indices are equal places.
bool isOnePlace(Value a, Value c);

/// Which thread has which element of an iteration space, where every element has one: equal for two
/// operations whose threads have the same. Unknown without sizes.
struct Distribution {
  SmallVector<Value> sizes;
  int64_t width = 1; ///< elements of a thread at a time

  bool isSame(const Distribution &other) const;
};

/// Accesses by the threads of a team since they last met. Another one has to wait for them where it touches
/// what they touch, one of both writes, and it is not each thread's own.
class PendingAccesses {
public:
  struct Access {
    Value memory;
    bool isWrite;
    Distribution distribution = {}; ///< known: element i of the space is element i of the memory
  };

  /// Whether the team must meet before these.
  bool mustMeet(ArrayRef<Access> accesses) const;
  void add(ArrayRef<Access> accesses) { llvm::append_range(pending, accesses); }
  void clear() { pending.clear(); }
  bool empty() const { return pending.empty(); }

private:
  SmallVector<Access> pending;
};

} // namespace mlir::mlora
