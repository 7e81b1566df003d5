//===- MLoraOps.cpp - methods of the ops -----------------------------------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"

#include "mlir/Interfaces/FunctionImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::mlora;

/// A bare word such as `weight` in an assembly format.
static ParseResult parseKeyword(OpAsmParser &parser, StringAttr &value) {
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  value = parser.getBuilder().getStringAttr(word);
  return success();
}
static void printKeyword(OpAsmPrinter &printer, Operation *, StringAttr value) {
  printer << value.getValue();
}

/// A buffer's slot: `3`, `layer`, `layer+1`; or `all` of them.
static ParseResult parseSlot(OpAsmParser &parser, SmallVectorImpl<Attribute> &slots) {
  if (succeeded(parser.parseOptionalKeyword("all"))) {
    slots.push_back(parser.getBuilder().getStringAttr("all"));
    return success();
  }
  std::string slot = succeeded(parser.parseOptionalKeyword("layer")) ? "layer" : "";
  bool hasPlus = !slot.empty() && succeeded(parser.parseOptionalPlus());
  int64_t number = 0;
  if (OptionalParseResult parsed = parser.parseOptionalInteger(number); parsed.has_value()) {
    if (failed(*parsed))
      return failure();
    slot += (hasPlus ? "+" : "") + std::to_string(number);
  } else if (slot.empty() || hasPlus) {
    return parser.emitError(parser.getCurrentLocation(),
                            "expected a slot: a number, layer, layer+number or all");
  }
  slots.push_back(parser.getBuilder().getStringAttr(slot));
  return success();
}

/// Operands of a launch, `(%h[layer], %x[0])`; tensors have no slots.
static ParseResult parsePlaces(OpAsmParser &parser, SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
                               ArrayAttr &slots) {
  SmallVector<Attribute> given;
  auto parsePlace = [&]() -> ParseResult {
    if (parser.parseOperand(operands.emplace_back()))
      return failure();
    if (failed(parser.parseOptionalLSquare()))
      return success();
    return failure(parseSlot(parser, given) || parser.parseRSquare());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parsePlace))
    return failure();
  if (!given.empty())
    slots = parser.getBuilder().getArrayAttr(given);
  return success();
}
static void printPlaces(OpAsmPrinter &printer, Operation *, OperandRange operands, ArrayAttr slots) {
  printer << '(';
  llvm::interleaveComma(llvm::enumerate(operands), printer, [&](auto indexed) {
    printer << indexed.value();
    if (slots)
      printer << '[' << cast<StringAttr>(slots[indexed.index()]).getValue() << ']';
  });
  printer << ')';
}

/// Bytes that grow with the capacity: `4096 + 2304 * rows + 16 * kv_rows`.
static ParseResult parseLinearBytes(OpAsmParser &parser, DictionaryAttr &bytes) {
  Builder &builder = parser.getBuilder();
  NamedAttrList terms;
  int64_t number;
  if (parser.parseInteger(number))
    return failure();
  terms.append("fixed", builder.getI64IntegerAttr(number));
  while (succeeded(parser.parseOptionalPlus())) {
    StringRef extent;
    if (parser.parseInteger(number) || parser.parseStar())
      return failure();
    SMLoc at = parser.getCurrentLocation();
    if (parser.parseKeyword(&extent))
      return failure();
    if (terms.get(extent))
      return parser.emitError(at) << extent << " counts twice";
    terms.append(extent, builder.getI64IntegerAttr(number));
  }
  bytes = terms.getDictionary(builder.getContext());
  return success();
}
static void printLinearBytes(OpAsmPrinter &printer, Operation *, DictionaryAttr bytes) {
  auto fixed = bytes.getAs<IntegerAttr>("fixed");
  printer << (fixed ? fixed.getInt() : 0);
  for (StringRef region : kRegionNames)
    if (auto perRow = bytes.getAs<IntegerAttr>(region))
      printer << " + " << perRow.getInt() << " * " << region;
}

#define GET_OP_CLASSES
#include "mlora/Dialect/MLoraOps.cpp.inc"

int64_t JoinOp::getFirstColumn(unsigned input) {
  int64_t column = 0;
  for (Value before : getInputs().take_front(input))
    column += cast<RankedTensorType>(before.getType()).getDimSize(1);
  return column;
}

bool ChunkedCallOp::isCut(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.getRank() > 0 && type.isDynamicDim(0);
}

Value ChunkedCallOp::getCut() { return *llvm::find_if(getInputs(), isCut); }

int64_t ProgramOp::getArenaBytes(StringRef region) {
  auto bytes = getArena() ? getArena()->getAs<IntegerAttr>(region.empty() ? "fixed" : region) : IntegerAttr();
  return bytes ? bytes.getInt() : 0;
}

/// Names of results that are no one's own: what the formulas call them.
static SmallVector<StringRef> formulaNames(Operation *op) {
  return llvm::TypeSwitch<Operation *, SmallVector<StringRef>>(op)
      .Case([](AdaptedLinearOp adapted) {
        SmallVector<StringRef> names(adapted.getOutputs().size());
        names.push_back("m");
        return names;
      })
      .Case([](AdaptedLinearInputGradOp grad) {
        return grad.getInputCotangent() ? SmallVector<StringRef>{"dx", "u"} : SmallVector<StringRef>{"u"};
      })
      .Case([](AttentionOp) {
        return SmallVector<StringRef>{"o", "lse"};
      })
      .Case([](AttentionKeyValueGradOp) {
        return SmallVector<StringRef>{"dk", "dv"};
      })
      .Case([](SwigluGradOp) {
        return SmallVector<StringRef>{"dg", "du"};
      })
      .Case<CrossEntropyOp, NllOp>([](Operation *) {
        return SmallVector<StringRef>{"nll", "lse"};
      })
      .Case([](StackUpGradOp) {
        return SmallVector<StringRef>{"db", "ds"};
      })
      .Default(SmallVector<StringRef>{});
}

