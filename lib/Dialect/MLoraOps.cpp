//===- MLoraOps.cpp - methods of the ops -----------------------------------------===//

#include "mlora/Dialect/MLora.h"

#include "mlir/Interfaces/FunctionImplementation.h"

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
static void printKeyword(OpAsmPrinter &printer, Operation *, StringAttr value) { printer << value.getValue(); }

#define GET_OP_CLASSES
#include "mlora/Dialect/MLoraOps.cpp.inc"

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

SmallVector<KernelOp::GridDimension> KernelOp::getGridDimensions() {
  SmallVector<GridDimension> dimensions;
  for (StringRef text : getGrid().getAsValueRange<StringAttr>()) {
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
  if (function_interface_impl::parseFunctionSignatureWithArguments(parser, false, arguments, isVariadic, resultTypes,
                                                                   resultAttrs))
    return failure();
  SmallVector<Type> argumentTypes;
  for (OpAsmParser::Argument &argument : arguments)
    argumentTypes.push_back(argument.type);
  result.addAttribute(getFunctionTypeAttrName(result.name),
                      TypeAttr::get(builder.getFunctionType(argumentTypes, resultTypes)));
  ArrayAttr grid;
  if (parser.parseKeyword("grid") || parser.parseAttribute(grid, getGridAttrName(result.name), result.attributes) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  call_interface_impl::addArgAndResultAttrs(builder, result, arguments, resultAttrs, getArgAttrsAttrName(result.name),
                                            getResAttrsAttrName(result.name));
  return parser.parseRegion(*result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  function_interface_impl::printFunctionSignature(printer, *this, getArgumentTypes(), false, getResultTypes());
  printer << " grid " << getGridAttr();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getSymNameAttrName(), getFunctionTypeAttrName(), getGridAttrName(),
                                            getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}
