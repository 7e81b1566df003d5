//===- JoinedKernels.cpp - kernels that one launch runs ----------------------------===//

#include "mlora/Dialect/MLora.h"
#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/Touches.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::mlora;

//===- joined_kernel ---------------------------------------------------------------===//

ParseResult JoinedKernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes) ||
      parser.parseArgumentList(arguments, AsmParser::Delimiter::Paren, /*allowType=*/true) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  return parser.parseRegion(*result.addRegion(), arguments);
}

/// One buffer a line.
void JoinedKernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  for (BlockArgument argument : getBody().getArguments()) {
    if (argument.getArgNumber() > 0)
      printer << ',';
    printer.printNewline();
    printer << "    ";
    printer.printRegionArgument(argument);
  }
  printer << ')';
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getSymNameAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

int64_t JoinedKernelOp::getBlocks() {
  int64_t blocks = 0;
  for (auto part : getBody().getOps<PartOp>())
    blocks += int64_t(part.getLayers()) * part.getBlocksOfLayer();
  return blocks;
}

LogicalResult JoinedKernelOp::verify() {
  if (getBody().getOps<PartOp>().empty())
    return emitOpError("has no part");
  if (getBody().getNumArguments() > kMostBuffers)
    return emitOpError() << "has " << getBody().getNumArguments()
                         << " buffers; a GPU's kernel has parameters for " << kMostBuffers;
  return success();
}

/// Runs behind the parts' own checks: each names a kernel that its buffers fit.
LogicalResult JoinedKernelOp::verifyRegions() {
  llvm::StringSet<> named;
  LaunchesAtOnce launches;
  for (auto part : getBody().getOps<PartOp>()) {
    named.insert(part.getKernel());
    llvm::BitVector perLayer(part.getBuffers().size());
    for (unsigned i = 0; i < perLayer.size(); ++i)
      perLayer[i] = part.isPerLayer(i);
    auto clash = launches.add(part.getJoined(), part.getBuffers(), perLayer, part.getLayers());
    if (!clash)
      continue;
    InFlightDiagnostic error = part.emitOpError()
                               << "touches buffer " << cast<BlockArgument>(clash->memory).getArgNumber();
    if (StringRef name = nameOf(clash->memory); !name.empty())
      error << " (" << name << ")";
    return error << " as @" << clash->other.getSymName()
                 << (clash->isOfLayers ? " of another layer" : "")
                 << " does, and one of them writes it; they would have to run one after the other";
  }
  for (auto kernel : getBody().getOps<KernelOp>())
    if (!named.contains(kernel.getSymName()))
      return kernel.emitOpError("is in no part of the joined kernel that holds it");
  return success();
}

//===- part ------------------------------------------------------------------------===//

KernelOp PartOp::getJoined() {
  return dyn_cast_or_null<KernelOp>(SymbolTable::lookupSymbolIn((*this)->getParentOp(), getKernelAttr()));
}

int64_t PartOp::getBlocksOfLayer() {
  int64_t blocks = 1;
  for (const KernelOp::GridDimension &dimension : getJoined().getGridDimensions())
    blocks *= llvm::divideCeil(dimension.size, dimension.block);
  return blocks;
}

/// A kernel's operands and results, in the order of a launch.
static SmallVector<RankedTensorType> tensorsOf(KernelOp kernel) {
  auto types = llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes());
  return llvm::map_to_vector(types, [](Type type) { return cast<RankedTensorType>(type); });
}

bool PartOp::isPerLayer(unsigned buffer) {
  auto memory = cast<MemRefType>(getBuffers()[buffer].getType());
  return memory.getRank() > tensorsOf(getJoined())[buffer].getRank();
}

/// Whether memory holds a tensor row by row, or one for each layer, none over another.
static bool holds(MemRefType memory, RankedTensorType tensor, int64_t layers) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!tensor.hasStaticShape() || memory.getElementType() != tensor.getElementType() ||
      memory.getMemorySpace() || failed(memory.getStridesAndOffset(strides, offset)) || offset != 0)
    return false;
  ArrayRef<int64_t> shape = memory.getShape(), own = strides;
  if (memory.getRank() == tensor.getRank() + 1) {
    if (shape.front() != layers || own.front() < tensor.getNumElements())
      return false;
    shape = shape.drop_front();
    own = own.drop_front();
  }
  return shape == tensor.getShape() && own == ArrayRef(computeStrides(tensor.getShape()));
}

LogicalResult PartOp::verify() {
  if (int64_t(getLayers()) < 1)
    return emitOpError() << "has " << int64_t(getLayers()) << " layers";
  return success();
}

LogicalResult PartOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError() << "names '" << getKernel() << "', which is none of the kernels that are joined";
  for (const KernelOp::GridDimension &dimension : kernel.getGridDimensions())
    if (!dimension.extent.empty())
      return emitOpError() << "joins @" << getKernel() << ", whose grid is over '" << dimension.extent
                           << "'; expected one of static size";
  auto types = llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes());
  for (Type type : types)
    if (!isa<RankedTensorType>(type))
      return emitOpError() << "joins @" << getKernel() << ", which has a " << type << "; expected tensors";
  SmallVector<RankedTensorType> tensors = tensorsOf(kernel);
  if (tensors.size() != getBuffers().size())
    return emitOpError() << "has " << getBuffers().size() << " buffers; @" << getKernel() << " has "
                         << tensors.size() << " operands and results";
  for (auto [i, tensor] : llvm::enumerate(tensors))
    if (auto memory = dyn_cast<MemRefType>(getBuffers()[i].getType());
        !memory || !holds(memory, tensor, getLayers()))
      return emitOpError() << "buffer " << i << " is " << getBuffers()[i].getType() << "; expected a "
                           << tensor << " row by row, or one for each of " << int64_t(getLayers())
                           << " layers";
  return success();
}
