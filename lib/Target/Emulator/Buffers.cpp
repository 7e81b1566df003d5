//===- Buffers.cpp - values into buffers, and what comes out compared ------------------===//

#include "Buffers.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mlir::mlora;
using ::mlora::emulator::kPoison;
using reference::Tensor;

static unsigned elementBytes(Type type) { return (type.getIntOrFloatBitWidth() + 7) / 8; }

size_t EmulatedBuffer::bytes() const { return type.getNumElements() * elementBytes(type.getElementType()); }

static void encode(Type type, double value, char *to) {
  uint64_t bits = 0;
  if (auto real = dyn_cast<FloatType>(type)) {
    APFloat converted(value);
    bool loses;
    converted.convert(real.getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
    bits = converted.bitcastToAPInt().getZExtValue();
  } else {
    bits = uint64_t(int64_t(value));
  }
  std::memcpy(to, &bits, elementBytes(type));
}

static double decode(Type type, const char *from) {
  uint64_t bits = 0;
  std::memcpy(&bits, from, elementBytes(type));
  APInt integer(type.getIntOrFloatBitWidth(), bits, /*isSigned=*/false, /*implicitTrunc=*/true);
  if (auto real = dyn_cast<FloatType>(type)) {
    APFloat value(real.getFloatSemantics(), integer);
    bool loses;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
    return value.convertToDouble();
  }
  return double(integer.getSExtValue());
}

void EmulatedBuffer::store(char *memory) const {
  if (isUninitialised) {
    std::memset(memory, kPoison, bytes());
    return;
  }
  for (int64_t i = 0, n = type.getNumElements(); i < n; ++i)
    encode(type.getElementType(), initial.data[i], memory + i * elementBytes(type.getElementType()));
}

double EmulatedBuffer::element(const char *memory, int64_t index) const {
  return decode(type.getElementType(), memory + index * elementBytes(type.getElementType()));
}

static Tensor fromDense(DenseElementsAttr dense) {
  Tensor tensor(dense.getType().getShape());
  bool isReal = isa<FloatType>(dense.getElementType());
  if (isReal)
    for (auto [i, value] : llvm::enumerate(dense.getValues<APFloat>())) {
      APFloat wide = value;
      bool loses;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
      tensor.data[i] = wide.convertToDouble();
    }
  else
    for (auto [i, value] : llvm::enumerate(dense.getValues<APInt>()))
      tensor.data[i] = double(value.getSExtValue());
  return tensor;
}

/// Uniform in [-1, 1): a hash of seed and index (splitmix64).
static double randomValue(uint64_t seed, uint64_t index) {
  uint64_t x = (seed * 0x9e3779b97f4a7c15u + index + 1) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return double((x ^ x >> 31) >> 11) / double(uint64_t(1) << 52) - 1;
}

static FailureOr<Tensor> initialValues(EmulateOp op, RankedTensorType type, DictionaryAttr entry) {
  Attribute init = entry.get("init");
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(init))
    return fromDense(dense);
  Tensor tensor(type.getShape());
  StringRef how = init ? (isa<StringAttr>(init) ? cast<StringAttr>(init).getValue() : "?") : "zeros";
  auto seed = entry.getAs<IntegerAttr>("seed");
  for (size_t i = 0, n = tensor.data.size(); i < n; ++i) {
    int64_t columns = type.getRank() ? type.getShape().back() : 1;
    if (how == "zeros" || how == "uninitialised")
      tensor.data[i] = 0;
    else if (how == "iota")
      tensor.data[i] = i;
    else if (how == "random")
      tensor.data[i] = randomValue(seed ? seed.getInt() : 0, i);
    else if (how == "identity")
      tensor.data[i] = int64_t(i) / columns == int64_t(i) % columns;
    else
      return op.emitOpError() << "init is " << init
                              << "; expected \"zeros\", \"iota\", \"random\", \"identity\", "
                                 "\"uninitialised\" or dense values";
  }
  // As the element type holds them, so that what is expected is computed from the same numbers.
  char bytes[8];
  for (double &value : tensor.data) {
    encode(type.getElementType(), value, bytes);
    value = decode(type.getElementType(), bytes);
  }
  return tensor;
}

