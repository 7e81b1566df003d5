//===- RowProducts.cpp - kernels of rows with products beside them --------------------===//

#include "RowProducts.h"

#include "KernelFunction.h"
#include "RowElements.h"

using namespace mlir;
using namespace mlir::mlora;

bool RowSegment::has(Value value) const {
  Operation *op = value.getDefiningOp();
  return llvm::is_contained(sources, value) || (op && llvm::is_contained(ops, op));
}

SmallVector<Value> RowSegment::readBy(ArrayRef<Operation *> some) const {
  return llvm::filter_to_vector(sources, [&](Value source) {
    return llvm::any_of(some, [&](Operation *op) { return llvm::is_contained(op->getOperands(), source); });
  });
}

static int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

/// bf16, one row a token, rows a multiple of 16 bytes apart: what cuTensorMapEncodeTiled takes.
static bool isRows(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.isDynamicDim(0) && type.getElementType().isBF16() &&
         type.getDimSize(1) % 8 == 0;
}

namespace {
struct Reader {
  KernelOp kernel;
  RowKernel result;
  std::optional<Attribute> extent; ///< of all rows

  bool read();

private:
  bool isSource(Value value);
  bool isWeight(Value value);
  /// The segment of a source or of an op's result; null where it is neither.
  RowSegment *segmentOf(Value value);
  RowSegment *join(RowSegment *a, RowSegment *b);
  bool readElements(Operation *op, ValueRange rows);
  bool readProduct(Value operand, Value weight, Value output, bool isDown);
  bool readPlaces(Value value, Value leaves, int64_t of, int64_t first);
  bool arePlacesApart();
  bool hasNestedSums(const RowSegment &segment);
};
} // namespace

bool Reader::isSource(Value value) {
  auto window = value.getDefiningOp<WindowOp>();
  auto buffer = dyn_cast<BlockArgument>(window ? Value(window.getInput()) : value);
  if (!buffer || !isRows(buffer) || !isRows(value) || (window && window.getAt()[0] != 0))
    return false;
  Attribute rows = rowsExtentOf(kernel, buffer);
  if (!extent)
    extent = rows;
  return rows && rows == *extent;
}

/// A matrix in bf16, of which the kernel may look at a part.
bool Reader::isWeight(Value value) {
  auto window = value.getDefiningOp<WindowOp>();
  auto buffer = dyn_cast<BlockArgument>(window ? Value(window.getInput()) : value);
  auto type = buffer ? dyn_cast<RankedTensorType>(buffer.getType()) : RankedTensorType();
  return type && type.getRank() == 2 && type.hasStaticShape() && type.getElementType().isBF16() &&
         type.getDimSize(1) % 8 == 0;
}

RowSegment *Reader::segmentOf(Value value) {
  for (RowSegment &segment : result.segments)
    if (segment.has(value))
      return &segment;
  if (!isSource(value))
    return nullptr;
  result.segments.push_back({columnsOf(value), {value}, {}, {}});
  return &result.segments.back();
}

