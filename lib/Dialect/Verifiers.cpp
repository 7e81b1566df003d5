//===- Verifiers.cpp - what an op demands of its shapes ----------------------------===//
//
// An op's demands are a list of named shapes: dimensions with one name have one size. Lower-case names are
// features and static; upper-case names (T: tokens, C: counted tokens, K: key rows) may be `?`, which agrees
// with every size.

#include "mlora/Dialect/MLora.h"
#include "mlora/Runtime/Model/BlockFormats.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::mlora;

namespace {

class Shapes {
public:
  explicit Shapes(Operation *op) : op(op) {}

  /// `value` (absent: nothing to demand) has the dimensions named in `names`; `what` is its name in messages.
  Shapes &operator()(StringRef what, Value value, StringRef names) {
    if (!value || failed(result))
      return *this;
    auto type = cast<ShapedType>(value.getType());
    SmallVector<StringRef, 2> dims;
    names.split(dims, ' ', -1, /*KeepEmpty=*/false);
    if (type.getRank() != int64_t(dims.size()))
      return fail(what + " has rank " + Twine(type.getRank()) + ", not " + Twine(dims.size()));
    elements(what, type.getElementType());
    for (auto [index, name] : llvm::enumerate(dims))
      dimension(name, type.getDimSize(index), what,
                dims.size() == 1 ? "elements"
                : index == 0     ? "rows"
                                 : "columns");
    return *this;
  }

  /// The dimension `name` has this size for a reason that `what` states.
  Shapes &size(StringRef name, int64_t value, StringRef what) {
    if (succeeded(result))
      dimension(name, value, what, "");
    return *this;
  }

  Shapes &require(bool condition, const Twine &message) {
    return condition || failed(result) ? *this : fail(message);
  }

  /// The size of a dimension named before; 1 after a failure, so that it can be divided by.
  int64_t operator[](StringRef name) const {
    for (const Known &dim : known)
      if (dim.name == name)
        return dim.size;
    return 1;
  }

  LogicalResult check() const { return result; }

private:
  struct Known {
    std::string name;
    int64_t size;
    std::string what;
    StringRef noun; ///< empty: a size with a reason
  };

  Shapes &fail(const Twine &message) {
    result = op->emitOpError() << message;
    return *this;
  }

  /// f32 and f64 do not meet in one op; bf16 is how a tensor is stored, beside either, indices are integers.
  void elements(StringRef what, Type type) {
    if (!type.isF32() && !type.isF64())
      return;
    if (!real) {
      real = type;
      realWhat = what.str();
    } else if (real != type) {
      result = op->emitOpError() << what << " has elements of type " << type << ", " << realWhat
                                 << " of type " << real;
    }
  }

  void dimension(StringRef name, int64_t size, StringRef what, StringRef noun) {
    if (failed(result))
      return;
    if (ShapedType::isDynamic(size)) {
      if (!llvm::isUpper(name[0]))
        fail(what + " has ? " + noun + "; only token dimensions are known at run time");
      return;
    }
    for (const Known &dim : known) {
      if (dim.name != name)
        continue;
      if (dim.size != size)
        fail(what + " has " + Twine(size) + " " + noun + ", " + dim.what +
             (dim.noun.empty() ? " is " : " has ") + Twine(dim.size) +
             (dim.noun.empty() || dim.noun == noun ? "" : " " + dim.noun.str()));
      return;
    }
    known.push_back({name.str(), size, what.str(), noun});
  }

