//===- Names.h - what values are called in the IR ----------------------------------===//
//
// A value's name is the location of what makes it: a NameLoc for one result or an argument, for several
// results a fused location whose metadata lists them. Passes hand names on; printing uses them (mlora-opt
// prints with --mlir-use-nameloc-as-prefix).

#pragma once

#include "mlir/IR/Location.h"
#include "mlir/IR/Value.h"

#include <string>

namespace mlir::mlora {
class BufferOp;

/// `location` without the names that it holds.
Location withoutNames(Location location);
/// `location` under a name for each result; an empty one leaves the choice to the op.
Location withNames(Location location, ArrayRef<StringRef> names);

Location withName(Location location, StringRef name);

/// The name of a value, empty if it has none.
StringRef nameOf(Value value);

/// A location for a value that has the name of another, or for its derivative.
Location namedAs(Value value);
Location namedDerivative(Value value);

/// The short name of a trained tensor: "self_attn.q_proj+self_attn.k_proj.A" is `q_k.A`.
std::string shortName(StringRef tensor);

/// What a buffer is called: `q_k.A`, its gradient `dq_k.A`, a residual of a layer by its own name, a weight
/// by the last part of its.
std::string shortName(BufferOp buffer);

} // namespace mlir::mlora