void mlir::mlora::nameResults(Operation *op, OpAsmSetValueNameFn setName) {
  SmallVector<StringRef> formula = formulaNames(op);
  std::string buffer;
  if (auto named = dyn_cast<BufferOp>(op)) {
    buffer = shortName(named);
    formula = {buffer};
  }
  for (OpResult result : op->getResults()) {
    unsigned number = result.getResultNumber();
    StringRef name = nameOf(result);
    if (name.empty() && number < formula.size())
      name = formula[number];
    if (!name.empty())
      setName(result, name);
  }
}

SmallVector<double> RopeTableOp::getFrequencies() {
  int64_t half = getTable().getType().getShape()[1] / 2;
  double theta = getTheta().convertToDouble();
  SmallVector<double> frequencies;
  for (int64_t i = 0; i < half; ++i) {
    double f = std::pow(theta, -double(i) / half);
    if (std::optional<ArrayRef<double>> llama3 = getLlama3()) {
      double factor = (*llama3)[0], low = (*llama3)[1], high = (*llama3)[2], context = (*llama3)[3];
      // Below, between and above the two wavelengths at once: t is clamped to [0, 1].
      double t = std::clamp((context * f / (2 * M_PI) - low) / (high - low), 0.0, 1.0);
      f = (1 - t) * f / factor + t * f;
    }
    if (std::optional<ArrayRef<double>> divisors = getDivisors())
      f /= (*divisors)[i];
    frequencies.push_back(f);
  }
  return frequencies;
}

std::optional<unsigned> KernelOp::getOperandInPlaceOf(unsigned result) {
  Value value = getBody().front().getTerminator()->getOperand(result);
  bool isPlaced = false;
  while (auto place = value.getDefiningOp<PlaceOp>()) {
    value = place.getInput();
    if (!value) // a new buffer, of which the kernel writes some columns
      return std::nullopt;
    isPlaced = true;
  }
  auto argument = dyn_cast<BlockArgument>(value);
  return isPlaced && argument ? std::optional<unsigned>(argument.getArgNumber()) : std::nullopt;
}

SmallVector<KernelOp::GridDimension> KernelOp::parseGrid(ArrayAttr grid) {
  SmallVector<GridDimension> dimensions;
  for (StringRef text : grid.getAsValueRange<StringAttr>()) {
    auto [extent, block] = text.split(" by ");
    GridDimension dimension;
    if (extent.getAsInteger(10, dimension.size))
      dimension.extent = extent;
    block.getAsInteger(10, dimension.block);
    dimensions.push_back(dimension);
  }
  return dimensions;
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  bool isVariadic = false;
  if (function_interface_impl::parseFunctionSignatureWithArguments(parser, false, arguments, isVariadic,
                                                                   resultTypes, resultAttrs))
    return failure();
  SmallVector<Type> argumentTypes;
  for (OpAsmParser::Argument &argument : arguments)
    argumentTypes.push_back(argument.type);
  result.addAttribute(getFunctionTypeAttrName(result.name),
                      TypeAttr::get(builder.getFunctionType(argumentTypes, resultTypes)));
  ArrayAttr grid;
  if (parser.parseKeyword("grid") ||
      parser.parseAttribute(grid, getGridAttrName(result.name), result.attributes) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  call_interface_impl::addArgAndResultAttrs(builder, result, arguments, resultAttrs,
                                            getArgAttrsAttrName(result.name),
                                            getResAttrsAttrName(result.name));
  // Names are the kernel's own, also inside a joined one.
  return parser.parseRegion(*result.addRegion(), arguments, /*enableNameShadowing=*/true);
}

/// `(%a: type {attributes}, …) -> (type {attributes}, …)`, with many arguments one a line.
static void printSignature(OpAsmPrinter &printer, KernelOp kernel) {
  ArrayRef<BlockArgument> arguments = kernel.getBody().getArguments();
  bool isTall = arguments.size() > 3;
  auto separate = [&](StringRef separator) {
    printer << separator;
    if (!isTall)
      return;
    printer.printNewline();
    printer << "    ";
  };
  auto entries = [](DictionaryAttr attrs) { return attrs ? attrs.getValue() : ArrayRef<NamedAttribute>(); };
  printer << '(';
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    separate(i == 0 ? "" : isTall ? "," : ", ");
    printer.printRegionArgument(argument, entries(kernel.getArgAttrDict(i)));
  }
  printer << ')';
  ArrayRef<Type> results = kernel.getResultTypes();
  if (results.empty())
    return;
  separate(isTall ? "" : " ");
  bool isBare = results.size() == 1 && entries(kernel.getResultAttrDict(0)).empty();
  printer << "-> " << (isBare ? "" : "(");
  llvm::interleaveComma(llvm::enumerate(results), printer, [&](auto indexed) {
    printer << indexed.value();
    printer.printOptionalAttrDict(entries(kernel.getResultAttrDict(indexed.index())));
  });
  printer << (isBare ? "" : ")");
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printSignature(printer, *this);
  printer << " grid " << getGridAttr();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getSymNameAttrName(), getFunctionTypeAttrName(),
                                            getGridAttrName(), getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}
