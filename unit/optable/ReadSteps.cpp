#include "ReadSteps.h"

#include "mlora/Dialect/MLora.h"

using namespace mlir;
using ::mlir::mlora::KernelOp;
using ::mlir::mlora::LaunchOp;

namespace optable {
namespace {

int64_t extentOf(StringRef name) {
  for (int64_t extent : {Rows, CountedRows, KvRows})
    if (name == extentName(extent))
      return extent;
  llvm_unreachable("kernels have no other extents");
}

Memory memoryOf(Type type, StringAttr extent) {
  auto tensor = cast<RankedTensorType>(type);
  Type element = tensor.getElementType();
  Memory memory{{}, element.isInteger(32) ? Element::I32 : element.isBF16() ? Element::BF16 : Element::F32};
  for (int64_t size : tensor.getShape())
    memory.shape.push_back(ShapedType::isDynamic(size) ? extentOf(extent.getValue()) : size);
  return memory;
}

} // namespace

std::vector<std::pair<int64_t, int64_t>> readGrid(ArrayAttr grid) {
  std::vector<std::pair<int64_t, int64_t>> dimensions;
  for (const KernelOp::GridDimension &dimension : KernelOp::parseGrid(grid))
    dimensions.push_back(
        {dimension.extent.empty() ? dimension.size : extentOf(dimension.extent), dimension.block});
  return dimensions;
}

std::vector<::mlora::TensorMap> readTensorMaps(ArrayAttr maps) {
  std::vector<::mlora::TensorMap> found;
  if (!maps)
    return found;
  for (auto map : maps.getAsRange<DictionaryAttr>()) {
    auto number = [&](StringRef name) { return map.getAs<IntegerAttr>(name).getInt(); };
    ::mlora::Extent rows;
    if (auto size = map.getAs<IntegerAttr>("rows"))
      rows.size = size.getInt();
    else
      rows.scalar = int(std::find(::mlora::scalarNames.begin(), ::mlora::scalarNames.end(),
                                  std::string_view(map.getAs<StringAttr>("rows").getValue())) -
                        ::mlora::scalarNames.begin());
    auto box = map.getAs<DenseI64ArrayAttr>("box");
    found.push_back({int(number("argument")), int(number("buffer")), rows, number("columns"), box[0], box[1],
                     number("swizzle")});
  }
  return found;
}

FailureOr<Steps> readSteps(func::FuncOp function) {
  Steps steps;
  DenseMap<Value, unsigned> numbers;
  auto number = [&](Value value, StringAttr extent) {
    numbers[value] = unsigned(steps.memories.size());
    steps.memories.push_back(memoryOf(value.getType(), extent));
  };
  for (BlockArgument argument : function.getArguments())
    number(argument,
           function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), ::mlir::mlora::kExtentAttr));
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      return op.emitError("is in no kernel");
    auto kernel = SymbolTable::lookupNearestSymbolFrom<KernelOp>(launch, launch.getKernelAttr());
    Launch made{launch.getKernel().str(), readGrid(kernel.getGrid()), {}, launch.getOperands_().size()};
    for (Value operand : launch.getOperands_())
      made.buffers.push_back(numbers.lookup(operand));
    for (auto [i, result] : llvm::enumerate(launch.getResults_())) {
      if (std::optional<unsigned> operand = kernel.getOperandInPlaceOf(unsigned(i)))
        numbers[result] = numbers.lookup(launch.getOperands_()[*operand]);
      else
        number(result, kernel.getResultAttrOfType<StringAttr>(i, ::mlir::mlora::kExtentAttr));
      made.buffers.push_back(numbers.lookup(result));
    }
    steps.launches.push_back(std::move(made));
  }
  for (Value value : function.getBody().front().getTerminator()->getOperands())
    steps.returned.push_back(numbers.lookup(value));
  return steps;
}

} // namespace optable