  Operation *op;
  SmallVector<Known> known;
  Type real;
  std::string realWhat;
  LogicalResult result = success();
};

/// Whole heads, and keys as wide as kv_heads of them.
Shapes &heads(Shapes &shapes, int64_t heads, int64_t kvHeads) {
  shapes.require(heads > 0 && kvHeads > 0 && heads % kvHeads == 0,
                 "heads (" + Twine(heads) + ") is not a multiple of kv_heads (" + Twine(kvHeads) + ")");
  if (failed(shapes.check()))
    return shapes;
  shapes.require(shapes["q"] % heads == 0, "query has " + Twine(shapes["q"]) +
                                               " columns, which is not a multiple of heads (" + Twine(heads) +
                                               ")");
  shapes.require(shapes["kv"] == shapes["q"] / heads * kvHeads,
                 "key has " + Twine(shapes["kv"]) + " columns, kv_heads of query's size are " +
                     Twine(shapes["q"] / heads * kvHeads));
  return shapes;
}

/// A projection's name in messages: "weights #1".
std::string numbered(StringRef what, size_t index) { return (what + " #" + Twine(index)).str(); }

/// weights, ups and outputs of a group; the ups' columns make `mid`.
template <typename Op> Shapes &group(Shapes &shapes, Op op, StringRef perLayer, ValueRange values) {
  size_t count = op.getWeights().size();
  shapes.require(count > 0, "adapts no layer");
  shapes.require(op.getUps().size() == count && values.size() == count,
                 Twine(count) + " weights, " + Twine(op.getUps().size()) + " ups and " +
                     Twine(values.size()) + " " + perLayer + " are not one of each a layer");
  if (failed(shapes.check()))
    return shapes;
  int64_t columns = 0;
  for (size_t i = 0; i < count; ++i) {
    std::string out = "out" + std::to_string(i), rank = "k" + std::to_string(i);
    shapes(numbered("weights", i), op.getWeights()[i], out + " in")(
        numbered("ups", i), op.getUps()[i], out + " " + rank)(numbered(perLayer, i), values[i], "T " + out);
    columns += cast<ShapedType>(op.getUps()[i].getType()).getDimSize(1);
  }
  return shapes.size("m", columns, "the sum of the ups' columns");
}

} // namespace

//===- the model -----------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  return Shapes(*this)("ids", getIds(), "T")("table", getTable(), "v d")("result", getOutput(), "T d")
      .check();
}

LogicalResult LinearOp::verify() {
  return Shapes(*this)("input", getInput(), "T in")("weight", getWeight(), "out in")("result", getOutput(),
                                                                                     "T out")
      .check();
}

LogicalResult RmsNormOp::verify() {
  return Shapes(*this)("input", getInput(), "T d")("weight", getWeight(), "d")("result", getOutput(), "T d")
      .check();
}

LogicalResult RopeTableOp::verify() {
  Shapes shapes(*this);
  shapes("position", getPosition(), "T")("table", getTable(), "T d");
  shapes.require(shapes["d"] % 2 == 0, "table has " + Twine(shapes["d"]) + " columns, an odd number");
  if (auto llama3 = getLlama3())
    shapes.require(llama3->size() == 4, "llama3 has " + Twine(llama3->size()) + " numbers, not 4");
  if (auto divisors = getDivisors())
    shapes.require(int64_t(divisors->size()) == shapes["d"] / 2,
                   "divisors has " + Twine(divisors->size()) + " numbers, not " + Twine(shapes["d"] / 2));
  return shapes.check();
}

LogicalResult RopeOp::verify() {
  int64_t heads = getHeads();
  Shapes shapes(*this);
  shapes("input", getInput(), "T q")("table", getTable(), "T d")("result", getOutput(), "T q");
  return shapes
      .require(shapes["q"] == heads * shapes["d"], "input has " + Twine(shapes["q"]) + " columns, " +
                                                       Twine(heads) + " heads of " + Twine(shapes["d"]) +
                                                       " are " + Twine(heads * shapes["d"]))
      .check();
}

LogicalResult AttentionOp::verify() {
  Shapes shapes(*this);
  shapes("query", getQuery(), "T q")("key", getKey(), "K kv")("value", getValue(), "K kv");
  heads(shapes, getHeads(), getKvHeads());
  // Where it is not said which key row a query stands at, the key rows are the query rows.
  if (!getAt())
    shapes("key", getKey(), "T kv");
  shapes.require(!getPrefixStart() || getDocumentStart(), "a prefix lies before a document: `document` is missing");
  return shapes("document_start", getDocumentStart(), "T")("at", getAt(), "T")("prefix_start", getPrefixStart(), "T")(
             "prefix_end", getPrefixEnd(), "T")("result", getOutput(), "T q")
      .size("heads", getHeads(), "heads")("lse", getLse(), "T heads")
      .check();
}

LogicalResult CacheWriteOp::verify() {
  return Shapes(*this)("cache", getCache(), "K d")("input", getInput(), "T d")("at", getAt(), "T")(
             "result", getOutput(), "K d")
      .check();
}

LogicalResult SwigluOp::verify() {
  return Shapes(*this)("gate", getGate(), "T d")("up", getUp(), "T d")("result", getOutput(), "T d").check();
}

LogicalResult GatherRowsOp::verify() {
  return Shapes(*this)("input", getInput(), "T d")("rows", getRows(), "C")("result", getOutput(), "C d")
      .check();
}

