//===- CheckGradients.cpp - gradients against central differences ----------------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Reference/Interpreter.h"
#include "mlora/Reference/Passes.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <map>

namespace mlir::mlora {
#define GEN_PASS_DEF_CHECKGRADIENTS
#include "mlora/Reference/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;
using namespace mlir::mlora::reference;

namespace {

/// Pseudo-random tensors: splitmix64, the same on every machine.
class Fuzzer {
public:
  Tensor real(func::FuncOp function, unsigned argument) {
    Tensor tensor(shape(function, argument));
    for (double &x : tensor.data)
      x = double(next() >> 11) / double(uint64_t(1) << 52) - 1; // [-1, 1)
    return tensor;
  }

  /// Indices that suit the op that reads them.
  Tensor indices(func::FuncOp function, unsigned argument) {
    Tensor tensor(shape(function, argument));
    Value value = function.getArgument(argument);
    for (int64_t i = 0; i < tensor.rows(); ++i) {
      tensor(i) = i;
      suit(value, i, tensor);
    }
    return tensor;
  }

private:
  void suit(Value value, int64_t i, Tensor &tensor) {
    auto target = [&](int64_t words) {
      return i == 1 ? -100 : int64_t(next() % words);
    }; // one does not count
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (auto embedding = dyn_cast<EmbeddingOp>(user))
        tensor(i) = next() % embedding.getTable().getType().getDimSize(0);
      else if (auto loss = dyn_cast<CrossEntropyOp>(user))
        tensor(i) = target(loss.getWeight().getType().getDimSize(0));
      else if (auto loss = dyn_cast<NllOp>(user))
        tensor(i) = target(loss.getLogits().getType().getDimSize(1));
      else if (auto call = dyn_cast<ChunkedCallOp>(user))
        suit(SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr())
                 .getArgument(use.getOperandNumber()),
             i, tensor);
      else if (isa<GatherRowsOp>(user)) // different rows
        tensor(i) = 2 * i;
      else if (isa<AttentionOp>(user)) // two documents
        tensor(i) = i < 2 ? 0 : 2;
    }
  }

  static SmallVector<int64_t> shape(func::FuncOp function, unsigned argument) {
    auto extent = function.getArgAttrOfType<StringAttr>(argument, kExtentAttr);
    SmallVector<int64_t> sizes(cast<RankedTensorType>(function.getArgument(argument).getType()).getShape());
    for (int64_t &size : sizes)
      if (ShapedType::isDynamic(size))
        size = extent && extent.getValue() == "counted_rows" ? 3 : 5;
    return sizes;
  }

  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state = 0;
};

/// An attribute's name with its value: what an argument or a result is.
using Role = std::pair<std::string, std::string>;
using Named = std::map<Role, Tensor>;

std::optional<Role> roleOf(DictionaryAttr attributes) {
  for (StringRef key :
       {kResidualAttr, kCotangentAttr, kGradientAttr, kTrainableAttr, kInputAttr, kWeightAttr})
    if (auto name = attributes ? attributes.getAs<StringAttr>(key) : StringAttr())
      return Role(key.str(), name.str());
  return std::nullopt;
}

/// Runs a function on tensors by role; results with a role are added to `values`.
LogicalResult runByRole(func::FuncOp function, Named &values) {
  Tensors arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    std::optional<Role> role = roleOf(function.getArgAttrDict(i));
    if (!role || !values.count(*role))
      return function.emitError("argument ") << i << " has no role that is known";
    arguments.push_back(values[*role]);
  }
  FailureOr<Tensors> results = evaluate(function, arguments);
  if (failed(results))
    return failure();
  for (auto [i, tensor] : llvm::enumerate(*results))
    if (std::optional<Role> role = roleOf(function.getResultAttrDict(i)))
      values[*role] = tensor;
  return success();
}

/// A function of the model with pseudo-random arguments and cotangents of its results.
class Case {
public:
  /// `adjoint` has the cotangents among its arguments, in the order of the results that are active.
  Case(func::FuncOp primal, func::FuncOp adjoint) : primal(primal) {
    Fuzzer fuzzer;
    for (unsigned i = 0; i < primal.getNumArguments(); ++i) {
      bool real = isa<FloatType>(getElementTypeOrSelf(primal.getArgument(i).getType()));
      arguments.push_back(real ? fuzzer.real(primal, i) : fuzzer.indices(primal, i));
      if (std::optional<Role> role = roleOf(primal.getArgAttrDict(i)))
        values[*role] = arguments.back();
    }
    unsigned result = 0;
    for (unsigned i = 0; i < adjoint.getNumArguments(); ++i)
      if (auto name = adjoint.getArgAttrOfType<StringAttr>(i, kCotangentAttr)) {
        while (primal.getResultTypes()[result] != adjoint.getArgument(i).getType())
          ++result; // not active
        Tensor cotangent = fuzzer.real(adjoint, i);
        values[{kCotangentAttr.str(), name.str()}] = cotangent;
        cotangents.push_back({result++, cotangent});
      }
  }