static FailureOr<EmulatedBuffer> readBuffer(EmulateOp op, unsigned argument, DictionaryAttr entry) {
  EmulatedBuffer buffer;
  buffer.argument = argument;
  auto stated = entry.getAs<TypeAttr>("type");
  auto dense = entry.getAs<DenseElementsAttr>("init");
  buffer.type = stated  ? dyn_cast<RankedTensorType>(stated.getValue())
                : dense ? dyn_cast<RankedTensorType>(dense.getType())
                        : RankedTensorType();
  if (!buffer.type || !buffer.type.hasStaticShape() || !buffer.type.getElementType().isIntOrFloat() ||
      buffer.type.getElementTypeBitWidth() > 64)
    return op.emitOpError() << "argument " << argument
                            << " needs `type`, a tensor type with static sizes, or dense `init`";
  if (dense && dense.getType() != buffer.type)
    return op.emitOpError() << "argument " << argument << ": init is a " << dense.getType() << ", not a "
                            << buffer.type;
  FailureOr<Tensor> initial = initialValues(op, buffer.type, entry);
  if (failed(initial))
    return failure();
  buffer.initial = std::move(*initial);
  auto how = entry.getAs<StringAttr>("init");
  buffer.isUninitialised = how && how.getValue() == "uninitialised";
  if (auto tolerance = entry.getAs<FloatAttr>("tolerance"))
    buffer.tolerance = tolerance.getValueAsDouble();
  return buffer;
}

static LogicalResult readExpected(EmulateOp op, EmulatedBuffer &buffer, Attribute expect,
                                  ArrayRef<Tensor> initial) {
  if (auto dense = dyn_cast<DenseElementsAttr>(expect)) {
    if (dense.getType().getShape() != buffer.type.getShape())
      return op.emitOpError() << "argument " << buffer.argument << ": expect is a " << dense.getType();
    buffer.expected = fromDense(dense);
    return success();
  }
  if (auto text = dyn_cast<StringAttr>(expect); text && text.getValue() == "same") {
    buffer.expectSame = true;
    return success();
  }
  auto symbol = dyn_cast<SymbolRefAttr>(expect);
  auto function =
      symbol ? SymbolTable::lookupNearestSymbolFrom<FunctionOpInterface>(op, symbol) : FunctionOpInterface();
  if (!function)
    return op.emitOpError() << "argument " << buffer.argument << ": expect is " << expect
                            << "; expected dense values, a function of this module, or \"same\"";
  if (function.getNumArguments() != initial.size() || function.getNumResults() != 1)
    return op.emitOpError() << "@" << symbol.getLeafReference().getValue() << " must take the "
                            << initial.size() << " buffers and return one tensor";
  FailureOr<reference::Tensors> results = reference::evaluate(function, initial);
  if (failed(results))
    return failure();
  if (results->front().shape != buffer.type.getShape())
    return op.emitOpError() << "argument " << buffer.argument << ": @" << symbol.getLeafReference().getValue()
                            << " returns another shape";
  buffer.expected = std::move(results->front());
  return success();
}

FailureOr<std::vector<EmulatedBuffer>> mlir::mlora::readBuffers(EmulateOp op) {
  std::vector<EmulatedBuffer> buffers;
  SmallVector<Tensor> initial;
  for (auto [i, attribute] : llvm::enumerate(op.getArguments()))
    if (auto entry = dyn_cast<DictionaryAttr>(attribute); entry && !entry.get("tensor_map")) {
      FailureOr<EmulatedBuffer> buffer = readBuffer(op, i, entry);
      if (failed(buffer))
        return failure();
      buffers.push_back(std::move(*buffer));
      initial.push_back(buffers.back().initial);
    }
  for (EmulatedBuffer &buffer : buffers)
    if (Attribute expect = cast<DictionaryAttr>(op.getArguments()[buffer.argument]).get("expect"))
      if (failed(readExpected(op, buffer, expect, initial)))
        return failure();
  return buffers;
}