LogicalResult CrossEntropyOp::verify() {
  return Shapes(*this)("input", getInput(), "T d")("weight", getWeight(), "v d")(
             "targets", getTargets(), "T")("nll", getNll(), "T")("lse", getLse(), "T")
      .check();
}

LogicalResult SumOp::verify() {
  return Shapes(*this)("input", getInput(), "T")("result", getOutput(), "").check();
}

//===- adapters --------------------------------------------------------------------===//

LogicalResult BranchOp::verify() {
  return Shapes(*this)("base", getBase(), "T out")("input", getInput(), "T in")("A", getA(), "r in")(
             "B", getB(), "out r")("s", getS(), "out")("result", getOutput(), "T out")
      .check();
}

/// Whole branches: n from the columns of s. With a rank, they may be followed by padding.
template <typename Op> static Shapes &branches(Shapes &shapes, Op op) {
  int64_t columns = shapes["nr"], n = op.getS() ? shapes["n"] : 1;
  if (op.getRank())
    return shapes.require(int64_t(*op.getRank()) > 0 && n * int64_t(*op.getRank()) <= columns,
                          "b has " + Twine(columns) + " columns, too few for " + Twine(n) +
                              " branches of rank " + Twine(int64_t(*op.getRank())));
  return shapes.require(n > 0 && columns % n == 0, "b has " + Twine(columns) +
                                                       " columns, which is not a multiple of the " +
                                                       Twine(n) + " columns of s");
}

LogicalResult StackUpOp::verify() {
  Shapes shapes(*this);
  shapes("b", getB(), "out nr")("s", getS(), "out n")("result", getOutput(), "out nr");
  return branches(shapes, *this).check();
}

LogicalResult AdaptedLinearOp::verify() {
  Shapes shapes(*this);
  shapes("input", getInput(), "T in");
  return group(shapes, *this, "outputs", getOutputs())("down", getDown(), "m in")("mid", getMid(), "T m")
      .check();
}

LogicalResult MergeOp::verify() {
  return Shapes(*this)("weight", getWeight(), "out in")("up", getUp(), "out nr")("down", getDown(), "nr in")(
             "result", getOutput(), "out in")
      .check();
}

//===- gradients ---------------------------------------------------------------------===//

LogicalResult LinearInputGradOp::verify() {
  return Shapes(*this)("cotangent", getCotangent(), "T out")("weight", getWeight(),
                                                             "out in")("result", getOutput(), "T in")
      .check();
}

LogicalResult AdaptedLinearInputGradOp::verify() {
  Shapes shapes(*this);
  return group(shapes, *this, "cotangents", getCotangents())("down", getDown(), "m in")(
             "input_cotangent", getInputCotangent(), "T in")("mid_cotangent", getMidCotangent(), "T m")
      .check();
}

LogicalResult TokenOuterOp::verify() {
  Shapes shapes(*this);
  int64_t first = getFirst();
  shapes("lhs", getLhs(), "T a")("rhs", getRhs(), "T b")("result", getOutput(), "a c");
  return shapes
      .require(first >= 0 && first + shapes["c"] <= shapes["b"],
               "columns " + Twine(first) + " to " + Twine(first + shapes["c"]) +
                   " are not in rhs, which has " + Twine(shapes["b"]))
      .check();
}

LogicalResult RmsNormInputGradOp::verify() {
  return Shapes(*this)("cotangent", getCotangent(), "T d")("input", getInput(), "T d")(
             "weight", getWeight(), "d")("result", getOutput(), "T d")
      .check();
}

LogicalResult RmsNormScaleOp::verify() {
  return Shapes(*this)("input", getInput(), "T d")("result", getOutput(), "T").check();
}

LogicalResult RmsNormWeightGradOp::verify() {
  return Shapes(*this)("cotangent", getCotangent(), "T d")("input", getInput(), "T d")("scale", getScale(), "T")(
             "result", getOutput(), "d")
      .check();
}

template <typename Op> static Shapes &attentionGrad(Shapes &shapes, Op op) {
  shapes("query", op.getQuery(), "T q")("cotangent", op.getCotangent(), "T q")("key", op.getKey(), "T kv")(
      "value", op.getValue(), "T kv")("output", op.getOutput(), "T q");
  return heads(shapes, op.getHeads(), op.getKvHeads())
      .size("heads", op.getHeads(), "heads")("lse", op.getLse(), "T heads")("document_start",
                                                                            op.getDocumentStart(), "T");
}