RowSegment *Reader::join(RowSegment *a, RowSegment *c) {
  if (a == c)
    return a;
  if (!a || !c || a->columns != c->columns)
    return nullptr;
  if (c < a)
    std::swap(a, c);
  llvm::append_range(a->sources, c->sources);
  llvm::append_range(a->ops, c->ops);
  llvm::append_range(a->products, c->products);
  result.segments.erase(c);
  llvm::stable_sort(a->ops, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  return a;
}

bool Reader::readElements(Operation *op, ValueRange rows) {
  for (Value value : rows)
    if (!segmentOf(value)) // which may move the others
      return false;
  RowSegment *segment = segmentOf(rows.front());
  for (Value value : rows.drop_front())
    segment = segment ? join(segment, segmentOf(value)) : nullptr;
  if (!segment || !llvm::all_of(op->getResults(), isRows))
    return false;
  segment->ops.push_back(op);
  return true;
}

bool Reader::readProduct(Value operand, Value weight, Value output, bool isDown) {
  RowSegment *segment = segmentOf(operand);
  if (!segment || !isWeight(weight) || !isRows(output))
    return false;
  segment->products.push_back({operand, output, weight, isDown, columnsOf(output)});
  return true;
}

/// Columns of values side by side that are one of them.
static Value joinedAt(WindowOp window) {
  auto join = window ? window.getInput().getDefiningOp<JoinOp>() : JoinOp();
  if (join && window.getAt()[0] == 0)
    for (auto [i, input] : llvm::enumerate(join.getInputs()))
      if (join.getFirstColumn(i) == window.getAt()[1] && input.getType() == window.getType())
        return input;
  return {};
}

/// Where a value that leaves goes, or what it is made of.
bool Reader::readPlaces(Value value, Value leaves, int64_t of, int64_t first) {
  if (Value joined = joinedAt(value.getDefiningOp<WindowOp>()))
    return readPlaces(joined, leaves, of, first);
  if (auto join = value.getDefiningOp<JoinOp>()) {
    for (auto [i, input] : llvm::enumerate(join.getInputs()))
      if (!readPlaces(input, leaves, of, first + join.getFirstColumn(i)))
        return false;
    return true;
  }
  if (auto place = value.getDefiningOp<PlaceOp>()) {
    Value before = place.getInput(); // is there, or was placed here, too
    bool isPlaced = before && before.getDefiningOp<PlaceOp>();
    return first == 0 && place.getAt()[0] == 0 && (!before || isPlaced || isa<BlockArgument>(before)) &&
           readPlaces(place.getPart(), leaves, of, place.getAt()[1]) &&
           (!isPlaced || readPlaces(before, leaves, of, 0));
  }
  bool isProduct = isa_and_nonnull<LinearOp, LinearInputGradOp>(value.getDefiningOp());
  bool isItself =
      value == leaves && isa<BlockArgument>(value); // an argument that leaves under another pointer
  if (first % 8 != 0 || isItself || (!isProduct && !segmentOf(value)))
    return false;
  result.places[value].push_back({leaves, of, first});
  return true;
}

/// Each result of the kernel once, and no column of it twice.
bool Reader::arePlacesApart() {
  ValueRange leaving = kernel.getBody().front().getTerminator()->getOperands();
  if (DenseSet<Value>(leaving.begin(), leaving.end()).size() != leaving.size())
    return false;
  DenseMap<Value, SmallVector<std::pair<int64_t, int64_t>>> taken;
  for (auto &[value, places] : result.places)
    for (const RowPlace &place : places)
      taken[place.result].push_back({place.first, place.first + columnsOf(value)});
  return llvm::all_of(taken, [](auto &entry) {
    llvm::sort(entry.second);
    for (size_t i = 1; i < entry.second.size(); ++i)
      if (entry.second[i].first < entry.second[i - 1].second)
        return false;
    return true;
  });
}

/// A sum of what waits for a sum, for which a row would be read a third time.
bool Reader::hasNestedSums(const RowSegment &segment) {
  DenseSet<Value> late;
  for (Operation *op : segment.ops) {
    bool waits = llvm::any_of(op->getOperands(), [&](Value value) { return late.contains(value); });
    if (waits && RowElements::numSums(op) > 0)
      return true;
    if (waits || RowElements::numSums(op) > 0)
      late.insert_range(op->getResults());
  }
  return false;
}

bool Reader::read() {
  bool hasProducts = false;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isa<WindowOp, JoinOp, PlaceOp>(op))
      continue;
    bool isRead = false;
    if (isa<AddOp, SwigluOp, SwigluGradOp>(op)) {
      isRead = readElements(&op, op.getOperands());
    } else if (auto norm = dyn_cast<RmsNormOp>(op)) {
      auto weight = dyn_cast<BlockArgument>(norm.getWeight());
      isRead = weight && norm.getWeight().getType().getElementType().isBF16() &&
               readElements(&op, {norm.getInput()});
    } else if (auto grad = dyn_cast<RmsNormInputGradOp>(op)) {
      auto weight = dyn_cast<BlockArgument>(grad.getWeight());
      isRead = weight && grad.getWeight().getType().getElementType().isBF16() &&
               readElements(&op, {grad.getCotangent(), grad.getInput()});
    } else if (auto linear = dyn_cast<LinearOp>(op)) {
      isRead = readProduct(linear.getInput(), linear.getWeight(), linear.getOutput(), /*isDown=*/true);
      hasProducts = true;
    } else if (auto grad = dyn_cast<LinearInputGradOp>(op)) {
      isRead = readProduct(grad.getCotangent(), grad.getWeight(), grad.getOutput(), /*isDown=*/false);
      hasProducts = true;
    }
    if (!isRead)
      return false;
  }
  for (Value value : kernel.getBody().front().getTerminator()->getOperands())
    if (!isRows(value) || !readPlaces(value, value, columnsOf(value), 0))
      return false;
  return hasProducts && arePlacesApart() &&
         llvm::none_of(result.segments, [&](const RowSegment &segment) { return hasNestedSums(segment); });
}

std::optional<RowKernel> mlir::mlora::findRowProducts(KernelOp kernel) {
  Reader reader;
  reader.kernel = kernel;
  if (kernel->hasAttr("library") || !reader.read())
    return std::nullopt;
  return std::move(reader.result);
}