FailureOr<::mlora::emulator::TensorMap> mlir::mlora::readTensorMap(EmulateOp op, unsigned argument,
                                                                   ArrayRef<EmulatedBuffer> buffers,
                                                                   ArrayRef<char *> memory) {
  auto entry = cast<DictionaryAttr>(op.getArguments()[argument]);
  auto of = entry.getAs<IntegerAttr>("tensor_map");
  auto box = entry.getAs<DenseI64ArrayAttr>("box");
  auto swizzle = entry.getAs<IntegerAttr>("swizzle");
  int64_t span = swizzle ? swizzle.getInt() : 0;
  const auto *buffer =
      llvm::find_if(buffers, [&](auto &buffer) { return of && buffer.argument == of.getInt(); });
  if (buffer == buffers.end() || !box || int64_t(box.size()) != buffer->type.getRank() || box.size() > 5 ||
      !llvm::is_contained({0, 32, 64, 128}, span))
    return op.emitOpError()
           << "argument " << argument
           << ": a tensor map is {tensor_map = number of a buffer's argument, box = a size for each of its "
              "dimensions, swizzle = 0, 32, 64 or 128}";
  ::mlora::emulator::TensorMap map;
  map.address = reinterpret_cast<uint64_t>(memory[buffer - buffers.begin()]);
  map.rank = box.size();
  map.elementBytes = elementBytes(buffer->type.getElementType());
  map.swizzle = span;
  SmallVector<int64_t> strides = computeStrides(buffer->type.getShape());
  for (unsigned i = 0; i < map.rank; ++i) { // the driver counts dimensions from the innermost
    unsigned outer = map.rank - 1 - i;
    map.sizes[i] = buffer->type.getDimSize(outer);
    map.box[i] = box[outer];
    if (i)
      map.strides[i - 1] = strides[outer] * map.elementBytes;
    if (box[outer] < 1 || box[outer] > 256 || (i && map.strides[i - 1] % 16))
      return op.emitOpError()
             << "argument " << argument
             << ": a tensor map's box has sizes in [1, 256], and strides are multiples of 16 bytes";
  }
  return map;
}

/// Infinities and NaN match their like and nothing else: differences of them say nothing.
static bool matches(double got, double want, double tolerance) {
  if (std::isnan(want))
    return std::isnan(got);
  if (std::isinf(want))
    return got == want;
  return std::abs(got - want) <= tolerance * (1 + std::abs(want));
}

LogicalResult mlir::mlora::compare(EmulateOp op, const EmulatedBuffer &buffer, const char *memory,
                                   uint64_t seed) {
  if (!buffer.expected)
    return success();
  int64_t wrong = 0, first = 0;
  for (int64_t i = 0, n = buffer.type.getNumElements(); i < n; ++i) {
    double got = buffer.element(memory, i), want = buffer.expected->data[i];
    if (!matches(got, want, buffer.tolerance) && wrong++ == 0)
      first = i;
  }
  if (!wrong)
    return success();
  InFlightDiagnostic error = op.emitError() << "wrong values: " << op.getKernel() << ", argument "
                                            << buffer.argument << ", element [";
  int64_t stride = buffer.type.getNumElements(), rest = first;
  for (auto [i, size] : llvm::enumerate(buffer.type.getShape())) {
    stride /= size;
    error << (i ? ", " : "") << rest / stride;
    rest %= stride;
  }
  auto text = [](double value) {
    std::string result;
    llvm::raw_string_ostream(result) << llvm::format("%.7g", value);
    return result;
  };
  error << "] is " << text(buffer.element(memory, first)) << ", expected "
        << text(buffer.expected->data[first]) << "; " << wrong << " of " << buffer.type.getNumElements()
        << " elements are off (seed " << seed << ")";
  return error;
}