LogicalResult AttentionQueryGradOp::verify() {
  Shapes shapes(*this);
  return attentionGrad(shapes, *this)("query_cotangent", getQueryCotangent(), "T q").check();
}

LogicalResult AttentionKeyValueGradOp::verify() {
  Shapes shapes(*this);
  return attentionGrad(shapes, *this)("key_cotangent", getKeyCotangent(), "T kv")("value_cotangent",
                                                                                  getValueCotangent(), "T kv")
      .check();
}

LogicalResult SwigluGradOp::verify() {
  return Shapes(*this)("cotangent", getCotangent(), "T d")("gate", getGate(), "T d")("up", getUp(), "T d")(
             "gate_cotangent", getGateCotangent(), "T d")("up_cotangent", getUpCotangent(), "T d")
      .check();
}

LogicalResult EmbeddingWeightGradOp::verify() {
  return Shapes(*this)("cotangent", getCotangent(), "T d")("ids", getIds(), "T")("result", getOutput(), "v d")
      .check();
}

LogicalResult ScatterRowsOp::verify() {
  return Shapes(*this)("input", getInput(),
                       "C d")("rows", getRows(), "C")("like", getLike(), "T d")("result", getOutput(), "T d")
      .check();
}

LogicalResult SpreadOp::verify() {
  int64_t rows = cast<ShapedType>(getLike().getType()).getDimSize(0);
  Shapes shapes(*this);
  if (!ShapedType::isDynamic(rows))
    shapes.size("T", rows, "the number of rows of like");
  return shapes("result", getOutput(), "T").check();
}

template <typename Op> static Shapes &crossEntropyGrad(Shapes &shapes, Op op) {
  return shapes("input", op.getInput(), "T d")("cotangent", op.getCotangent(), "T")(
      "weight", op.getWeight(), "v d")("targets", op.getTargets(), "T")("lse", op.getLse(), "T");
}

LogicalResult CrossEntropyInputGradOp::verify() {
  Shapes shapes(*this);
  return crossEntropyGrad(shapes, *this)("result", getOutput(), "T d").check();
}

LogicalResult CrossEntropyWeightGradOp::verify() {
  Shapes shapes(*this);
  return crossEntropyGrad(shapes, *this)("result", getOutput(), "v d").check();
}

LogicalResult NllOp::verify() {
  return Shapes(*this)("logits", getLogits(), "T v")("targets", getTargets(), "T")("nll", getNll(),
                                                                                   "T")("lse", getLse(), "T")
      .check();
}

LogicalResult NllInputGradOp::verify() {
  return Shapes(*this)("logits", getLogits(), "T v")("cotangent", getCotangent(), "T")(
             "targets", getTargets(), "T")("lse", getLse(), "T")("result", getOutput(), "T v")
      .check();
}

LogicalResult StackUpGradOp::verify() {
  Shapes shapes(*this);
  shapes("b", getB(), "out nr")("cotangent", getCotangent(), "out nr")("s", getS(), "out n")(
      "db", getDb(), "out nr")("ds", getDs(), "out n");
  return branches(shapes, *this).require(bool(getS()) == bool(getDs()), "has s or ds, but not both").check();
}

//===- library products --------------------------------------------------------------===//

LogicalResult ProductOp::verify() {
  Shapes shapes(*this);
  shapes("input", getInput(), "T k")("weight", getWeight(), "r c")("result", getOutput(), "T n");
  if (failed(shapes.check()))
    return failure();
  int64_t rows = getTransposed() ? shapes["k"] : shapes["n"],
          columns = getTransposed() ? shapes["n"] : shapes["k"];
  Type element = getInput().getType().getElementType(), result = getOutput().getType().getElementType();
  return shapes
      .require(rows <= shapes["r"] && columns <= shapes["c"],
               "weight is " + Twine(shapes["r"]) + " by " + Twine(shapes["c"]) + ", smaller than the " +
                   Twine(rows) + " by " + Twine(columns) + " that count")
      .require(element == getWeight().getType().getElementType(), "operands have elements of different types")
      .require(element == result || (element.isBF16() && result.isF32()),
               "result has elements of another type than its operands; of bf16 operands it may be f32")
      .check();
}

LogicalResult RoundOp::verify() {
  return Shapes(*this)("input", getInput(), "T d")("result", getOutput(), "T d").check();
}

