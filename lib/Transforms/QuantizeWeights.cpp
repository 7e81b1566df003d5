//===- QuantizeWeights.cpp - weights stay in the blocks of their file ---------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Runtime/Model/BlockFormats.h"
#include "mlora/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::mlora {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "mlora/Transforms/Passes.h.inc"
} // namespace mlir::mlora

using namespace mlir;
using namespace mlir::mlora;

namespace {

struct QuantizeWeightsPass : mlir::mlora::impl::QuantizeWeightsBase<QuantizeWeightsPass> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    llvm::StringMap<std::string> formatOf;
    for (StringRef entry : formats) {
      auto [tensor, format] = entry.split('=');
      if (tensor.empty() || format.empty())
        return fail() << "'" << entry << "' is no TENSOR=FORMAT, such as mlp.down_proj=Q4_1",
               signalPassFailure();
      formatOf[tensor] = format.str();
    }
    llvm::StringSet<> found;
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (unsigned i = 0; i < function.getNumArguments(); ++i) {
        auto name = function.getArgAttrOfType<StringAttr>(i, kWeightAttr);
        auto format = name ? formatOf.find(name.getValue()) : formatOf.end();
        if (format == formatOf.end())
          continue;
        found.insert(name.getValue());
        if (failed(quantize(function, i, format->second)))
          return signalPassFailure();
      }
    for (const auto &entry : formatOf)
      if (!found.contains(entry.getKey()))
        return fail() << "no function takes a weight '" << entry.getKey() << "'", signalPassFailure();
  }

private:
  InFlightDiagnostic fail() { return emitError(getOperation().getLoc(), "mlora-quantize-weights: "); }

  LogicalResult quantize(func::FuncOp function, unsigned index, StringRef name) {
    BlockArgument weight = function.getArgument(index);
    auto tensor = function.getArgAttrOfType<StringAttr>(index, kWeightAttr).getValue();
    auto layout = ::mlora::BlockLayout::find(std::string_view(name));
    if (!layout)
      return fail() << "programs read no blocks of format '" << name << "', which " << tensor
                    << " is to keep";
    auto type = dyn_cast<RankedTensorType>(weight.getType());
    bool isMatrix = type && type.getRank() == 2 && type.getElementType().isF32();
    for (const ::mlora::BlockFormat *format : layout->formats)
      if (!isMatrix || type.getDimSize(1) % format->values)
        return fail() << tensor << " is " << weight.getType() << ": no matrix of f32 whose rows are blocks of "
                      << format->values << " values";
    for (OpOperand &use : weight.getUses()) {
      auto linear = dyn_cast<LinearOp>(use.getOwner());
      bool isRead = (linear && use == linear.getWeightMutable()) || isa<EmbeddingOp>(use.getOwner());
      if (!isRead)
        return fail()
               << tensor << " cannot stay " << name << ": " << use.getOwner()->getName()
               << " reads it; only linear layers and the embedding of a program that generates unpack blocks";
    }
    OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
    weight.setType(RankedTensorType::get(
        {layout->memoryRows(type.getDimSize(0)), layout->memoryRowBytes(type.getDimSize(1))}, b.getI8Type()));
    auto values = DequantizeOp::create(b, namedAs(weight), type, weight, name);
    weight.replaceAllUsesExcept(values, values);
    function.setArgAttr(index, kFormatAttr, b.getStringAttr(name));
    function.setType(b.getFunctionType(function.getBody().getArgumentTypes(), function.getResultTypes()));
    return success();
  }
};

} // namespace