  /// Σ over active results of <result, cotangent>
  FailureOr<double> evaluateProduct() {
    FailureOr<Tensors> results = evaluate(primal, arguments);
    if (failed(results))
      return failure();
    double sum = 0;
    for (const auto &[result, cotangent] : cotangents)
      for (size_t i = 0; i < cotangent.data.size(); ++i)
        sum += (*results)[result].data[i] * cotangent.data[i];
    return sum;
  }

  FailureOr<Tensor> centralDifferences(unsigned argument) {
    constexpr double step = 1e-4;
    Tensor gradient(arguments[argument].shape);
    for (size_t i = 0; i < gradient.data.size(); ++i) {
      double &x = arguments[argument].data[i], at = x;
      x = at + step;
      FailureOr<double> above = evaluateProduct();
      x = at - step;
      FailureOr<double> below = evaluateProduct();
      x = at;
      if (failed(above) || failed(below))
        return failure();
      gradient.data[i] = (*above - *below) / (2 * step);
    }
    return gradient;
  }

  /// The argument that a gradient or cotangent of this role belongs to.
  std::optional<unsigned> argumentOf(const Role &gradient) {
    StringRef key = gradient.first == kGradientAttr ? kTrainableAttr : kInputAttr;
    for (unsigned i = 0; i < primal.getNumArguments(); ++i)
      if (auto name = primal.getArgAttrOfType<StringAttr>(i, key); name && name.getValue() == gradient.second)
        return i;
    return std::nullopt;
  }

  func::FuncOp primal;
  Named values;

private:
  Tensors arguments;
  SmallVector<std::pair<unsigned, Tensor>> cotangents;
};

double largest(const Tensor &a, const Tensor *minus = nullptr) {
  double result = 0;
  for (size_t i = 0; i < a.data.size(); ++i)
    result = std::max(result, std::abs(a.data[i] - (minus ? minus->data[i] : 0)));
  return result;
}

struct CheckGradientsPass : ::mlir::mlora::impl::CheckGradientsBase<CheckGradientsPass> {
  using CheckGradientsBase::CheckGradientsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto adjoint : llvm::to_vector(module.getOps<func::FuncOp>())) {
      auto [kind, part] = adjoint.getName().split('.');
      auto function = [&](const Twine &name) { return module.lookupSymbol<func::FuncOp>(name.str()); };
      if (part != "value_and_grad" && part != "value_and_grad.lowest" && part != "backward" &&
          part != "backward.lowest")
        continue;
      Case test(function(kind), adjoint);
      // Forward's residuals are backward's arguments.
      if (part.starts_with("backward") && failed(runByRole(function(kind + ".forward"), test.values)))
        return signalPassFailure();
      if (failed(runByRole(adjoint, test.values)) || failed(check(test, adjoint)))
        return signalPassFailure();
    }
  }

  LogicalResult check(Case &test, func::FuncOp adjoint) {
    for (unsigned i = 0; i < adjoint.getNumResults(); ++i) {
      std::optional<Role> role = roleOf(adjoint.getResultAttrDict(i));
      if (!role)
        continue;
      std::optional<unsigned> argument = test.argumentOf(*role);
      if (!argument)
        return adjoint.emitError("result ") << i << " is a gradient of no argument";
      const Tensor &gradient = test.values[*role];
      FailureOr<Tensor> differences = test.centralDifferences(*argument);
      if (failed(differences))
        return failure();
      double error = largest(gradient, &*differences), scale = largest(*differences);
      // A gradient of nothing would be right by being zero: it is wrong here.
      if (!(error <= tolerance * scale) || scale == 0)
        return adjoint.emitError("gradient of '")
               << role->second << "' differs from central differences by "
               << llvm::formatv("{0:e}, their largest is {1:e}", error, scale).str();
      llvm::outs() << "@" << adjoint.getName() << ": gradient of " << role->second << '\n';
      if (print)
        for (double x : gradient.data)
          llvm::outs() << llvm::format("%.17g\n", x);
    }
    return success();
  }
};

} // namespace