LogicalResult JoinOp::verify() {
  Shapes shapes(*this);
  shapes.require(!getInputs().empty(), "joins nothing");
  int64_t columns = 0;
  for (Value input : getInputs())
    columns += cast<ShapedType>(input.getType()).getDimSize(1);
  shapes.size("d", columns, "the sum of the inputs' columns")("result", getOutput(), "T d");
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    shapes(numbered("input", i), input, "T k" + std::to_string(i));
    shapes.require(getElementTypeOrSelf(input) == getElementTypeOrSelf(getOutput()),
                   "input #" + Twine(i) + " and result have elements of different types");
  }
  return shapes.check();
}

/// The part's rows and columns from `at` on are inside the whole.
static LogicalResult inside(Operation *op, ArrayRef<int64_t> at, ShapedType part, StringRef partName,
                            ShapedType whole, StringRef wholeName) {
  if (at.size() != 2 || at[0] < 0 || at[1] < 0)
    return op->emitOpError("'at' is not a row and a column from 0 on");
  for (int dim : {0, 1}) {
    StringRef noun = dim ? "columns" : "rows";
    if (part.isDynamicDim(dim) != whole.isDynamicDim(dim) || (part.isDynamicDim(dim) && at[dim] != 0))
      return op->emitOpError() << "takes some " << noun << " where their number is known at run time only";
    if (!part.isDynamicDim(dim) && at[dim] + part.getDimSize(dim) > whole.getDimSize(dim))
      return op->emitOpError() << partName << " has " << part.getDimSize(dim) << " " << noun << " from "
                               << at[dim] << " on, " << wholeName << " has " << whole.getDimSize(dim);
  }
  return success();
}

LogicalResult WindowOp::verify() {
  if (getElementTypeOrSelf(getInput()) != getElementTypeOrSelf(getOutput()))
    return emitOpError("input and result have elements of different types");
  return inside(*this, getAt(), getOutput().getType(), "result", getInput().getType(), "input");
}

LogicalResult PlaceOp::verify() {
  if (getInput() && getInput().getType() != getOutput().getType())
    return emitOpError() << "result is " << getOutput().getType() << ", input " << getInput().getType();
  if (!getInput() && getElementTypeOrSelf(getPart()) != getElementTypeOrSelf(getOutput()))
    return emitOpError("part and result have elements of different types");
  return inside(*this, getAt(), getPart().getType(), "part", getOutput().getType(), "result");
}

//===- the optimizer -----------------------------------------------------------------===//

LogicalResult SquareSumOp::verify() {
  int64_t rank = getInput().getType().getRank();
  return Shapes(*this)
      .require(rank == 1 || rank == 2, "input has rank " + Twine(rank) + ", not 1 or 2")(
          "input", getInput(), rank == 1 ? "o" : "o i")("result", getOutput(), "o")
      .check();
}

LogicalResult NormOp::verify() {
  return Shapes(*this).require(!getInputs().empty(), "is over no tensor").check();
}

LogicalResult AdamWOp::verify() {
  return Shapes(*this).size("n", 8, "the number of settings")("hyper", getHyper(), "n").check();
}

//===- blocks and programs -------------------------------------------------------------===//

/// Bytes of a row of blocks against the number of its values; `?` agrees with every number.
static LogicalResult checkBlocks(Operation *op, StringRef name, int64_t bytes, int64_t values) {
  const ::mlora::BlockFormat *format = ::mlora::findBlockFormat(std::string_view(name));
  if (!format) {
    std::string known;
    for (const ::mlora::BlockFormat &one : ::mlora::blockFormats)
      known += (known.empty() ? "" : ", ") + std::string(one.name);
    return op->emitOpError() << "format '" << name << "' is none of " << known;
  }
  bool isKnown = !ShapedType::isDynamic(bytes) && !ShapedType::isDynamic(values);
  if (isKnown && (values % format->values != 0 || bytes != values / format->values * format->bytes))
    return op->emitOpError() << values << " values in a row of " << bytes << " bytes: a block of " << name << " holds "
                             << format->values << " values in " << format->bytes << " bytes";
  return success();
}

