//===- MLora.cpp - registration of the dialect ----------------------------------===//

#include "mlora/Dialect/MLora.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace mlir::mlora;

#include "mlora/Dialect/MLoraDialect.cpp.inc"
#include "mlora/Dialect/MLoraInterfaces.cpp.inc"

void MLoraDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "mlora/Dialect/MLoraOps.cpp.inc"
      >();
}
