//===- Traffic.cpp - the bytes that a kernel has to move --------------------------===//

#include "mlora/Dialect/Traffic.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::mlora;

int64_t mlir::mlora::bytesPerRow(ShapedType type) {
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  return bytes;
}

/// The part of a product's weight that counts.
static RankedTensorType countedWeight(ProductOp op) {
  int64_t k = op.getInput().getType().getDimSize(1), n = op.getOutput().getType().getDimSize(1);
  auto type = op.getWeight().getType();
  return op.getTransposed() ? type.clone(ArrayRef<int64_t>{k, n}) : type.clone(ArrayRef<int64_t>{n, k});
}

llvm::StringMap<int64_t> mlir::mlora::bytesMoved(KernelOp kernel) {
  llvm::StringMap<int64_t> bytes;
  auto count = [&](Type type, DictionaryAttr attrs) {
    auto extent = attrs ? attrs.getAs<StringAttr>(kExtentAttr) : StringAttr();
    auto tensor = cast<RankedTensorType>(type);
    StringRef unit = tensor.hasStaticShape() ? "" : extent ? extent.getValue() : "rows";
    bytes[unit] += bytesPerRow(tensor);
  };
  for (auto [i, argument] : llvm::enumerate(kernel.getBody().getArguments())) {
    bool isWhole = false;
    llvm::DenseSet<std::pair<Attribute, Type>> seen; // a part that several ops look at
    for (OpOperand &use : argument.getUses()) {
      Operation *user = use.getOwner();
      auto product = dyn_cast<ProductOp>(user);
      auto place = dyn_cast<PlaceOp>(user);
      if (auto window = dyn_cast<WindowOp>(user)) {
        if (seen.insert({window.getAtAttr(), window.getType()}).second)
          count(window.getType(), kernel.getArgAttrDict(i));
      } else if (product && use == product.getWeightMutable()) {
        count(countedWeight(product), kernel.getArgAttrDict(i));
      } else if (!place || use.get() != place.getInput()) {
        bool isTable = isa<DequantizeOp>(user) && llvm::all_of(user->getUsers(), llvm::IsaPred<EmbeddingOp>);
        isWhole |= !isa<EmbeddingOp>(user) && !isTable;
      }
    }
    if (isWhole)
      count(argument.getType(), kernel.getArgAttrDict(i));
  }
  for (auto [i, value] : llvm::enumerate(kernel.getBody().front().getTerminator()->getOperands())) {
    auto place = value.getDefiningOp<PlaceOp>();
    if (!place)
      count(value.getType(), kernel.getResultAttrDict(i));
    while (place) {
      count(place.getPart().getType(), kernel.getResultAttrDict(i));
      place = place.getInput() ? place.getInput().getDefiningOp<PlaceOp>() : PlaceOp();
    }
  }
  return bytes;
}

void mlir::mlora::setBytesMoved(Operation *function, KernelOp kernel) {
  int64_t fixed = 0, row = 0;
  for (auto &[extent, bytes] : bytesMoved(kernel))
    (extent.empty() ? fixed : row) += bytes;
  Builder builder(function->getContext());
  function->setAttr("mlora.fixed_bytes", builder.getI64IntegerAttr(fixed));
  function->setAttr("mlora.row_bytes", builder.getI64IntegerAttr(row));
}

int64_t mlir::mlora::bytesMoved(JoinedKernelOp joined) {
  int64_t bytes = 0;
  for (auto part : joined.getBody().getOps<PartOp>())
    bytes += int64_t(part.getLayers()) * bytesMoved(part.getJoined()).lookup("");
  return bytes;
}