/// A row of memory for blocks of a format, or of the widest of several, against the number of its values; of several
/// there is one row more.
LogicalResult DequantizeOp::verify() {
  auto layout = ::mlora::BlockLayout::find(std::string_view(getFormat()));
  ArrayRef<int64_t> memory = getBlocks().getType().getShape(), values = getOutput().getType().getShape();
  if (!layout || !layout->isMixed())
    return failed(Shapes(*this)("blocks", getBlocks(), "n b")("result", getOutput(), "n v").check())
               ? failure()
               : checkBlocks(*this, getFormat(), memory[1], values[1]);
  for (const ::mlora::BlockFormat *format : layout->formats)
    if (values[1] % format->values)
      return emitOpError() << "rows of " << values[1] << " values are no whole blocks of " << format->name << ", "
                           << format->values << " values each";
  int64_t rows = layout->memoryRows(values[0]), bytes = layout->memoryRowBytes(values[1]);
  if (memory != ArrayRef<int64_t>{rows, bytes})
    return emitOpError() << "blocks are " << memory[0] << " rows of " << memory[1] << " bytes; " << values[0] << " rows of "
                         << values[1] << " values in one of " << getFormat() << " take " << rows << " of " << bytes;
  return success();
}

LogicalResult GemmOp::verify() {
  for (Value memory : {getA(), getB(), getC()}) {
    SmallVector<int64_t> strides;
    int64_t offset;
    auto type = cast<MemRefType>(memory.getType());
    if (failed(type.getStridesAndOffset(strides, offset)) || strides.back() != 1)
      return emitOpError() << "columns of " << type << " are not contiguous";
  }
  bool isBlocks = getElementTypeOrSelf(getB()).isInteger(8);
  if (isBlocks != bool(getFormat()) || (isBlocks && !getTransposeB()))
    return emitOpError("b is bytes of blocks where it is transposed and of a format, and only there");
  Shapes shapes(*this);
  shapes("a", getA(), getTransposeA() ? "K M" : "M K")("c", getC(), "M N");
  if (!isBlocks)
    return shapes("b", getB(), getTransposeB() ? "N K" : "K N").check();
  auto a = cast<MemRefType>(getA().getType()), b = cast<MemRefType>(getB().getType());
  return failed(shapes("b", getB(), "N B").check())
             ? failure()
             : checkBlocks(*this, *getFormat(), b.getDimSize(1), a.getDimSize(getTransposeA() ? 0 : 1));
}

LogicalResult KernelOp::verify() {
  for (auto [text, dim] : llvm::zip_equal(getGrid().getAsValueRange<StringAttr>(), getGridDimensions())) {
    bool known =
        dim.extent.empty() || dim.extent == "rows" || dim.extent == "counted_rows" || dim.extent == "kv_rows";
    if (!known || dim.size < 0 || dim.block < 1 || !text.contains(" by "))
      return emitOpError() << "grid has '" << text
                           << "'; a dimension is a size, rows, counted_rows or kv_rows, then by, "
                           << "then a block of at least 1";
  }
  return success();
}

LogicalResult YieldOp::verify() {
  auto kernel = cast<KernelOp>((*this)->getParentOp());
  if (getOperandTypes() == kernel.getResultTypes())
    return success();
  return emitOpError() << "yields (" << getOperandTypes() << "), @" << kernel.getSymName() << " gives ("
                       << kernel.getResultTypes() << ")";
}

LogicalResult LaunchOp::verify() {
  auto slots = getSlots();
  if (slots && slots->size() != getOperands_().size())
    return emitOpError() << "has " << slots->size() << " slots for " << getOperands_().size() << " operands";
  return success();
}

LogicalResult BufferOp::verify() {
  static const llvm::StringSet<> roles = {"input",  "weight",   "parameter", "gradient", "moment1", "moment2",
                                          "factor", "residual", "temporary", "cache",    "output"};
  if (!roles.contains(getRole()))
    return emitOpError() << "role is '" << getRole()
                         << "', not one of input, weight, parameter, gradient, moment1, moment2, "
                         << "factor, residual, temporary, cache, output";
  if (int64_t(getSlots()) < 1)
    return emitOpError() << "has " << int64_t(getSlots()) << " slots";
  if (getOffset() && int64_t(*getOffset()) < 0)
    return emitOpError() << "offset is " << int64_t(*getOffset());
  bool isDynamic = !cast<MemRefType>(getMemory().getType()).hasStaticShape();
  if (getPlace() && !llvm::is_contained(kRegionNames, *getPlace()))
    return emitOpError() << "lies in '" << *getPlace() << "', not one of "
                         << llvm::join(std::begin(kRegionNames), std::end(kRegionNames), ", ");
  if (getPlace() == kChunkRegion && getExtent() != StringRef("counted_rows"))
    return emitOpError("lies in chunk_rows, where what has counted_rows is: those of a chunk");
  if (getPlace() == kChunkRegion && !cast<ProgramOp>((*this)->getParentOp()).getChunkRows())
    return emitOpError("lies in chunk_rows of a program that has no chunk_rows");
  if (getOffset() && bool(getPlace()) != isDynamic)
    return emitOpError() << (isDynamic ? "has run-time rows and lies in no region of rows"
                                       : "has no run-time rows and lies in a region of rows");
  return success();
}

LogicalResult ProgramOp::verify() {
  // Each chunk begins where the arena is aligned.
  if (int64_t rows = getChunkRows().value_or(kCapacityStep); rows < kCapacityStep || rows % kCapacityStep)
    return emitOpError() << "chunk_rows is " << rows << ", not a positive multiple of " << kCapacityStep;
  DictionaryAttr arena = getArenaAttr();
  for (NamedAttribute entry : arena ? arena.getValue() : ArrayRef<NamedAttribute>()) {
    auto bytes = dyn_cast<IntegerAttr>(entry.getValue());
    if (entry.getName() != "fixed" && !llvm::is_contained(kRegionNames, entry.getName().strref()))
      return emitOpError() << "arena grows with '" << entry.getName().strref() << "', not one of "
                           << llvm::join(std::begin(kRegionNames), std::end(kRegionNames), ", ");
    if (!bytes || bytes.getInt() < 0)
      return emitOpError() << "arena has no number of bytes from 0 on for " << entry.getName();
  }
  return success();
}

LogicalResult EmulateOp::verify() {
  // `most`: of all dimensions multiplied; `mostOf`: of each alone, what a launch on a device allows.
  auto check = [&](StringRef what, ArrayRef<int64_t> sizes, int64_t most,
                   std::array<int64_t, 3> mostOf) -> LogicalResult {
    if (sizes.empty() || sizes.size() > 3)
      return emitOpError() << what << " has " << sizes.size() << " dimensions; expected one to three";
    int64_t product = 1;
    for (auto [i, size] : llvm::enumerate(sizes)) {
      if (size > mostOf[i] && mostOf[i] < most)
        return emitOpError() << getKernel() << ": " << what << " has " << size << " along "
                             << StringRef("xyz").substr(i, 1) << "; a device allows " << mostOf[i];
      if (size < 1 || (product *= size) > most)
        return emitOpError() << getKernel() << ": " << what << " has a size that is not in [1, " << most
                             << "], alone or multiplied";
    }
    return success();
  };
  constexpr int64_t kMostBlocks = (int64_t(1) << 31) - 1;
  if (failed(check("grid", getGrid(), kMostBlocks, {kMostBlocks, 65535, 65535})) ||
      failed(check("block", getBlock(), 1024, {1024, 1024, 64})))
    return failure();
  constexpr int64_t kMostShared = 227 << 10; // what a block of sm_90 can have
  if (int64_t bytes = getDynamicShared(); bytes < 0 || bytes > kMostShared)
    return emitOpError() << "dynamic_shared is " << bytes << ", not in [0, " << kMostShared << "]";
  return success();
}

LogicalResult ChunkedCallOp::verify() {
  if (llvm::none_of(getInputs(), isCut))
    return emitOpError("has no operand with run-time rows, which are what is cut");
  if (int64_t(getBy()) < 1)
    return emitOpError() << "has chunks of " << int64_t(getBy()) << " rows";
  return success();
}

LogicalResult ChunkedCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "calls what does not exist: " << getCalleeAttr();
  if (TypeRange(callee.getArgumentTypes()) != getInputs().getTypes() ||
      TypeRange(callee.getResultTypes()) != getOutputs().getTypes())
    return emitOpError() << "calls " << getCalleeAttr() << " with (" << getInputs().getTypes() << ") -> ("
                         << getOutputs().getTypes() << "); it takes and gives (" << callee.getArgumentTypes()
                         << ") -> (" << callee.getResultTypes() << ")";
  return success();
}

LogicalResult ChunksOp::verify() {
  if (!(*this)->getParentOfType<ProgramOp>().getChunkRows())
    return emitOpError("is in a program that has no chunk_rows");
  return success();
}

LogicalResult LayersOp::verify() {
  if (getStep() == 0)
    return emitOpError() << "step is 0";
  return success();
}
